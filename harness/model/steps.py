"""The verbs of a scenario: one class a verb.

A step is a mapping with one verb. What the verb is about stands as its value (`connect: c`) with the options beside it,
or verb and options are one mapping (`signal: {to: d, action: stop_graceful}`). Two options go with every verb:
`as` gives the step's result a name, `within` replaces the verb's time limit.

`within` is the default time limit in seconds of a verb that waits, None for one that does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, TypeAlias

from harness.model.actors import CALLBACKS, PROGRAMS, Listen
from harness.model.fields import Kind, option, subject
from harness.model.keys import KEYS
from harness.model.manifest import Action
from harness.model.matchers import Matcher
from harness.model.source import Location
from harness.model.values import Duration, Name, Pattern, Plain, SignalName, Text

TALKERS = (Kind.CLIENT, Kind.TERMINAL)
"""The kinds of actor that lines are sent to and come from."""
MOMENTS = (Kind.MARK, Kind.EVENT, Kind.REPLY, Kind.RESPONSE)
"""The kinds of name that `since` takes: what happened at one moment."""


@dataclass(frozen=True, slots=True)
class Common:
    """What every step has, whatever its verb."""

    location: Location
    as_name: str | None = option("a name for what this step gives", default=None, key="as")
    within: Duration | None = option("the time limit of this step", default=None)


@dataclass(frozen=True, slots=True)
class Start(Common):
    """Start a daemon, process or terminal and wait until it is ready.

    A daemon is ready when it has reported `before_start` and the `preprocess` of every process that serves.
    """

    limit: ClassVar[float | None] = 10.0
    gives: ClassVar[Kind | None] = Kind.MARK
    of: Name = subject("the daemon, process or terminal", key="of", kinds=PROGRAMS)


@dataclass(frozen=True, slots=True)
class Launch(Common):
    """Start a daemon, process or terminal and go on at once; for those that are not to become ready."""

    limit: ClassVar[float | None] = None
    gives: ClassVar[Kind | None] = Kind.MARK
    of: Name = subject("the daemon, process or terminal", key="of", kinds=PROGRAMS)


@dataclass(frozen=True, slots=True)
class Exit(Common):
    """Wait until the daemon, process or terminal has ended by itself, with this status or by this signal."""

    limit: ClassVar[float | None] = 10.0
    gives: ClassVar[Kind | None] = Kind.MARK
    of: Name = subject("the daemon, process or terminal", key="of", kinds=PROGRAMS)
    status: Matcher | None = option("the exit status; 0 when neither status nor signal is given", default=None)
    signal: SignalName | None = option("the signal that ended it", default=None)
    elapsed: Matcher | None = option("the time from `since` to the end", default=None, is_span=True)
    since: Name | None = option("the mark that `elapsed` counts from", default=None, kinds=MOMENTS)


@dataclass(frozen=True, slots=True)
class Stop(Common):
    """Send the daemon's stop signal and wait until it has ended with status 0."""

    limit: ClassVar[float | None] = 10.0
    gives: ClassVar[Kind | None] = Kind.MARK
    of: Name = subject("the daemon, process or terminal", key="of", kinds=PROGRAMS)
    action: Action = option("stop_graceful or stop_forced", default=Action.STOP_GRACEFUL)
    status: Matcher | None = option("the exit status; 0 by default", default=None)
    elapsed: Matcher | None = option("the time that it took", default=None, is_span=True)


@dataclass(frozen=True, slots=True)
class Signal(Common):
    """Send one signal to one process: an abstract action, or a signal by its name."""

    limit: ClassVar[float | None] = None
    gives: ClassVar[Kind | None] = Kind.MARK
    to: Name = subject(
        "a daemon, process or terminal, or a pid that something publishes (d.server, before.children.0)",
        key="to",
        kinds=PROGRAMS,
        takes_fields=True,
    )
    action: Action | None = option("what is asked for; the manifest says by which signal", default=None)
    signal: SignalName | None = option("the signal, where no action stands for it: KILL, STOP, CONT", default=None)
    times: int = option("how many times, at once", default=1, least=1, most=1000)


class Connected(StrEnum):
    """What comes of a connect."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    """Nobody listens there."""
    REJECTED = "rejected"
    """Somebody does, and one of the two breaks off the TLS handshake."""


@dataclass(frozen=True, slots=True)
class Connect(Common):
    """Open the client's connection."""

    limit: ClassVar[float | None] = 5.0
    gives: ClassVar[Kind | None] = Kind.MARK
    of: Name = subject("the client", key="of", kinds=(Kind.CLIENT,))
    expect: Connected = option(
        "accepted, refused (nobody listens there) or rejected (no TLS handshake)", default=Connected.ACCEPTED
    )
    reason: Matcher | None = option("why the handshake fails, with `expect: rejected`", default=None)


class Closing(StrEnum):
    """How a client ends its connection."""

    ALL = "all"
    """Both directions."""
    WRITE = "write"
    """Only its own direction; it goes on reading."""
    RESET = "reset"
    """With a reset instead of an end of file (TCP)."""


@dataclass(frozen=True, slots=True)
class Close(Common):
    """End the client's connection, or its sending half; or hang a terminal up, as who closes its window does."""

    limit: ClassVar[float | None] = None
    gives: ClassVar[Kind | None] = Kind.MARK
    of: Name = subject("the client or terminal", key="of", kinds=TALKERS)
    how: Closing = option("all, write (half close) or reset", default=Closing.ALL)


@dataclass(frozen=True, slots=True)
class Send(Common):
    """Send one line, or text as it is, and do not wait for anything but the kernel taking it."""

    limit: ClassVar[float | None] = 5.0
    gives: ClassVar[Kind | None] = Kind.MARK
    of: Name = subject("the client or terminal", key="to", kinds=TALKERS)
    line: Text | None = option("a line; its end is added, which a terminal types as the key enter", default=None)
    text: Text | None = option("text without anything added", default=None)
    key: str | None = option(
        "of a terminal: a key, such as ctrl-c (interrupt), ctrl-d (end of file), ctrl-z or up",
        default=None,
        words=tuple(KEYS),
    )


class End(StrEnum):
    """How a peer ended a connection."""

    CLOSED = "closed"
    """End of file, in good order."""
    RESET = "reset"
    """A reset."""
    ALERT = "alert"
    """A TLS alert, by which the peer says what it does not like."""
    ANY = "any"
    """In whatever way, also an end of file that TLS did not announce."""


@dataclass(frozen=True, slots=True)
class Expect(Common):
    """Wait for the next line on the client's connection, or for its end.

    On a terminal it may also wait for `text` or a `pattern`, wherever in a line: what was shown before it is passed
    over, and so is what was shown before the `end`. A pattern is found as soon as it can be, so let it end with what
    follows. The result's `value` is then what the first group of the pattern has matched.
    """

    limit: ClassVar[float | None] = 5.0
    gives: ClassVar[Kind | None] = Kind.REPLY
    of: Name = subject("the client or terminal", key="of", kinds=TALKERS)
    line: Matcher | None = option("what the next line must be", default=None)
    text: Text | None = option("of a terminal: text that it shows, such as a prompt", default=None)
    pattern: Pattern | None = option("of a terminal: a regular expression found in what it shows", default=None)
    end: End | None = option(
        "the peer ends the connection, and nothing more comes before: closed, reset, alert or any;"
        " of a terminal, closed: its program has ended, or no program has it open any more",
        default=None,
    )
    elapsed: Matcher | None = option(
        "the time from `since` (else from this step) until it came", default=None, is_span=True
    )
    since: Name | None = option("the mark that `elapsed` counts from", default=None, kinds=MOMENTS)


@dataclass(frozen=True, slots=True)
class Talk(Common):
    """Send one line and wait for the line that answers it."""

    limit: ClassVar[float | None] = 5.0
    gives: ClassVar[Kind | None] = Kind.REPLY
    of: Name = subject("the client or terminal", key="to", kinds=TALKERS)
    send: Text = option("the line to send; its end is added")
    expect: Matcher | None = option("what the answering line must be", default=None)
    elapsed: Matcher | None = option("the time until the answer", default=None, is_span=True)


@dataclass(frozen=True, slots=True)
class Resize(Common):
    """Change the size of a terminal's window, of which its foreground is told by WINCH."""

    limit: ClassVar[float | None] = None
    gives: ClassVar[Kind | None] = Kind.MARK
    of: Name = subject("the terminal", key="of", kinds=(Kind.TERMINAL,))
    rows: int = option("lines of text", least=1, most=1000)
    columns: int = option("characters of a line", least=1, most=1000)


@dataclass(frozen=True, slots=True)
class Event(Common):
    """Wait for an event that the testee reports (see the testee contract): the first, or the first since a mark.

    An event is matched once: one that an earlier `event` step has matched does not count again, with or without
    `since`.
    """

    limit: ClassVar[float | None] = 5.0
    gives: ClassVar[Kind | None] = Kind.EVENT
    of: Name = subject("the daemon", key="of", kinds=(Kind.DAEMON,))
    name: str = option(
        "the event: before_start, at_fork, preprocess, dispatch, at_stop, at_stat, postprocess, after_stop, ...",
        words=CALLBACKS,
    )
    since: Name | None = option("the mark after which it must come", default=None, kinds=MOMENTS)
    pid: Matcher | None = option("the process that reports it", default=None)
    where: dict[str, Matcher] | None = option(
        "fields of the event and what they must be: {state: graceful}", default=None
    )


@dataclass(frozen=True, slots=True)
class Events(Common):
    """Look at all events that the testee has reported so far, at once and without waiting."""

    limit: ClassVar[float | None] = None
    gives: ClassVar[Kind | None] = None
    of: Name = subject("the daemon", key="of", kinds=(Kind.DAEMON,))
    name: str | None = option("only the events of this name", default=None, words=CALLBACKS)
    since: Name | None = option("only those after this mark", default=None, kinds=MOMENTS)
    pid: Matcher | None = option("only those of such a process", default=None)
    count: Matcher | None = option("how many there are", default=None)
    order: tuple[str, ...] | None = option(
        "their names in this order, several in a row of one name counted once", default=None, words=CALLBACKS
    )


@dataclass(frozen=True, slots=True)
class Notified(Common):
    """Wait for a message to a service manager (sd_notify): the first, or the first since a mark.

    A message is matched once, as an event is. The result publishes its variables and `pid`, the process that sent it.
    """

    limit: ClassVar[float | None] = 5.0
    gives: ClassVar[Kind | None] = Kind.EVENT
    of: Name = subject("the service manager", key="of", kinds=(Kind.NOTIFY,))
    where: dict[str, Matcher] = option("variables of the message and what they must be: {READY: 1}")
    pid: Matcher | None = option("the process that sends it", default=None)
    since: Name | None = option(
        "the mark after which it must come, and that `elapsed` counts from", default=None, kinds=MOMENTS
    )
    elapsed: Matcher | None = option(
        "the time from `since` (else from this step) until it came", default=None, is_span=True
    )


@dataclass(frozen=True, slots=True)
class Tree(Common):
    """Look at the daemon's processes: the daemon, the server that serves now, the server's children.

    The result publishes `daemon`, `server`, `children` (a list), `all` (every living process of the actor) and
    `generation` (1 for the first server, counted by `before_start`).
    """

    limit: ClassVar[float | None] = 5.0
    gives: ClassVar[Kind | None] = Kind.TREE
    of: Name = subject("the daemon", key="of", kinds=(Kind.DAEMON,))
    daemon: Matcher | None = option("the daemon's pid", default=None)
    server: Matcher | None = option("the pid of the server that serves now", default=None)
    children: Matcher | None = option("the pids of the server's children", default=None)
    generation: Matcher | None = option("the number of the server, from 1", default=None)
    all: Matcher | None = option("every living process of the actor", default=None)


@dataclass(frozen=True, slots=True)
class Eventually(Common):
    """Wait until something is true of an actor, or until processes are gone."""

    limit: ClassVar[float | None] = 10.0
    gives: ClassVar[Kind | None] = Kind.MARK
    of: Name | None = subject(
        "the load, daemon, process, terminal or syslog; none with `gone`",
        key="of",
        default=None,
        kinds=(Kind.LOAD, *PROGRAMS, Kind.SYSLOG),
    )
    gone: Name | None = option(
        "the pid, or pids, that must have ended", default=None, kinds=(Kind.TREE,), takes_fields=True
    )
    status: Matcher | None = option(
        "with `gone`: the exit status of each, which must be the harness's own child (d.launcher)", default=None
    )
    done: Matcher | None = option("of a load: how many operations have ended", default=None)
    failed: Matcher | None = option("of a load: how many operations have failed", default=None)
    log: Matcher | None = option(
        "of a daemon, process or terminal: some line of its output; of a syslog: some message", default=None
    )
    children: Matcher | None = option(
        "of a daemon: the pids of the children of the server that serves now", default=None
    )
    server: Matcher | None = option("of a daemon: the pid of the server that serves now", default=None)
    elapsed: Matcher | None = option("the time from `since` until it was true", default=None, is_span=True)
    since: Name | None = option(
        "the mark after which it counts, and that `elapsed` counts from", default=None, kinds=MOMENTS
    )


@dataclass(frozen=True, slots=True)
class Log(Common):
    """Look at what a daemon, process or terminal has written, or what has come to a syslog, without waiting.

    What `as` names is the moment just behind the first line that is like `line`, so that `since` goes on from there.
    """

    limit: ClassVar[float | None] = None
    gives: ClassVar[Kind | None] = Kind.MARK
    of: Name = subject("the daemon, process, terminal or syslog", key="of", kinds=(*PROGRAMS, Kind.SYSLOG))
    line: Matcher | None = option("some line is like this", default=None)
    no_line: Matcher | None = option("no line is like this", default=None)
    count: Matcher | None = option("how many lines are like `line`", default=None)
    since: Name | None = option("only lines after this mark", default=None, kinds=MOMENTS)


@dataclass(frozen=True, slots=True)
class File(Common):
    """Look at a file, now."""

    limit: ClassVar[float | None] = None
    gives: ClassVar[Kind | None] = None
    of: Text = subject("the path", key="path")
    exists: bool | None = option("whether there is one", default=None)
    content: Matcher | None = option("its text", default=None)
    mode: Matcher | None = option('its permissions as four octal digits: "0640"', default=None)
    owner: Matcher | None = option("the name of its user, or the number where no name has it", default=None)
    group: Matcher | None = option("the name of its group, or the number where no name has it", default=None)
    locked: bool | None = option("whether somebody holds flock(2) on it", default=None)
    target: Matcher | None = option("where it points, for a symbolic link", default=None)


@dataclass(frozen=True, slots=True)
class Write(Common):
    """Write a file, whole."""

    limit: ClassVar[float | None] = None
    gives: ClassVar[Kind | None] = None
    of: Text = subject("the path", key="path")
    content: Text | None = option("its text", default=None)
    copy: Text | None = option("the path of another file, whose content it gets", default=None)
    mode: str | None = option('its permissions as four octal digits: "0640"', default=None)


@dataclass(frozen=True, slots=True)
class Configure(Common):
    """Rewrite the daemon's configuration: what is given here replaces what was there, the rest stays.

    The testee reads it at its next server start.
    """

    limit: ClassVar[float | None] = None
    gives: ClassVar[Kind | None] = Kind.MARK
    of: Name = subject("the daemon", key="of", kinds=(Kind.DAEMON,))
    listen: Listen | Text | dict[str, Plain] | None = option("another address", default=None)
    server: dict[str, Plain] | None = option("server attributes, added to those there", default=None)
    parameters: dict[str, Plain] | None = option("daemon parameters, added to those there", default=None)
    raise_in: tuple[str, ...] | None = option("callbacks that are to raise", default=None, words=CALLBACKS)
    hang_in: tuple[str, ...] | None = option("callbacks that are never to return", default=None, words=CALLBACKS)
    exit_in: tuple[str, ...] | None = option(
        "callbacks in which the process is to end at once", default=None, words=CALLBACKS
    )


@dataclass(frozen=True, slots=True)
class Background(Common):
    """Let a load run while the steps go on; it ends at `cancel`, or when its operations are done."""

    limit: ClassVar[float | None] = None
    gives: ClassVar[Kind | None] = Kind.MARK
    of: Name = subject("the load", key="of", kinds=(Kind.LOAD,))


@dataclass(frozen=True, slots=True)
class Wait(Common):
    """Wait until a background load has done all its operations."""

    limit: ClassVar[float | None] = 30.0
    gives: ClassVar[Kind | None] = Kind.MARK
    of: Name = subject("the load", key="of", kinds=(Kind.LOAD,))


@dataclass(frozen=True, slots=True)
class Cancel(Common):
    """End a background load: operations under way are finished, no new ones begin."""

    limit: ClassVar[float | None] = 10.0
    gives: ClassVar[Kind | None] = Kind.MARK
    of: Name = subject("the load", key="of", kinds=(Kind.LOAD,))


@dataclass(frozen=True, slots=True)
class Gap:
    """The longest time without any operation that succeeded."""

    under: Duration = option("how long it may be, at most")
    since: Name | None = option(
        "the mark that it is looked for after; from the start of the load by default", default=None, kinds=MOMENTS
    )


@dataclass(frozen=True, slots=True)
class Latency:
    """How long the operations took that succeeded: so many percent of them took no longer than that."""

    p50: Matcher | None = option("half of them", default=None, is_span=True)
    p90: Matcher | None = option("90 of 100", default=None, is_span=True)
    p99: Matcher | None = option("99 of 100", default=None, is_span=True)
    max: Matcher | None = option("all of them", default=None, is_span=True)


@dataclass(frozen=True, slots=True)
class Check(Common):
    """Look at what a load has done: its operations, failures, gaps and latencies, and who answered."""

    limit: ClassVar[float | None] = None
    gives: ClassVar[Kind | None] = None
    of: Name = subject("the load", key="of", kinds=(Kind.LOAD,))
    failed: Matcher | None = option("how many operations failed", default=None)
    done: Matcher | None = option("how many operations ended, well or not", default=None)
    longest_gap: Gap | None = option("{under: 250ms, since: MARK}", default=None)
    latency: Latency | None = option("{p50: ..., p90: ..., p99: ..., max: ...}", default=None)
    served_by: Matcher | None = option(
        "the pids in the answers `ok PID`, each once; for loads that send `pid` and expect a match", default=None
    )


class HttpVersion(StrEnum):
    """A version of HTTP."""

    OLD = "1.0"
    NEW = "1.1"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a response must be."""

    status: Matcher | None = option("its status: 200", default=None)
    version: Matcher | None = option('its version: "1.1"', default=None)
    headers: dict[str, Matcher] | None = option(
        "header fields, and what each must be; several of one name are joined by commas", default=None
    )
    absent: tuple[str, ...] = option("header fields that it must not have", default=())
    body: Matcher | None = option("its body, as text", default=None)
    kept: bool | None = option("whether it lets the connection serve another request", default=None)


@dataclass(frozen=True, slots=True)
class Request(Common):
    """Send an HTTP request and wait for the response.

    `Host` and, with a body, `Content-Length` are added unless they are given.
    """

    limit: ClassVar[float | None] = 5.0
    gives: ClassVar[Kind | None] = Kind.RESPONSE
    of: Name = subject("the http", key="of", kinds=(Kind.HTTP,))
    path: Text = option("the path, with its query")
    method: str = option("the method", default="GET")
    version: HttpVersion = option("1.0 or 1.1", default=HttpVersion.NEW)
    headers: dict[str, Text] | None = option("header fields", default=None)
    body: Text | None = option("the body", default=None)
    wait: bool = option("whether to wait for the response; without, a `response` step does", default=True)
    expect: Answer | None = option("what the response must be", default=None)
    elapsed: Matcher | None = option("the time until the response was whole", default=None, is_span=True)


@dataclass(frozen=True, slots=True)
class Response(Common):
    """Wait for the response to a request that was sent with `wait: false`."""

    limit: ClassVar[float | None] = 5.0
    gives: ClassVar[Kind | None] = Kind.RESPONSE
    of: Name = subject("the http", key="of", kinds=(Kind.HTTP,))
    expect: Answer | None = option("what the response must be", default=None)
    elapsed: Matcher | None = option(
        "the time from `since` (else from this step) until it was whole", default=None, is_span=True
    )
    since: Name | None = option("the mark that `elapsed` counts from", default=None, kinds=MOMENTS)


class Disturbance(StrEnum):
    """What a fault does."""

    PAUSE = "pause"
    """It is there, and takes nothing; what it is sent waits."""
    GONE = "gone"
    """It is not there: whoever looks for it finds nobody. Connections that it has go on."""
    TRICKLE = "trickle"
    """Bytes go one by one, so many a second."""
    TRUNCATE = "truncate"
    """Connections are ended in good order, in both directions; what had not gone by then is lost."""
    RESET = "reset"
    """Connections are reset (TCP), in both directions."""
    GARBLE = "garble"
    """Bytes arrive with all their bits inverted."""
    RESUME = "resume"
    """The end of every fault."""


class Direction(StrEnum):
    """Which bytes of a proxy a fault is about."""

    UP = "up"
    """Those to the daemon."""
    DOWN = "down"
    """Those to the clients."""
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Fault(Common):
    """Let what a daemon relies on fail, its syslog or the way to its clients, from now on until `resume`.

    A new fault of a proxy takes the place of the one before it in the same direction. `after` counts in each connection
    and direction by itself: from this step on, or from the connection's beginning where that is later.
    """

    limit: ClassVar[float | None] = None
    gives: ClassVar[Kind | None] = Kind.MARK
    of: Name = subject("the syslog or proxy", key="of", kinds=(Kind.SYSLOG, Kind.PROXY))
    do: Disturbance = option(
        "pause (it takes nothing), gone (nobody is there) or resume; of a proxy also trickle, truncate, reset, garble"
    )
    direction: Direction = option("of a proxy: up to the daemon, down to the clients, or both", default=Direction.BOTH)
    after: int = option("of a proxy: how many bytes still go as they should", default=0, least=0)
    rate: int | None = option("of `trickle`: bytes a second", default=None, least=1, most=10000)
    count: int | None = option("of `garble`: how many bytes; all by default", default=None, least=1)


@dataclass(frozen=True, slots=True)
class Mark(Common):
    """Name this moment, for `since` and `until` of other steps."""

    limit: ClassVar[float | None] = None
    gives: ClassVar[Kind | None] = Kind.MARK
    as_name: str = subject("the name", key="as")


@dataclass(frozen=True, slots=True)
class Pause(Common):
    """Let time pass, where nothing can be waited for; `harness check` counts the pauses of a suite.

    It is a lower bound: the time scale does not stretch it.
    """

    limit: ClassVar[float | None] = None
    gives: ClassVar[Kind | None] = Kind.MARK
    time: Duration = subject("how long", key="time")
    because: str = option("why nothing can be waited for")


@dataclass(frozen=True, slots=True)
class Never(Common):
    """Nothing like this came between two marks. It looks back at what was recorded, and so costs no time."""

    limit: ClassVar[float | None] = None
    gives: ClassVar[Kind | None] = None
    of: Name = subject(
        "the daemon, process, terminal, syslog or load",
        key="of",
        kinds=(*PROGRAMS, Kind.SYSLOG, Kind.LOAD),
    )
    log: Matcher | None = option(
        "of a daemon, process or terminal: no line of its output; of a syslog: no message", default=None
    )
    event: str | None = option("of a daemon: no event of this name", default=None, words=CALLBACKS)
    where: dict[str, Matcher] | None = option("with `event`: none with such fields", default=None)
    failure: Matcher | None = option(
        "of a load: no operation that failed for such a reason; {length: {at_least: 1}} is any", default=None
    )
    since: Name = option("the mark that the time begins at", kinds=MOMENTS)
    until: Name | None = option("the mark that it ends at; now by default", default=None, kinds=MOMENTS)


class Lasting(StrEnum):
    """What an actor can go on being."""

    RUNNING = "running"
    """A daemon, process or terminal: it has not ended."""
    CONNECTED = "connected"
    """A client: its connection has not ended."""


@dataclass(frozen=True, slots=True)
class Throughout(Common):
    """Something was true at every moment between two marks. It looks back, and so costs no time."""

    limit: ClassVar[float | None] = None
    gives: ClassVar[Kind | None] = None
    of: Name = subject("the daemon, process, terminal or client", key="of", kinds=(*PROGRAMS, Kind.CLIENT))
    state: Lasting | None = option("running (a daemon, process or terminal) or connected (a client)", default=None)
    server: Matcher | None = option(
        "of a daemon: the pid of each server that served in that time, null while none did", default=None
    )
    since: Name = option("the mark that the time begins at", kinds=MOMENTS)
    until: Name | None = option("the mark that it ends at; now by default", default=None, kinds=MOMENTS)


@dataclass(frozen=True, slots=True)
class Parallel(Common):
    """Let several branches of steps run at the same time, and wait for all of them.

    The first that fails cancels the others and is what the report tells. A name that a branch gives is known in that
    branch, and after all of them.
    """

    limit: ClassVar[float | None] = None
    gives: ClassVar[Kind | None] = Kind.MARK
    branches: dict[str, tuple[Step, ...]] = subject("the branches by their names, each a list of steps", key="branches")


@dataclass(frozen=True, slots=True)
class Barrier(Common):
    """Wait until every branch of this `parallel` that has the barrier has come to it."""

    limit: ClassVar[float | None] = 10.0
    gives: ClassVar[Kind | None] = Kind.MARK
    name: str = subject("the name of the barrier, which two branches have at least", key="name")


@dataclass(frozen=True, slots=True)
class Use(Common):
    """Carry out the steps of a macro, which stands in a file of macros.

    What the macro gives is known as `${name.output}`, where `as` is the name. A failure in it shows both places.
    """

    limit: ClassVar[float | None] = None
    gives: ClassVar[Kind | None] = Kind.MACRO
    macro: str = subject("FILE#MACRO, the file as seen from this one", key="macro")
    inputs: dict[str, Plain] | None = option("a value for each of its inputs", key="with", default=None)
    steps: tuple[Step, ...] = field(default=(), kw_only=True)
    outputs: tuple[str, ...] = field(default=(), kw_only=True)
    """The steps of the macro, its inputs filled in, and the names that it gives; not written here."""


@dataclass(frozen=True, slots=True)
class Python(Common):
    """Call a Python function, for what the language cannot say; `harness check` counts these steps.

    `checks:in_order` is the function `in_order` of `checks.py`, beside this file. It runs in a process of its own, in
    the workspace, and is given by name what stands under `with`. What it raises fails the step. The result publishes
    the fields of a mapping that it returns, or as `value` anything else that JSON has.
    """

    limit: ClassVar[float | None] = 10.0
    gives: ClassVar[Kind | None] = Kind.RESULT
    function: str = subject("MODULE:FUNCTION, the module as seen from this file", key="function")
    inputs: dict[str, Plain] | None = option("a value for each of its parameters", key="with", default=None)


Step: TypeAlias = (
    Start | Launch | Exit | Stop | Signal | Connect | Close | Send | Expect | Talk | Resize | Event | Events
    | Notified | Tree | Eventually | Log | File | Write | Configure | Background | Wait | Cancel | Check | Fault
    | Mark | Pause | Never | Throughout | Parallel | Barrier | Use
    | Request | Response | Python
)  # fmt: skip

VERBS: dict[str, type[Step]] = {
    "start": Start,
    "launch": Launch,
    "exit": Exit,
    "stop": Stop,
    "signal": Signal,
    "connect": Connect,
    "close": Close,
    "send": Send,
    "expect": Expect,
    "talk": Talk,
    "resize": Resize,
    "event": Event,
    "events": Events,
    "notified": Notified,
    "tree": Tree,
    "eventually": Eventually,
    "log": Log,
    "file": File,
    "write": Write,
    "configure": Configure,
    "background": Background,
    "wait": Wait,
    "cancel": Cancel,
    "check": Check,
    "fault": Fault,
    "mark": Mark,
    "pause": Pause,
    "never": Never,
    "throughout": Throughout,
    "request": Request,
    "response": Response,
    "parallel": Parallel,
    "barrier": Barrier,
    "use": Use,
    "python": Python,
}
"""The word for each verb in YAML."""


def every_step(steps: Iterable[Step]) -> Iterator[Step]:
    """The steps, and behind each of them those that stand in it."""
    for step in steps:
        yield step
        match step:
            case Parallel(branches=branches):
                for branch in branches.values():
                    yield from every_step(branch)
            case Use(steps=inner):
                yield from every_step(inner)
            case _:
                pass
