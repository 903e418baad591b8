"""The engine: carries scenarios out and says what came of them.

It is one asyncio loop in the main thread. Everything that happens (an event, a line of output, a byte, an exit) is
recorded in a timeline, and every record wakes whoever waits:

    pidfd, FIFO, pipe, socket  ->  actor  ->  timeline.record  ->  pulse  ->  waits.until  ->  the verb goes on

`run` carries out one item, `runner` many at once; `world` is what one item owns; `verbs` has a function for each verb,
`actors` what can take part; `observe` is what the kernel knows about processes.
"""
