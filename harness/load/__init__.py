"""From files to values: YAML to located nodes, nodes to the classes of `harness.model`, every problem at once.

    text --yaml--> nodes --expand--> nodes of each cell --scenario, validate--> Scenario --names, lint--> problems

The rest of the harness needs `suite.load_suite`, `manifest.load_manifest` and `render.render_problems`.
"""
