"""The hands of the daemon: they do what `core.supervision` decides and report what became of it.

    signals --inbox--\\                                           /--> Listener: open, tune, close
    readiness pipes --+--> selector --> events --> step --> effects --> ServerProcess: spawn, signal, kill
    pidfds ----------/         ^---- wake_at ----'                \\--> log

The daemon has no threads and never polls: it sleeps in one selector until a signal, a word or a death arrives, or a
time that the state has named.
"""

import collections
import contextlib
import os
import selectors
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, assert_never

from riser import privilege
from riser.activation import Inherited, Manager
from riser.core.address import Address
from riser.core.config import DaemonConfig
from riser.core.messages import (
    AddressKnown,
    AddressUnknown,
    AskAddress,
    Begin,
    CloseListener,
    Effect,
    Event,
    Exit,
    KillServer,
    ListenerFailed,
    ListenerOpened,
    Log,
    OpenListener,
    Request,
    ServerExited,
    ServerFailed,
    ServerReady,
    SignalServer,
    StartServer,
    Tick,
    TuneListener,
)
from riser.core.operation import DEFAULT_SIGNALS, SERVER_OPERATIONS, Operation
from riser.core.phases import Condition, State, condition_of
from riser.core.supervision import step, wake_at
from riser.errors import AddressError, ListenError
from riser.leash import Leash
from riser.listener import Listener, read_address
from riser.logs import LEVELS, LOGGER
from riser.process import Latch, Readiness, ReadyPipe, spawn
from riser.serverprocess import ServerProcess, Setup, explain, run_server
from riser.signals import SignalInbox, by_name


class Supervisor:
    """A daemon's sockets and processes; a context manager that leaves none of them behind.

    `inbox` brings the requests, `inherited` perhaps the first socket; `manager` may want to hear at times that all is
    well. `watch` is called with each new condition, `let_go` in each server process to close what belongs to the daemon
    alone. With `own_group` a server process leads a process group, so that KILL reaches all that it has started.
    """

    def __init__(
        self,
        config: DaemonConfig,
        setup: Setup,
        *,
        inbox: SignalInbox,
        identity: privilege.Identity | None,
        inherited: Inherited,
        manager: Manager,
        watch: Callable[[Condition], None],
        let_go: Callable[[], None],
        own_group: bool,
    ) -> None:
        self._config = config
        self._setup = setup
        self._inbox = inbox
        self._identity = identity
        self._inherited = inherited
        self._manager = manager
        self._watch = watch
        self._let_go = let_go
        self._own_group = own_group
        self._state = State(config)
        self._selector = selectors.DefaultSelector()
        self._latch = Latch()
        self._listeners: dict[int, Listener] = {}
        self._servers: dict[int, ServerProcess] = {}
        self._exit: Exit | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for listener in self._listeners.values():
            listener.remove()
        self._latch.close()
        self._close_all()

    def run(self) -> Exit:
        """Start, serve, restart and stop as asked; returns when the daemon is over."""
        self._selector.register(self._inbox, selectors.EVENT_READ, self._requests_arrived)
        self._report(Begin(time.monotonic()))
        while self._exit is None:
            self._turn()
        return self._exit

    def _turn(self) -> None:
        due = wake_at(self._state)
        waking = [at for at in (due, self._manager.due()) if at is not None]
        seen = self._selector.select(max(0.0, min(waking) - time.monotonic()) if waking else None)
        # Requests last: who has been served and then asks for a stop finds a daemon that knows that it serves.
        for key, _ in sorted(seen, key=lambda event: event[0].fileobj is self._inbox):
            key.data()
        now = time.monotonic()
        self._manager.feed(now)
        if due is not None and due <= now:
            self._report(Tick(now))

    def _report(self, event: Event) -> None:
        """Tell the head what has happened and do what it says, until there is nothing more to answer."""
        events = collections.deque([event])
        while events and self._exit is None:
            before = condition_of(self._state.phase)
            self._state, effects = step(self._state, events.popleft())
            for effect in effects:
                answer = self._perform(effect)
                if answer is not None:
                    events.append(answer)
            now = condition_of(self._state.phase)
            if now is not before:
                self._watch(now)

    def _perform(self, effect: Effect) -> Event | None:
        match effect:
            case AskAddress():
                return self._ask_address()
            case OpenListener() | TuneListener() | CloseListener():
                return self._perform_on_listener(effect)
            case StartServer() | SignalServer() | KillServer():
                return self._perform_on_server(effect)
            case Log():
                LOGGER.log(LEVELS[effect.level], "%s", self._render(effect))
            case Exit():
                self._exit = effect
            case _:
                assert_never(effect)
        return None

    def _perform_on_listener(self, effect: OpenListener | TuneListener | CloseListener) -> Event | None:
        match effect:
            case OpenListener(listener=number, address=address):
                return self._open(number, address)
            case TuneListener(listener=number, address=address):
                self._tune(number, address)
            case CloseListener(listener=number):
                self._close(number)
        return None

    def _perform_on_server(self, effect: StartServer | SignalServer | KillServer) -> Event | None:
        match effect:
            case StartServer(server=number, listener=listener):
                return self._start(number, self._listeners[listener])
            case SignalServer(server=number, operation=operation):
                self._servers[number].send(operation)
            case KillServer(server=number):
                self._servers[number].kill()
        return None

    def _requests_arrived(self) -> None:
        # What has come at once has no order (the kernel runs the handlers of pending signals in reverse): of two stops
        # the harder one counts.
        for operation in sorted(self._inbox.drain(), key=lambda operation: operation is not Operation.STOP_FORCED):
            self._report(Request(time.monotonic(), operation))

    def _ask_address(self) -> Event:
        given = self._config.listen_address
        try:
            value = given() if callable(given) else given
        except Exception as error:  # noqa: BLE001 - the caller's function may fail as it likes; the daemon must not
            return AddressUnknown(time.monotonic(), f"failed to get server address: {explain(error)}")
        try:
            return AddressKnown(time.monotonic(), read_address(value))
        except AddressError as error:
            return AddressUnknown(time.monotonic(), f"failed to parse server address: {error}")

    def _open(self, number: int, address: Address) -> Event:
        try:
            self._listeners[number] = self._inherited.open(number, address)
        except ListenError as error:
            return ListenerFailed(time.monotonic(), f"failed to open server socket: {error}")
        self._tune(number, address)
        return ListenerOpened(time.monotonic())

    def _tune(self, number: int, address: Address) -> None:
        for level, text in self._listeners[number].tune(address):
            LOGGER.log(level, "%s", text)

    def _close(self, number: int) -> None:
        listener = self._listeners.pop(number)
        if listener.remove():
            LOGGER.info("delete unix domain server socket: %s", listener.describe())
        listener.close()

    def _start(self, number: int, listener: Listener) -> Event | None:
        with contextlib.ExitStack() as undo:
            try:
                ready = ReadyPipe()
                undo.callback(ready.close)
                leash = Leash()
                undo.callback(leash.close)
                child = spawn(
                    lambda inbox: self._run_server(listener, ready=ready, leash=leash, inbox=inbox),
                    operations=by_name(DEFAULT_SIGNALS, only=SERVER_OPERATIONS),
                )
            except OSError as error:
                return ServerExited(time.monotonic(), number, f"cannot fork: {error.strerror}")
            undo.pop_all()
        LOGGER.info("server process start (pid: %d)", child.pid)
        ready.keep_parent_end()
        leash.keep_parent_end()
        self._servers[number] = ServerProcess(child, ready, leash=leash, leads_group=self._own_group)
        self._selector.register(ready, selectors.EVENT_READ, lambda: self._word_arrived(number))
        self._selector.register(child, selectors.EVENT_READ, lambda: self._child_ended(number))
        return None

    def _run_server(self, listener: Listener, *, ready: ReadyPipe, leash: Leash, inbox: SignalInbox) -> int:
        """In the server process: let go of all that is the daemon's, and serve."""
        leash.hold()
        if self._own_group:
            os.setpgid(0, 0)
        latch = self._latch.watch()
        self._close_all(keep=listener)
        self._inbox.close()
        self._let_go()
        ready.keep_child_end()
        return run_server(
            self._setup, listener, identity=self._identity, ready=ready, leash=leash, latch=latch, inbox=inbox
        )

    def _word_arrived(self, number: int) -> None:
        process = self._servers.get(number)
        if process is None or process.ready is None:
            return
        said, reason = process.ready.poll()
        if said is Readiness.WAITING:
            return
        self._selector.unregister(process.ready)
        process.ready.close()
        process.ready = None
        if said is Readiness.READY:
            self._report(ServerReady(time.monotonic(), number))
        elif reason:
            self._report(ServerFailed(time.monotonic(), number, reason))
        # Without a reason it is about to end, and its status will tell; or it hangs, and the start limit ends it.

    def _child_ended(self, number: int) -> None:
        self._word_arrived(number)
        process = self._servers[number]
        self._selector.unregister(process.child)
        if process.ready is not None:  # Something that it started holds the other end.
            self._selector.unregister(process.ready)
        status = process.child.reap(block=True)
        process.close()
        self._report(ServerExited(time.monotonic(), number, str(status)))
        del self._servers[number]

    def _render(self, line: Log) -> str:
        text = line.text
        if line.server is not None and line.server in self._servers:
            text = f"{text} (pid: {self._servers[line.server].child.pid})"
        if line.listener is not None:
            text = f"{text}: {self._listeners[line.listener].describe()}"
        return f"{text}: {line.detail}" if line.detail else text

    def _close_all(self, keep: Listener | None = None) -> None:
        """Close every descriptor but `keep`: in the daemon at its end, in a server process at its start."""
        self._selector.close()
        for process in self._servers.values():
            process.close()
        for listener in self._listeners.values():
            if listener is not keep:
                listener.close()
