"""The nouns of a scenario: who takes part.

An actor is declared once, under `actors`, and does nothing until a step names it. Each class documents, in `publishes`,
the fields that steps can refer to as `${name.field}`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, TypeAlias

from harness.model.fields import Kind, option, subject
from harness.model.matchers import Matcher
from harness.model.source import Location
from harness.model.values import Duration, Name, Pattern, Plain, SignalName, Text

CALLBACKS = (
    "before_start",
    "at_fork",
    "preprocess",
    "dispatch",
    "at_stop",
    "at_stat",
    "postprocess",
    "after_stop",
    "service.at_fork",
    "service.preprocess",
    "service.postprocess",
    "resource.create",
    "resource.destroy",
)
"""The callbacks of the testee contract, which are the names of its events."""


PROGRAMS = (Kind.DAEMON, Kind.PROCESS, Kind.TERMINAL)
"""The kinds of actor that can be started."""


class Handler(StrEnum):
    """What a testee does with a connection; see the testee contract."""

    ECHO = "echo"
    PROBE = "probe"
    HTTP = "http"


class Mode(StrEnum):
    """Whether the testee runs a bare server or a daemon with a server under it."""

    SERVER = "server"
    DAEMON = "daemon"


class Listen(StrEnum):
    """Where a daemon listens, when the scenario does not care for the exact address."""

    TCP = "tcp"
    """127.0.0.1, a port that the kernel picks."""
    TCP6 = "tcp6"
    """::1, a port that the kernel picks."""
    UNIX = "unix"
    """A socket in the workspace."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Resource limits that the process is started with."""

    nofile: int | None = option("the number of descriptors that the process may have open", default=None, least=1)


class ServicePattern(StrEnum):
    """Which service process a call goes to."""

    ANY = "any"
    """Whichever."""
    SINGLE = "single"
    """Always the same."""
    STICKY = "sticky"
    """The same for the same key."""


class ServiceKind(StrEnum):
    """What a service does; see the testee contract."""

    PID = "pid"
    ECHO = "echo"
    SUM = "sum"
    COUNTER = "counter"
    SLEEP = "sleep"
    MEET = "meet"
    RAISE = "raise"
    EXIT = "exit"
    HOLDER = "holder"


class ResourcePattern(StrEnum):
    """Who shares a resource."""

    SINGLE = "single"
    """All its users, one object."""
    STICKY = "sticky"
    """The users of one key, an object for each."""


@dataclass(frozen=True, slots=True)
class Service:
    """One service of a testee."""

    pattern: ServicePattern = option("which process a call goes to: any, single or sticky")
    kind: ServiceKind = option("what it does: pid, echo, sum, counter, sleep, meet, raise, exit or holder")


@dataclass(frozen=True, slots=True)
class Services:
    """The services that a testee calls, and the pool of processes that they are in."""

    process_num: int = option(
        "the number of service processes; 0 for calls in the server's own", default=0, least=0, most=64
    )
    register: dict[str, Service] = option("the services by their names, in the order of registration")


@dataclass(frozen=True, slots=True)
class Resources:
    """The resources that a testee uses, and the pool of processes that they are in."""

    process_num: int = option(
        "the number of service processes; 0 for resources in the server's own", default=0, least=0, most=64
    )
    register: dict[str, ResourcePattern] = option("the resources by their names: single, or sticky with one for a key")
    create: Duration = option("what it takes to make one", default=Duration(0.0))


@dataclass(frozen=True, slots=True)
class ServerTls:
    """How a testee speaks TLS, under the names of the testee contract. All files are PEM."""

    certificate: Text = option("the file of its certificate")
    key: Text | None = option("the file of its key, where that is another one", default=None)
    client_ca: Text | None = option("the file of the authorities that clients' certificates come from", default=None)
    client_certificate: bool | None = option("whether nobody gets in without a certificate", default=None)
    protocols: tuple[Text, ...] | None = option("protocols that it speaks, for ALPN", default=None)
    handshake_seconds: float | None = option("the longest that a handshake may take", default=None)


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """How long the handler `http` keeps a connection."""

    request_max_count: int | None = option("the requests after which it is closed", default=None, least=1)
    request_timeout_seconds: float | None = option("the longest that it is kept without one", default=None)


@dataclass(frozen=True, slots=True)
class Daemon:
    """The implementation under test, started through its manifest with a configuration file.

    In `mode: server` it runs a bare server; in `mode: daemon` a daemon with a server under it. `mode` is daemon where
    the scenario's `needs` name the daemon profile, else server.
    """

    publishes: ClassVar[tuple[str, ...]] = (
        "address", "host", "port", "path", "pid", "launcher", "server", "children", "status_file", "directory",
        "config", "output", "inherited",
    )  # fmt: skip
    kind: ClassVar[Kind] = Kind.DAEMON

    name: str
    location: Location
    handler: Handler = subject("what the testee does with a connection: echo, probe or http", key="daemon")
    mode: Mode | None = option("server or daemon", default=None)
    listen: Listen | Text | dict[str, Plain] = option(
        "tcp, tcp6 or unix for an address of the harness's choice; or an address as RISER takes it", default=Listen.TCP
    )
    server: dict[str, Plain] | None = option("server attributes under RISER's names", default=None)
    parameters: dict[str, Plain] | None = option("daemon parameters under RISER's names", default=None)
    tls: ServerTls | None = option("its handlers speak TLS", default=None)
    keep_alive: KeepAlive | None = option("how long the handler http keeps connections", default=None)
    record: tuple[str, ...] | None = option(
        "the callbacks to record; all of them by default", default=None, words=CALLBACKS
    )
    raise_in: tuple[str, ...] = option("callbacks that are to raise", default=(), words=CALLBACKS)
    hang_in: tuple[str, ...] = option("callbacks that are never to return", default=(), words=CALLBACKS)
    exit_in: tuple[str, ...] = option("callbacks in which the process is to end at once", default=(), words=CALLBACKS)
    services: Services | None = option("the services that it calls", default=None)
    resources: Resources | None = option("the resources that it uses", default=None)
    limits: Limits = option("resource limits of the process", default=Limits())
    environment: dict[str, Text] | None = option("environment variables, beside the harness's own", default=None)
    inherits: Listen | Text | None = option(
        "tcp, tcp6, unix or an address: a listening socket that it is given, as by a service manager", default=None
    )


@dataclass(frozen=True, slots=True)
class Ready:
    """How a process says that it is ready; the first that comes counts, none means at once."""

    log: Pattern | None = option("a line of its output that matches", default=None)
    port: int | None = option(
        "a TCP port of 127.0.0.1 that the process, or a child of it, listens on", default=None, least=1, most=65535
    )
    file: Text | None = option(
        "a file that comes to exist; one that was there before counts when changed", default=None
    )
    notify: bool = option("READY=1, told to the `notify` actor of the process", default=False)


@dataclass(frozen=True, slots=True)
class Process:
    """Any program: `process: [nginx, -c, "${workspace}/nginx.conf"]`."""

    publishes: ClassVar[tuple[str, ...]] = ("pid", "output", "directory")
    kind: ClassVar[Kind] = Kind.PROCESS

    name: str
    location: Location
    command: tuple[Text, ...] = subject("the program and its arguments", key="process")
    ready: Ready = option("how it says that it is ready", default=Ready())
    input: Text | None = option("what it reads on standard input; nothing by default", default=None)
    environment: dict[str, Text] | None = option("environment variables, beside the harness's own", default=None)
    limits: Limits = option("resource limits of the process", default=Limits())
    stop_signal: SignalName | None = option("the signal that stops it; TERM by default", default=None)


@dataclass(frozen=True, slots=True)
class WindowSize:
    """The size of a terminal's window, in characters."""

    rows: int = option("lines of text", default=24, least=1, most=1000)
    columns: int = option("characters of a line", default=80, least=1, most=1000)


@dataclass(frozen=True, slots=True)
class Terminal:
    """Any program, run as a person runs it: in a terminal, where its session has Ctrl-C and a window size.

    What it shows is an output as that of a `process`, for `log`; `send` types, and `expect` waits for what is shown.
    """

    publishes: ClassVar[tuple[str, ...]] = ("pid", "output", "directory", "tty")
    kind: ClassVar[Kind] = Kind.TERMINAL

    name: str
    location: Location
    command: tuple[Text, ...] = subject("the program and its arguments", key="terminal")
    ready: Ready = option("how it says that it is ready", default=Ready())
    size: WindowSize = option("the size of its window: {rows: 24, columns: 80}", default=WindowSize())
    echo: bool = option(
        "whether the terminal shows what is typed, as it does to a person; without, only what the program shows comes",
        default=False,
    )
    environment: dict[str, Text] | None = option(
        "environment variables, beside the harness's own; TERM is dumb by default", default=None
    )
    limits: Limits = option("resource limits of the process", default=Limits())
    stop_signal: SignalName | None = option("the signal that stops it; TERM by default, shells heed HUP", default=None)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate for these names, with its key and an authority of its own, made anew by every item that uses it."""

    publishes: ClassVar[tuple[str, ...]] = ("certificate", "key", "ca")
    kind: ClassVar[Kind] = Kind.CERTIFICATE

    name: str
    location: Location
    names: tuple[Text, ...] = subject("host names, addresses or mail addresses", key="certificate")


@dataclass(frozen=True, slots=True)
class ClientTls:
    """How a client speaks TLS. All files are PEM."""

    ca: Text | None = option("the file of the authorities to trust; needed unless `verify` is false", default=None)
    server_name: Text | None = option(
        "the name to ask for, which the certificate must have; the host of the address by default", default=None
    )
    verify: bool = option("false: any certificate will do, whoever issued it for whomever", default=True)
    certificate: Text | None = option("the file of a certificate of the client's own", default=None)
    key: Text | None = option("the file of its key, where that is another one", default=None)
    alpn: tuple[Text, ...] = option("protocols to offer, of which the peer must choose one", default=())


class Reads(StrEnum):
    """When a client reads."""

    AHEAD = "ahead"
    """Whatever comes, up to a thousand lines that nobody has asked for."""
    WHEN_ASKED = "when_asked"
    """Only while a step waits for a line: a slow reader, whose peer has no room but the kernel's."""


@dataclass(frozen=True, slots=True)
class Client:
    """One connection at a time to a daemon (`client: d`) or to an address (`client: "127.0.0.1:8080"`)."""

    publishes: ClassVar[tuple[str, ...]] = ("local", "received", "protocol")
    kind: ClassVar[Kind] = Kind.CLIENT

    name: str
    location: Location
    to: Text = subject("the daemon or proxy, or an address HOST:PORT or unix:PATH", key="client")
    tls: ClientTls | None = option("it speaks TLS, and checks the server's certificate", default=None)
    reads: Reads = option("ahead, or when_asked: a slow reader", default=Reads.AHEAD)


class Connections(StrEnum):
    """How a load uses connections."""

    EACH = "each"
    """A new connection for every operation."""
    KEPT = "kept"
    """One connection a client; when the peer ends it in good order between two operations, the next opens another."""


@dataclass(frozen=True, slots=True)
class Load:
    """Many clients at once, each doing one operation after another until cancelled or done.

    An operation sends `send` as a line and expects a line like `expect`; or it asks for the path `get` over HTTP, and
    expects a response of status 200 with a body like `expect`. `${n}` in them is its number, from 1.
    The outcome of every operation is kept. After one that failed, its client waits 10 ms, or its `pause` if that is
    longer, so that a daemon that is gone is not hammered.
    """

    publishes: ClassVar[tuple[str, ...]] = ("done", "failed", "served_by")
    kind: ClassVar[Kind] = Kind.LOAD

    name: str
    location: Location
    to: Text = subject("the daemon or proxy, or an address HOST:PORT or unix:PATH", key="load")
    send: Text | None = option("the line that each operation sends", default=None)
    get: Text | None = option("the path that each operation asks for over HTTP/1.1", default=None)
    expect: Matcher = option("what the line, or the body, must be that each operation expects")
    tls: ClientTls | None = option("its clients speak TLS, and check the server's certificate", default=None)
    clients: int = option("how many at once, 1 to 1000", default=4, least=1, most=1000)
    operations: int | None = option("how many in all; without it, until cancelled", default=None, least=1)
    connections: Connections = option(
        "`each` operation makes a connection, or connections are `kept`", default=Connections.EACH
    )
    pause: Duration = option("what each client waits between two operations, to bound the rate", default=Duration(0.0))
    within: Duration = option("the time limit of one operation", default=Duration(5.0))


@dataclass(frozen=True, slots=True)
class Syslog:
    """A system log for a daemon or process alone: its /dev/log leads here, and nobody else's does.

    Each message is a line such as `daemon.info name[4711]: text`: the priority in words, and no time.
    """

    publishes: ClassVar[tuple[str, ...]] = ("output",)
    kind: ClassVar[Kind] = Kind.SYSLOG

    name: str
    location: Location
    of: Name = subject("the daemon, process or terminal whose messages it takes", key="syslog", kinds=PROGRAMS)


@dataclass(frozen=True, slots=True)
class Notify:
    """The service manager of a daemon or process: its NOTIFY_SOCKET leads here."""

    publishes: ClassVar[tuple[str, ...]] = ("path",)
    kind: ClassVar[Kind] = Kind.NOTIFY

    name: str
    location: Location
    of: Name = subject("the daemon, process or terminal that is to speak", key="notify", kinds=PROGRAMS)
    watchdog: Duration | None = option(
        "how often it wants to hear WATCHDOG=1, at least; it does not kill who is silent", default=None
    )


@dataclass(frozen=True, slots=True)
class Proxy:
    """Stands between clients and a daemon, and passes bytes on until a `fault` tells it otherwise.

    It listens from the beginning of the scenario; each connection that it accepts it connects on, and resets when the
    daemon does not take it. Ends and resets of the one side are passed to the other. `up` and `down` are the bytes that
    it has passed on to the daemon and to the clients.
    """

    publishes: ClassVar[tuple[str, ...]] = ("address", "host", "port", "path", "connections", "up", "down")
    kind: ClassVar[Kind] = Kind.PROXY

    name: str
    location: Location
    to: Text = subject("the daemon, or an address HOST:PORT or unix:PATH", key="proxy")
    listen: Listen = option("tcp, tcp6 or unix: where its clients find it", default=Listen.TCP)


@dataclass(frozen=True, slots=True)
class Http:
    """HTTP/1.0 or 1.1 over the connection of a client: `c: {client: d}` connects, `h: {http: c}` requests."""

    publishes: ClassVar[tuple[str, ...]] = ("status",)
    kind: ClassVar[Kind] = Kind.HTTP

    name: str
    location: Location
    of: Name = subject("the client", key="http", kinds=(Kind.CLIENT,))


Actor: TypeAlias = Daemon | Process | Terminal | Certificate | Client | Load | Syslog | Notify | Proxy | Http
ActorName: TypeAlias = Name

ACTORS: tuple[type[Actor], ...] = (Daemon, Process, Terminal, Certificate, Client, Load, Syslog, Notify, Proxy, Http)
