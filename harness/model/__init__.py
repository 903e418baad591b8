"""What a scenario is, as values: read once at the edge, then frozen.

YAML becomes located nodes (`harness.load`), the nodes become the classes of this package, the engine turns those into
outcomes, and every report is a replay of outcomes. Nothing in here does I/O, and nothing in here knows YAML.
"""
