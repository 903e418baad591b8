"""Every default of riser and every check of a setting, in one place.

Names and defaults are the original's. Where riser has no use for a polling interval it still means something: see
each field. A value that cannot be used raises `ConfigError` with the parameter's own name, before anything is opened
or forked.
"""

import enum
import math
from collections.abc import Iterable, Mapping
from typing import TypeGuard

from riser.core.operation import DEFAULT_SIGNALS, Operation
from riser.core.record import Record
from riser.errors import ConfigError

ORPHAN_STOP_SECONDS = 60.0
"""How long a process whose parent has died may go on serving what it has, where `stop_timeout_seconds` sets no
limit."""

FORCED_JOIN_SECONDS = 0.25
"""How long a forced stop waits for threads whose sockets were shut down, before `postprocess` runs."""

FORCED_CHILD_SECONDS = 5.0
"""How long a child may take to end after a forced stop, `postprocess` included, before it is killed."""

DAEMON_NAME = "riser"
"""What a daemon is called that was given no name."""

MOST_ID = 2**32 - 2
"""The largest number of a user or group; the next one means "as it is" to the kernel."""

SIGNAL_NAMES = frozenset(
    {
        *("HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM"),
        *("STKFLT", "CHLD", "CONT", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO"),
        *("PWR", "SYS"),
    }
)
"""The signals that a process can be told by; KILL and STOP cannot be caught."""


FORCED_START_SECONDS = 2.0
"""The same for a child that is not ready yet: it may be about to be, or hang in its `preprocess`."""


class DispatchPolicy(enum.StrEnum):
    """What happens to the server when `dispatch` raises something that is not its connection's own error."""

    STOP = "stop"
    LOG = "log"

    @classmethod
    def of(cls, value: str) -> "DispatchPolicy":
        """The policy of this name; raises `ConfigError`."""
        try:
            return cls(value)
        except ValueError:
            raise ConfigError("dispatch_error", value, "'stop' or 'log'") from None


class ServerConfig(Record):
    """The settings of one `SocketServer` (`server.attributes`)."""

    accept_polling_timeout_seconds: float = 0.1
    """Pause before the next accept when the machine is out of descriptors or memory; doubles up to five times this."""
    process_num: int = 0
    """Children; 0 serves with threads in one process."""
    process_queue_size: int = 20
    """Accepted connections that may wait in the parent for a child."""
    process_queue_polling_timeout_seconds: float = 0.1
    """The unit in which a wait for a place in the process queue is counted as time-outs in its statistics."""
    process_send_io_polling_timeout_seconds: float = 0.1
    """A child that left descriptors unread for longer gets no new ones while another child can take them."""
    thread_num: int = 4
    """Threads of each serving process."""
    thread_queue_size: int = 20
    """Connections that may wait in a serving process for a thread."""
    thread_queue_polling_timeout_seconds: float = 0.1
    """The unit in which a wait for a place in the thread queue is counted as time-outs in its statistics."""
    dispatch_error: DispatchPolicy = DispatchPolicy.STOP
    """`stop` ends the server as RISER does, `log` records the exception and serves on (`server.dispatch.raise`)."""
    stop_timeout_seconds: float | None = None
    """A graceful stop that lasts longer becomes a forced one (`stop.timeout`); None never does."""

    def __post_init__(self) -> None:
        """Check every field; raises `ConfigError` for the first that cannot be used."""
        _check_whole("process_num", self.process_num, least=0)
        for name in ("process_queue_size", "thread_num", "thread_queue_size"):
            _check_whole(name, getattr(self, name), least=1)
        for name in (
            "accept_polling_timeout_seconds",
            "process_queue_polling_timeout_seconds",
            "process_send_io_polling_timeout_seconds",
            "thread_queue_polling_timeout_seconds",
        ):
            _check_seconds(name, getattr(self, name))
        if self.stop_timeout_seconds is not None:
            _check_seconds("stop_timeout_seconds", self.stop_timeout_seconds)
        DispatchPolicy.of(self.dispatch_error)


class DaemonConfig(Record):
    """The parameters of `start_daemon` (`daemon.defaults`)."""

    daemonize: bool = True
    daemon_name: str = DAEMON_NAME
    daemon_debug: bool = False
    daemon_nochdir: bool = True
    daemon_umask: int = 0o037
    status_file: str | None = None
    listen_address: object = None
    """Text, a mapping, or a callable that gives either: it is looked at again at every restart."""
    server_polling_interval_seconds: float = 3
    """Upper bound between two looks at the server's health; supervision itself is driven by events."""
    server_restart_overlap_seconds: float = 0
    server_privileged_user: str | int | None = None
    server_privileged_group: str | int | None = None
    server_start_timeout_seconds: float = 60.0
    """A server that is not ready by then is killed: long enough for a slow import or a cold database, short enough
    that an operator who waits for the launching command still waits (`daemon.fail.hang`)."""
    server_stop_timeout_seconds: float | None = None
    """A graceful stop that lasts longer becomes a forced one; None never does. Forced stops are always bounded."""
    signal_stop_graceful: str | None = DEFAULT_SIGNALS[Operation.STOP_GRACEFUL]
    signal_stop_forced: str | None = DEFAULT_SIGNALS[Operation.STOP_FORCED]
    signal_stat_get_and_reset: str | None = DEFAULT_SIGNALS[Operation.STAT_GET_AND_RESET]
    signal_stat_get_no_reset: str | None = DEFAULT_SIGNALS[Operation.STAT_GET_NO_RESET]
    signal_stat_stop: str | None = DEFAULT_SIGNALS[Operation.STAT_STOP]
    signal_restart_graceful: str | None = DEFAULT_SIGNALS[Operation.RESTART_GRACEFUL]
    signal_restart_forced: str | None = DEFAULT_SIGNALS[Operation.RESTART_FORCED]

    def __post_init__(self) -> None:
        """Check every field; raises `ConfigError` for the first that cannot be used."""
        for name in ("daemonize", "daemon_debug", "daemon_nochdir"):
            _check_flag(name, getattr(self, name))
        _check_text("daemon_name", self.daemon_name)
        _check_whole("daemon_umask", self.daemon_umask, least=0, most=0o777)
        if self.status_file is not None:
            _check_text("status_file", self.status_file)
        if self.listen_address is None:
            raise ConfigError("listen_address", None, "an address, or a callable that gives one")
        _check_seconds("server_polling_interval_seconds", self.server_polling_interval_seconds)
        _check_seconds("server_restart_overlap_seconds", self.server_restart_overlap_seconds, zero=True)
        _check_seconds("server_start_timeout_seconds", self.server_start_timeout_seconds)
        if self.server_stop_timeout_seconds is not None:
            _check_seconds("server_stop_timeout_seconds", self.server_stop_timeout_seconds)
        for name in ("server_privileged_user", "server_privileged_group"):
            _check_principal(name, getattr(self, name))
        self.signals()

    def signals(self) -> Mapping[Operation, str]:
        """Which signal asks for what, without the prefix SIG; an operation whose parameter is None is absent.

        Raises `ConfigError` for a name that is no signal, cannot be caught, or is used twice (`daemon.signals.custom`).
        """
        chosen: dict[Operation, str] = {}
        for operation in DEFAULT_SIGNALS:
            parameter = f"signal_{operation.value}"
            value = getattr(self, parameter)
            if value is None:
                continue
            name = signal_name(parameter, value)
            if name in chosen.values():
                raise ConfigError(parameter, value, "a signal that no other parameter uses")
            chosen[operation] = name
        return chosen


def unknown_setting(name: str, value: object, *, known: Iterable[str], expected: str) -> ConfigError:
    """What to raise for a setting that there is not; it says which one was probably meant."""
    from difflib import get_close_matches  # A program without mistakes shall not load it.

    near = get_close_matches(name, known, n=1)
    return ConfigError(name, value, f"{expected} (perhaps {near[0]})" if near else expected)


def is_usable_text(value: object) -> TypeGuard[str]:
    """Whether it is text that a system call can be given: not empty, without a NUL, and with bytes to spell it."""
    if not isinstance(value, str) or not value or "\0" in value:
        return False
    try:
        value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True


def signal_name(parameter: str, value: object) -> str:
    """The bare name of a signal given as "TERM", "SIGTERM" or `signal.SIGTERM`; raises `ConfigError`."""
    text = value.name if isinstance(value, enum.Enum) else value
    if isinstance(text, str):
        name = text.upper().removeprefix("SIG")
        if name in SIGNAL_NAMES:
            return name
    raise ConfigError(parameter, value, "the name of a signal that can be caught, or None")


def _check_whole(name: str, value: object, *, least: int, most: int | None = None) -> None:
    if isinstance(value, int) and not isinstance(value, bool) and value >= least and (most is None or value <= most):
        return
    limits = f"of at least {least}" if most is None else f"from {least} to {most}"
    raise ConfigError(name, value, f"a whole number {limits}")


def _check_seconds(name: str, value: object, *, zero: bool = False) -> None:
    match value:
        case bool():
            pass
        case int() | float() if math.isfinite(value) and (value > 0 or (zero and value == 0)):
            return
        case _:
            pass
    raise ConfigError(
        name, value, "a number of seconds that is not negative" if zero else "a positive number of seconds"
    )


def _check_flag(name: str, value: object) -> None:
    if not isinstance(value, bool):
        raise ConfigError(name, value, "True or False")


def _check_text(name: str, value: object) -> None:
    if not is_usable_text(value):
        raise ConfigError(name, value, "text that is not empty")


def _check_principal(name: str, value: object) -> None:
    match value:
        case None:
            return
        case str() if is_usable_text(value) and not (value.isdecimal() and int(value) > MOST_ID):
            return
        case int() if not isinstance(value, bool) and 0 <= value <= MOST_ID:
            return
        case _:
            raise ConfigError(name, value, f"a name, a number from 0 to {MOST_ID}, or None")
