"""`SocketServer`: attributes, callbacks, and the order in which they are used.

    one process     before_start, preprocess, dispatch ..., at_stop, postprocess, after_stop
    with children   before_start                                                  after_stop    in the parent
                       at_fork, preprocess, dispatch ..., at_stop, postprocess                  in every child

`start` puts the parts together, a source, a crew and a loop, and runs until a stop is complete.
"""

import collections
import contextlib
import logging
import socket
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, TypeVar

from riser.acceptor import Gate
from riser.callbacks import Callbacks
from riser.children import Birth, Children
from riser.core.config import DispatchPolicy, ServerConfig, unknown_setting
from riser.core.operation import DEFAULT_SIGNALS, SERVER_OPERATIONS, Operation, StopState
from riser.core.stats import Report
from riser.errors import ConfigError
from riser.loop import Loop
from riser.process import EXIT_FAILURE
from riser.signals import SignalInbox, by_name, in_main_thread
from riser.worker import Inlet, SocketKind, Threads

_log = logging.getLogger("riser")

_ATTRIBUTES = ServerConfig.__match_args__

_OnSocket = TypeVar("_OnSocket", bound=Callable[[socket.socket], object])
_OnStop = TypeVar("_OnStop", bound=Callable[[StopState], object])
_OnStat = TypeVar("_OnStat", bound=Callable[[Report], object])
_OnEvent = TypeVar("_OnEvent", bound=Callable[[], object])


class SocketServer:
    """A server on one listening socket: with threads, or with child processes of threads.

    The attributes are those of `riser.core.config.ServerConfig`, and there are no others: `ConfigError` is raised where
    another name is assigned to, and by `setup` for a value that cannot be used. Every callback is registered by a
    method of its name, as a decorator or as a call; the last one registered counts.
    """

    __slots__ = (*_ATTRIBUTES, "__weakref__", "_callbacks", "_early", "_inbox", "_is_set_up")

    def __init__(self) -> None:
        defaults = ServerConfig()
        self.accept_polling_timeout_seconds = defaults.accept_polling_timeout_seconds
        self.process_num = defaults.process_num
        self.process_queue_size = defaults.process_queue_size
        self.process_queue_polling_timeout_seconds = defaults.process_queue_polling_timeout_seconds
        self.process_send_io_polling_timeout_seconds = defaults.process_send_io_polling_timeout_seconds
        self.thread_num = defaults.thread_num
        self.thread_queue_size = defaults.thread_queue_size
        self.thread_queue_polling_timeout_seconds = defaults.thread_queue_polling_timeout_seconds
        self.dispatch_error: DispatchPolicy | str = defaults.dispatch_error
        self.stop_timeout_seconds = defaults.stop_timeout_seconds
        self._callbacks: dict[str, Callable[..., object]] = {}
        self._is_set_up = False
        self._early: collections.deque[Operation] = collections.deque()
        self._inbox: SignalInbox | None = None

    if not TYPE_CHECKING:  # A type checker that sees it takes every name for an attribute.

        def __setattr__(self, name: str, value: object) -> None:
            try:
                super().__setattr__(name, value)
            except AttributeError:
                if hasattr(self, name):
                    raise ConfigError(name, value, f"a call, server.{name}(...), and no assignment") from None
                raise unknown_setting(name, value, known=_ATTRIBUTES, expected="an attribute of the server") from None

    # Registration

    def before_start(self, callback: _OnSocket) -> _OnSocket:
        """Call it with the listening socket before anything is started; in the parent if there are children."""
        self._callbacks["before_start"] = callback
        return callback

    def at_fork(self, callback: _OnEvent) -> _OnEvent:
        """Call it first in every child; never without children."""
        self._callbacks["at_fork"] = callback
        return callback

    def at_stop(self, callback: _OnStop) -> _OnStop:
        """Call it with `StopState.GRACEFUL` or `FORCED` (texts "graceful", "forced") when a stop begins or
        escalates."""
        self._callbacks["at_stop"] = callback
        return callback

    def at_stat(self, callback: _OnStat) -> _OnStat:
        """Call it with a report of 16 fields for every statistics signal; see `riser.core.stats.FIELDS`."""
        self._callbacks["at_stat"] = callback
        return callback

    def preprocess(self, callback: _OnEvent) -> _OnEvent:
        """Call it in every serving process before its first connection."""
        self._callbacks["preprocess"] = callback
        return callback

    def postprocess(self, callback: _OnEvent) -> _OnEvent:
        """Call it in every serving process after its last connection, also when the server fails."""
        self._callbacks["postprocess"] = callback
        return callback

    def after_stop(self, callback: _OnEvent) -> _OnEvent:
        """Call it last, also when the server fails; in the parent if there are children."""
        self._callbacks["after_stop"] = callback
        return callback

    def dispatch(self, callback: _OnSocket) -> _OnSocket:
        """Call it in a thread for every connection, with a blocking socket that is closed when it returns or raises.

        An exception that is not the connection's own ends the server unless `dispatch_error` is "log".
        """
        self._callbacks["dispatch"] = callback
        return callback

    # Control, from any thread or signal handler, once `setup` has returned

    def signal_stop_graceful(self) -> None:
        """Let no new connections in, finish those that are there, end."""
        self._post(Operation.STOP_GRACEFUL)

    def signal_stop_forced(self) -> None:
        """End the connections in service, end."""
        self._post(Operation.STOP_FORCED)

    def signal_stat_get(self, *, reset: bool = True) -> None:
        """Start statistics if need be, and report them to `at_stat`."""
        self._post(Operation.STAT_GET_AND_RESET if reset else Operation.STAT_GET_NO_RESET)

    def signal_stat_stop(self) -> None:
        """Collect no more statistics."""
        self._post(Operation.STAT_STOP)

    # Life

    def setup(self, listening: socket.socket) -> None:
        """Check attributes and callbacks; afterwards the `signal_...` methods are obeyed, from the start on.

        Raises `ConfigError` with the name of the attribute or callback at fault (`server.attributes.bad`).
        """
        del listening
        self._config()
        self._collect_callbacks()
        self._is_set_up = True

    def start(
        self,
        listening: socket.socket,
        *,
        ready: Callable[[], None] | None = None,
        latch: int | None = None,
        signals: Mapping[Operation, str] | None = DEFAULT_SIGNALS,
        inbox: SignalInbox | None = None,
    ) -> None:
        """Serve until stopped; the listening socket is closed as soon as a stop begins.

        `ready` is called once connections are let in, every child's `preprocess` included. The end of the descriptor
        `latch` means that the process above has died, and stops gracefully. `signals` are handled in the main thread
        only, and the handlers of before are restored; None, or an `inbox` of the caller's own, leaves them alone.

        Raises what `before_start`, `preprocess` or, under the policy stop, `dispatch` raised: as itself from this
        process, as `CallbackError` from a child.
        """
        self.setup(listening)
        config = self._config()
        callbacks = self._collect_callbacks()
        with contextlib.closing(listening), self._inbox_for(signals, inbox) as own_inbox:
            callbacks.before_start(listening)
            try:
                run = self._run_children if config.process_num else self._run_threads
                run(listening, config, callbacks=callbacks, inbox=own_inbox, ready=ready, latch=latch)
            finally:
                callbacks.stopped()

    def _run_threads(
        self,
        listening: socket.socket,
        config: ServerConfig,
        *,
        callbacks: Callbacks,
        inbox: SignalInbox,
        ready: Callable[[], None] | None,
        latch: int | None,
    ) -> None:
        loop = Loop(inbox, stop_timeout_seconds=config.stop_timeout_seconds)
        gate = Gate(listening, rest_seconds=config.accept_polling_timeout_seconds)
        loop.run(gate, Threads(config, callbacks, kind=_kind_of(listening)), ready=ready, latch=latch)

    def _run_children(
        self,
        listening: socket.socket,
        config: ServerConfig,
        *,
        callbacks: Callbacks,
        inbox: SignalInbox,
        ready: Callable[[], None] | None,
        latch: int | None,
    ) -> None:
        kind = _kind_of(listening)

        def body(birth: Birth) -> int:
            listening.close()
            inbox.close()
            self._inbox = birth.inbox
            return _serve_child(config, callbacks, kind=kind, birth=birth)

        loop = Loop(inbox, stop_timeout_seconds=config.stop_timeout_seconds)
        gate = Gate(listening, rest_seconds=config.accept_polling_timeout_seconds)
        children = Children(config, callbacks, body=body, operations=inbox.operations)
        loop.run(gate, children, ready=ready, latch=latch)

    def _config(self) -> ServerConfig:
        return ServerConfig(
            accept_polling_timeout_seconds=self.accept_polling_timeout_seconds,
            process_num=self.process_num,
            process_queue_size=self.process_queue_size,
            process_queue_polling_timeout_seconds=self.process_queue_polling_timeout_seconds,
            process_send_io_polling_timeout_seconds=self.process_send_io_polling_timeout_seconds,
            thread_num=self.thread_num,
            thread_queue_size=self.thread_queue_size,
            thread_queue_polling_timeout_seconds=self.thread_queue_polling_timeout_seconds,
            dispatch_error=DispatchPolicy.of(self.dispatch_error),
            stop_timeout_seconds=self.stop_timeout_seconds,
        )

    def _collect_callbacks(self) -> Callbacks:
        if "dispatch" not in self._callbacks:
            raise ConfigError("dispatch", None, "a callback for connections")
        return Callbacks(**self._callbacks)

    @contextlib.contextmanager
    def _inbox_for(self, signals: Mapping[Operation, str] | None, inbox: SignalInbox | None) -> Iterator[SignalInbox]:
        """The inbox of the caller, or one of our own for as long as we run; with what was asked for before."""
        with contextlib.ExitStack() as stack:
            if inbox is None:
                handled = by_name(signals, only=SERVER_OPERATIONS) if signals and in_main_thread() else {}
                inbox = stack.enter_context(SignalInbox(handled))
            self._inbox = inbox
            while self._early:
                inbox.post(self._early.popleft())
            try:
                yield inbox
            finally:
                self._inbox = None

    def _post(self, operation: Operation) -> None:
        if self._inbox is not None:
            self._inbox.post(operation)
        elif self._is_set_up:
            self._early.append(operation)


def _kind_of(listening: socket.socket) -> SocketKind:
    return SocketKind(listening.family, listening.type, listening.proto)


def _serve_child(
    config: ServerConfig,
    callbacks: Callbacks,
    *,
    kind: SocketKind,
    birth: Birth,
) -> int:
    """The life of a child, to its exit status; what fails is told to the parent, and logged here with its trace."""
    channel = birth.channel
    try:
        callbacks.at_fork()
    except BaseException as error:  # noqa: BLE001 - whatever it is, the parent has to know why this child ends
        channel.tell_failure("at_fork", error)
        _log.exception("at_fork failed")
        return EXIT_FAILURE
    inlet = Inlet(channel, birth.leash)
    queue_name = f"thread_queue-{birth.slot}"
    threads = Threads(config, callbacks, kind=kind, queue_name=queue_name, finished=channel.tell_finished)
    loop = Loop(birth.inbox, stop_timeout_seconds=None)
    try:
        loop.run(inlet, threads)
    except BaseException as error:  # noqa: BLE001 - as above
        if not inlet.begun:
            channel.tell_failure("preprocess", error)
        _log.exception("%s failed", "dispatch" if inlet.begun else "preprocess")
        return EXIT_FAILURE
    return 0
