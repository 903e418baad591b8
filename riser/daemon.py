"""`start_daemon`: a daemon around a server, in the foreground or detached from whoever launched it.

    launching command            first child           the daemon                       server process
    umask, lock, log
    fork --------------------->  setsid
                                 fork --------------->  own signals; null device
    wait for a word              exit                   pid into the status file
      <------------------------------------------------ "ready", or why not  <--------- "ready", or why not
    exit status                                         supervise until a stop

What can be refused is refused before anything is forked, with a sentence on standard error and status 1; the launching
command answers only when the daemon serves, or has failed (daemon.ready). In the foreground one process does it all.
"""

import contextlib
import os
import select
import signal
from collections.abc import Iterator, Mapping
from types import FrameType

from riser import privilege
from riser.activation import Inherited, Manager
from riser.core.config import DAEMON_NAME, DaemonConfig, unknown_setting
from riser.core.messages import Exit
from riser.core.operation import DEFAULT_SIGNALS
from riser.core.phases import Condition
from riser.core.record import Record
from riser.errors import ConfigError, RiserError
from riser.firstword import FirstWord
from riser.logs import LOGGER, open_log
from riser.process import Readiness, ReadyPipe, spawn
from riser.serverprocess import Setup
from riser.signals import SignalInbox, by_name, on_terminal
from riser.statusfile import StatusFile, running
from riser.supervisor import Supervisor

__all__ = ["running", "start_daemon"]

EXIT_FAILURE = 1
_STANDARD_ERROR = 2
_STANDARD_STREAMS = (0, 1, _STANDARD_ERROR)


def start_daemon(setup: Setup, **parameters: object) -> int:
    """Run a daemon whose server processes are each made ready by `setup(server)`; the exit status.

    The parameters are those of `DaemonConfig`. With `daemonize` it returns in the launching command, 0 once the daemon
    serves; otherwise it returns when the daemon has stopped. To be called in the main thread, with no other thread
    alive. Whatever is refused, a parameter that there is not or that cannot be used, an unknown user, an occupied
    address, a daemon that runs already, is told in a sentence on standard error or in the log, and gives status 1.
    """
    _hold_standard_streams()
    try:
        config = _read_parameters(parameters)
    except ConfigError as error:
        name = parameters.get("daemon_name")
        return _refuse(name if isinstance(name, str) else DAEMON_NAME, str(error))
    open_log(config.daemon_name, background=config.daemonize, debug=config.daemon_debug)
    umask = os.umask(config.daemon_umask)
    try:
        with _harmless(_disabled_signals(config)):
            return _in_background(config, setup) if config.daemonize else _in_foreground(config, setup)
    except (RiserError, OSError) as error:
        if config.daemonize:
            LOGGER.critical("failed to start daemon: %s", error)
        return _refuse(config.daemon_name, str(error))
    finally:
        os.umask(umask)


class _Prepared(Record):
    """What a start has in hand before it forks."""

    config: DaemonConfig
    setup: Setup
    identity: privilege.Identity | None
    inherited: Inherited
    manager: Manager
    status_file: StatusFile | None

    def let_go(self) -> None:
        """Close what is the daemon's alone, in another process than the daemon."""
        self.inherited.close()
        if self.status_file is not None:
            self.status_file.close()


def _prepare(config: DaemonConfig, setup: Setup) -> _Prepared:
    identity = privilege.look_up(config)
    inherited, manager = Inherited.take(os.environ), Manager.take(os.environ)
    status_file = StatusFile.acquire(config.status_file, daemon_name=config.daemon_name) if config.status_file else None
    return _Prepared(config, setup, identity, inherited, manager, status_file)


def _in_foreground(config: DaemonConfig, setup: Setup) -> int:
    # A terminal reads the keyboard only for its own process group: a server could not be debugged from another.
    own_group = not on_terminal()
    with SignalInbox(by_name(config.signals(), only=DEFAULT_SIGNALS)) as inbox:
        return _supervise(_prepare(config, setup), inbox, word=FirstWord(None), own_group=own_group).status


def _in_background(config: DaemonConfig, setup: Setup) -> int:
    prepared = _prepare(config, setup)
    pipe = ReadyPipe()
    operations = by_name(config.signals(), only=DEFAULT_SIGNALS)

    def leave_session(_: SignalInbox) -> int:
        os.setsid()
        # Not a session leader, the daemon can never get a terminal again.
        spawn(run, operations=operations)
        return 0

    def run(inbox: SignalInbox) -> int:
        pipe.keep_child_end()
        word = FirstWord(pipe)
        try:
            if not config.daemon_nochdir:
                os.chdir("/")
            _let_go_of_streams()
            return _supervise(prepared, inbox, word=word, own_group=True).status
        except Exception as error:  # noqa: BLE001 - there is nobody above who could tell it
            LOGGER.critical("daemon failed: %s", error, exc_info=error)
            word.failed(str(error))
            return EXIT_FAILURE

    spawn(leave_session, operations={}).reap(block=True)
    pipe.keep_parent_end()
    prepared.let_go()
    return _await_word(config, pipe)


def _await_word(config: DaemonConfig, pipe: ReadyPipe) -> int:
    """In the launching command: wait until the daemon serves or has failed."""
    said, reason = Readiness.WAITING, ""
    while said is Readiness.WAITING:
        select.select([pipe], [], [])
        said, reason = pipe.poll()
    pipe.close()
    return 0 if said is Readiness.READY else _refuse(config.daemon_name, reason or "ended before it served")


def _supervise(prepared: _Prepared, inbox: SignalInbox, *, word: FirstWord, own_group: bool) -> Exit:
    """In the daemon: from the pid in the status file to the end; the first word goes to the launching command."""
    status_file = prepared.status_file

    def watch(condition: Condition) -> None:
        prepared.manager.tell(condition)
        if condition is Condition.SERVING:
            word.ready()

    def let_go() -> None:
        prepared.let_go()
        word.close()

    try:
        if status_file is not None:
            status_file.write(os.getpid())
        with Supervisor(
            prepared.config,
            prepared.setup,
            inbox=inbox,
            identity=prepared.identity,
            inherited=prepared.inherited,
            manager=prepared.manager,
            watch=watch,
            let_go=let_go,
            own_group=own_group,
        ) as supervisor:
            exit_ = supervisor.run()
    finally:
        prepared.inherited.close()
        if status_file is not None:
            status_file.release()
    if exit_.reason:
        prepared.manager.tell_failure(exit_.reason)
    word.failed(exit_.reason or "stopped before it served")
    return exit_


def _hold_standard_streams() -> None:
    """Put the null device where a standard stream is closed, before anything else is opened there."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) in _STANDARD_STREAMS:
        pass
    os.close(descriptor)


def _let_go_of_streams() -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in _STANDARD_STREAMS:
        os.dup2(null, descriptor)
    os.close(null)


def _refuse(daemon_name: str, reason: str) -> int:
    # Not sys.stderr, which is None where the stream was closed.
    with contextlib.suppress(OSError):
        os.write(_STANDARD_ERROR, f"{daemon_name}: {reason}\n".encode("utf-8", "backslashreplace"))
    return EXIT_FAILURE


def _read_parameters(parameters: Mapping[str, object]) -> DaemonConfig:
    known = DaemonConfig.__match_args__
    for name, value in parameters.items():
        if name not in known:
            raise unknown_setting(name, value, known=known, expected="a parameter of start_daemon")
    return DaemonConfig(**parameters)  # type: ignore[arg-type]  # its own checks are what this call is for


def _disabled_signals(config: DaemonConfig) -> set[signal.Signals]:
    """RISER's signals that no parameter uses: they shall do nothing, and not what the system does by default."""
    chosen = config.signals()
    disabled = {DEFAULT_SIGNALS[operation] for operation in DEFAULT_SIGNALS if operation not in chosen}
    return {signal.Signals[f"SIG{name}"] for name in disabled - set(chosen.values())}


@contextlib.contextmanager
def _harmless(numbers: set[signal.Signals]) -> Iterator[None]:
    # A handler and not SIG_IGN, which programs that a server starts would inherit.
    def do_nothing(_number: int, _frame: FrameType | None) -> None:
        pass

    before = {number: signal.signal(number, do_nothing) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
