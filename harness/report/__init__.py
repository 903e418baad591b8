"""Reports: what a reader, a build server or another program is told of a run.

Every report is a replay of the same three things: a header that says what was run, a result for each item as it comes,
and a footer that says how it ended.

    engine --> Outcome --> Result --+--> jsonl    (the source of truth, written line by line)
                                    +--> console
                                    +--> junit, tap, github
                                    +--> markdown, html, badges: of one run or, by a `Survey`, of several
    FILE.jsonl --> read_run --------+    (`harness report`: the same reports again)
                       +--> compare, trend
"""
