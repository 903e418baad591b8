"""The steps by which an adapter comes into being: each a small scenario, what it expects, what to do when it fails.

They lead from nothing to the core profile, each asking for one thing more than those before it. When all are passed,
the suite has the word.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.load.scenario import read_scenarios
from harness.model.outcome import Outcome, Verdict

if TYPE_CHECKING:
    from harness.model.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that an adapter has to do: `expects` and `next` are for a person who has not got there yet."""

    title: str
    expects: str
    next: str
    scenario: Scenario


def _step(title: str, expects: str, then: str, *, text: str) -> Step:
    (scenario,) = read_scenarios(f"scenario: {title}\n{text}", "adapter check", name=title)
    return Step(title, expects, then, scenario)


STEPS = (
    _step(
        "it starts, and tells where it listens",
        'the lines {"event": "before_start", "pid": 4711, "address": "127.0.0.1:40127"} and {"event": "preprocess", '
        '"pid": 4711} in the FIFO that `events` names',
        "read the file that is the last argument; listen on daemon.listen_address, whose port 0 the kernel replaces; "
        "open the FIFO for appending and write each event as one line in one write; then wait",
        text="""\
actors: {d: {daemon: echo, mode: server}}
steps:
  - launch: d
  - event: {of: d, name: before_start}
  - event: {of: d, name: preprocess}
  - signal: {to: d, signal: KILL}
  - exit: {of: d, signal: KILL}
""",
    ),
    _step(
        "it ends when it is told to",
        "at TERM the events at_stop with the state graceful, postprocess and after_stop, then the exit status 0",
        "handle TERM: close the listening socket, write the three events, exit with status 0",
        text="""\
actors: {d: {daemon: echo, mode: server}}
steps:
  - start: d
  - signal: {to: d, action: stop_graceful}
  - event: {of: d, name: at_stop, where: {state: graceful}}
  - event: {of: d, name: postprocess}
  - event: {of: d, name: after_stop}
  - exit: d
""",
    ),
    _step(
        "it serves",
        "with the handler echo each line of a client back, and the event dispatch for each connection",
        "accept; for each connection write the event dispatch, give each line back, close when the client has ended",
        text="""\
actors:
  d: {daemon: echo, mode: server}
  c: {client: d}
steps:
  - start: d
  - connect: c
  - talk: {to: c, send: one, expect: one}
  - event: {of: d, name: dispatch}
  - talk: {to: c, send: two, expect: two}
  - close: {of: c, how: write}
  - expect: {of: c, end: closed}
  - connect: c
  - talk: {to: c, send: three, expect: three}
""",
    ),
    _step(
        "it serves several at once",
        "an answer to each of two clients that are connected at the same time",
        "dispatch each connection in a thread of its own, server.thread_num of them (4 when it is left out)",
        text="""\
actors:
  d: {daemon: echo, mode: server}
  one: {client: d}
  two: {client: d}
steps:
  - start: d
  - connect: one
  - connect: two
  - talk: {to: two, send: second, expect: second}
  - talk: {to: one, send: first, expect: first}
""",
    ),
    _step(
        "it listens on a Unix socket",
        "the address unix:PATH in before_start, an answer there, and nothing at PATH when it has ended",
        "take unix:PATH for daemon.listen_address, and remove the socket file at the end",
        text="""\
actors:
  d: {daemon: echo, mode: server, listen: unix}
  c: {client: d}
steps:
  - start: d
  - connect: c
  - talk: {to: c, send: one, expect: one}
""",
    ),
    _step(
        "its probe answers",
        "with the handler probe `ok TEXT` for echo TEXT, `ok` for sleep, the pid of the process for pid, and `error "
        "unknown command NAME` for what it does not know",
        "take each line for a command, as the contract's table has them",
        text="""\
actors:
  d: {daemon: probe, mode: server}
  c: {client: d}
steps:
  - start: d
  - connect: c
  - talk: {to: c, send: echo one two, expect: ok one two}
  - talk: {to: c, send: sleep 0.1, expect: ok}
  - talk: {to: c, send: pid, expect: "ok ${d.pid}"}
  - talk: {to: c, send: nonsense, expect: error unknown command nonsense}
  - send: {to: c, line: close}
  - expect: {of: c, end: closed}
""",
    ),
    _step(
        "it has as many threads as it is asked for",
        "two clients served at once with server.thread_num 2, a third one when one of them has left",
        "keep connections for which there is no thread in a queue of server.thread_queue_size (20 when it is left out)",
        text="""\
actors:
  d: {daemon: probe, mode: server, server: {thread_num: 2}}
  one: {client: d}
  two: {client: d}
  three: {client: d}
steps:
  - start: d
  - connect: one
  - talk: {to: one, send: thread, as: first}
  - connect: two
  - talk: {to: two, send: thread, expect: {not: {same_as: first}}}
  - connect: three
  - send: {to: three, line: echo at last}
  - talk: {to: one, send: sleep 0.1, expect: ok}
  - events: {of: d, name: dispatch, count: 2}
  - close: one
  - expect: {of: three, line: ok at last}
""",
    ),
    _step(
        "it drains",
        "after TERM new connects refused, and clients in service served until they leave",
        "close the listening socket first; end when the last connection has ended",
        text="""\
actors:
  d: {daemon: probe, mode: server}
  c: {client: d}
  late: {client: d}
steps:
  - start: d
  - connect: c
  - talk: {to: c, send: echo one, expect: ok one}
  - signal: {to: d, action: stop_graceful}
  - event: {of: d, name: at_stop}
  - talk: {to: c, send: echo two, expect: ok two}
  - connect: {of: late, expect: refused}
  - close: c
  - exit: d
""",
    ),
    _step(
        "it stops at once when it is forced to",
        "at INT the event at_stop with the state forced, the end of every connection, still postprocess and after_stop",
        "handle INT: shut down the sockets in service, wait for their threads for a moment only, and end with status 0",
        text="""\
actors:
  d: {daemon: probe, mode: server}
  c: {client: d}
steps:
  - start: d
  - connect: c
  - talk: {to: c, send: echo one, expect: ok one}
  - signal: {to: d, action: stop_forced}
  - event: {of: d, name: at_stop, where: {state: forced}}
  - expect: {of: c, end: any}
  - exit: d
  - events: {of: d, order: [before_start, preprocess, dispatch, at_stop, postprocess, after_stop]}
""",
    ),
    _step(
        "it fails as it is asked to",
        "with raise_in [preprocess] the event preprocess, a message that names it, and the exit status 1; with an "
        "exception in dispatch a forced stop and the exit status 1",
        "raise in the callbacks that raise_in lists, after their event; hang_in and exit_in are the same",
        text="""\
actors:
  d: {daemon: probe, mode: server, raise_in: [preprocess]}
  e: {daemon: probe, mode: server}
  c: {client: e}
steps:
  - launch: d
  - event: {of: d, name: preprocess}
  - exit: {of: d, status: 1}
  - log: {of: d, line: {contains: preprocess}}
  - start: e
  - connect: c
  - send: {to: c, line: raise}
  - event: {of: e, name: at_stop, where: {state: forced}}
  - exit: {of: e, status: 1}
""",
    ),
    _step(
        "it refuses an attribute that it does not know",
        "with an unknown attribute under `server` a message that names it, and the exit status 1",
        "look at the names and values under `server` before you listen",
        text="""\
actors: {d: {daemon: echo, mode: server, server: {no_such_attribute: 1}}}
steps:
  - launch: d
  - exit: {of: d, status: 1}
  - log: {of: d, line: {contains: no_such_attribute}}
""",
    ),
    _step(
        "it has children",
        "with server.process_num 2 two child processes that serve, and at_fork and preprocess in each of them",
        "fork them after before_start, accept in the parent and pass the descriptors; or exit 127, and go without",
        text="""\
actors:
  d: {daemon: probe, mode: server, server: {process_num: 2}}
  c: {client: d}
steps:
  - start: d
  - tree: {of: d, children: {length: 2, distinct: true}, as: before}
  - events: {of: d, name: at_fork, count: 2}
  - connect: c
  - talk: {to: c, send: ppid, expect: "ok ${before.server}"}
""",
    ),
    _step(
        "it has statistics",
        "at USR1 the event at_stat with RISER's fields under `stat`",
        "count at the queue; or ignore USR1, USR2 and WINCH, and list the clauses of `queue` as known failures",
        text="""\
actors: {d: {daemon: probe, mode: server}}
steps:
  - start: d
  - signal: {to: d, action: stat_get_and_reset}
  - event: {of: d, name: at_stat, where: {stat: {fields: {queue_name: thread_queue, push_count: 0}}}}
""",
    ),
)

OPTIONAL = 2
"""So many steps at the end may fail: what they ask for can be a known failure of an implementation."""


def is_passed(outcome: Outcome) -> bool:
    """Whether the next step can be taken; what the implementation says that it does not offer is passed by."""
    return outcome.verdict in (Verdict.PASSED, Verdict.UNSUPPORTED)
