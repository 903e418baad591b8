"""The threads that serve, and the serving process above them if that is a child.

    take(descriptors) -> TimeoutSizedQueue -> a thread: Connection -> dispatch -> close -> one place is free again

The threads are daemon threads: a thread that hangs in `dispatch` cannot be ended from outside, so a forced stop shuts
down the sockets in service, waits for a moment and leaves. The main thread is woken by a finished connection only while
it waits for one: when the crew is full, and when it stops.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence

from riser.callbacks import Callbacks
from riser.channel import ChildEnd
from riser.connection import Connection, is_the_connections_own
from riser.core.config import FORCED_JOIN_SECONDS, DispatchPolicy, ServerConfig
from riser.core.operation import Operation, StopState
from riser.core.record import Record
from riser.core.stats import QueueStats
from riser.leash import Leash
from riser.logs import Seldom
from riser.loop import Crew, Loop
from riser.queue import TimeoutSizedQueue

_log = logging.getLogger("riser")


class SocketKind(Record):
    """What must be known of a listening socket to make sockets of the descriptors that were accepted from it."""

    family: int
    type: int
    protocol: int


class Threads:
    """The crew of a process that serves itself."""

    def __init__(
        self,
        config: ServerConfig,
        callbacks: Callbacks,
        *,
        kind: SocketKind,
        queue_name: str = "thread_queue",
        finished: Callable[[], None] = lambda: None,
    ) -> None:
        """`finished` is called in the serving thread for every connection that is closed."""
        self.failure: BaseException | None = None
        self._config = config
        self._callbacks = callbacks
        self._kind = kind
        self._tell_finished = finished
        self._most = config.thread_num + config.thread_queue_size
        stats = QueueStats(queue_name, config.thread_queue_size, config.thread_queue_polling_timeout_seconds)
        # With room for those that idle threads are about to take, so that a push never has to wait.
        self._queue: TimeoutSizedQueue[int] = TimeoutSizedQueue(self._most, name=queue_name, stats=stats)
        self._serving: list[Connection | None] = [None] * config.thread_num
        self._taken = 0
        # One counter a thread, each written by its own thread only: no lock on the way of a connection.
        self._finished = [0] * config.thread_num
        self._waited_for = False
        self._state = StopState.NONE
        self._give_up_at: float | None = None

    def begin(self, loop: Loop) -> None:
        """Run `preprocess`, then start the threads; raises what it raises."""
        self._loop = loop
        self._callbacks.preprocess()
        self._threads = [
            threading.Thread(target=self._work, args=(number,), name=f"riser-{number}", daemon=True)
            for number in range(self._config.thread_num)
        ]
        for thread in self._threads:
            thread.start()

    def is_ready(self) -> bool:
        """True: `begin` has done everything."""
        return True

    def room(self) -> int:
        """Threads and places in the queue that no connection has."""
        room = self._most - self._unfinished()
        if self._state is StopState.NONE:
            self._waited_for = room <= 0
            # Asked again, since a connection may have ended just before it was known that someone waits for that.
            room = self._most - self._unfinished()
        return room

    def take(self, connections: Sequence[int]) -> None:
        """Queue these descriptors for the threads."""
        self._taken += len(connections)
        for connection in connections:
            self._queue.push(connection, 0)

    def wait_began(self) -> None:
        """Count a push that waits."""
        self._queue.wait_began()

    def wait_ended(self) -> None:
        """Count how long it waited."""
        self._queue.wait_ended()

    def stop(self, state: StopState) -> None:
        """Call `at_stop`; if forced, end what is in service and drop what is queued."""
        self._state = state
        self._waited_for = True
        self._callbacks.stopping(state)
        if state is StopState.FORCED:
            self._give_up_at = time.monotonic() + FORCED_JOIN_SECONDS
            self._queue.close()
            while (descriptor := self._queue.pop()) is not None:
                os.close(descriptor)
                self._taken -= 1
            for connection in tuple(self._serving):
                if connection is not None:
                    connection.cut()

    def report(self, operation: Operation) -> None:
        """Start and tell the statistics of the thread queue, or stop them."""
        match operation:
            case Operation.STAT_GET_AND_RESET | Operation.STAT_GET_NO_RESET:
                self._queue.stat_start()
                report = self._queue.stat_get(reset=operation is Operation.STAT_GET_AND_RESET)
                assert report is not None, "statistics have just been started"
                self._callbacks.reporting(report)
            case Operation.STAT_STOP:
                self._queue.stat_stop()
            case _:
                pass

    def advance(self, now: float) -> None:
        """Nothing: the threads advance by themselves."""

    def wake_at(self) -> float | None:
        """When a forced stop no longer waits for threads."""
        return self._give_up_at

    def is_over(self, now: float) -> bool:
        """Whether all connections are finished, or a forced stop has waited long enough."""
        return self._unfinished() == 0 or (self._give_up_at is not None and now >= self._give_up_at)

    def end(self) -> None:
        """Let the threads go, wait a moment for them, and run `postprocess`."""
        self._queue.close()
        deadline = self._give_up_at or time.monotonic() + FORCED_JOIN_SECONDS
        for thread in self._threads:
            thread.join(max(deadline - time.monotonic(), 0))
        self._callbacks.postprocessing()

    def _unfinished(self) -> int:
        return self._taken - sum(self._finished)

    def _work(self, number: int) -> None:
        kind = self._kind
        pop = self._queue.pop
        dispatch = self._callbacks.dispatch
        while (descriptor := pop()) is not None:
            connection = Connection(kind.family, kind.type, kind.protocol, fileno=descriptor)
            self._serving[number] = connection
            if self._state is StopState.FORCED:
                connection.cut()
            try:
                dispatch(connection)
            except BaseException as error:  # noqa: BLE001 - a thread has nobody above it: every end is accounted for
                self._failed(error)
            self._serving[number] = None
            connection.close_for_good()
            del connection
            self._finished[number] += 1
            self._tell_finished()
            if self._waited_for:
                self._loop.wake()

    def _failed(self, error: BaseException) -> None:
        if is_the_connections_own(error):
            _log.info("connection ended: %s: %s", type(error).__name__, error)
        elif self._state is StopState.FORCED:
            _log.warning("dispatch failed during a forced stop: %s: %s", type(error).__name__, error)
        elif self._config.dispatch_error == DispatchPolicy.LOG:
            _log.error("dispatch failed", exc_info=error)
        elif self.failure is None:
            self.failure = error
            self._loop.wake()


class Inlet:
    """The source of connections in a child: what its parent sends."""

    def __init__(self, channel: ChildEnd, leash: Leash) -> None:
        self._channel = channel
        self._leash = leash
        self._complaint = Seldom()
        self._stopped_by_parent = False
        self._crew: Crew | None = None
        self._over = True
        self._watched = False

    @property
    def begun(self) -> bool:
        """Whether the parent has been told that this child is ready."""
        return self._crew is not None

    def begin(self, loop: Loop, crew: Crew) -> None:
        """Tell the parent that this child is ready, and take what it sends."""
        self._loop = loop
        self._crew = crew
        self._over = False
        # In this order: the parent may end as soon as it has heard, and from then on that is no reason to be killed.
        self._leash.let_go()
        self._channel.tell_ready()
        loop.watch(self._channel, self._receive)
        self._watched = True

    def stop(self, state: StopState) -> None:
        """Tell the parent to send no more, if it was not the one who said so; if forced, read no more either.

        What is not read is not acknowledged, so the parent gives it to another child.
        """
        if self._crew is not None and self._crew.failure is not None:
            self._channel.tell_failure("dispatch", self._crew.failure)
        elif not self._stopped_by_parent and not self._over:
            self._channel.tell_leaving()
        if state is StopState.FORCED and self._watched:
            self._loop.unwatch(self._channel)
            self._watched = False

    def is_over(self) -> bool:
        """Whether the parent has said that there will be no more, or is dead."""
        return self._over

    def wake_at(self) -> float | None:
        """Never."""
        return None

    def advance(self, now: float) -> None:
        """Nothing: the parent sends no more than the threads have room for."""

    def _receive(self) -> None:
        if self._crew is None or not self._watched:
            return
        delivery = self._channel.receive()
        if delivery.lost:
            self._complaint.warn("out of descriptors: connections go back to the parent")
        if delivery.connections or delivery.lost:
            self._channel.tell_received(lost=delivery.lost)
        if delivery.connections:
            self._crew.take(delivery.connections)
        for operation in delivery.operations:
            self._stopped_by_parent |= operation in (Operation.STOP_GRACEFUL, Operation.STOP_FORCED)
            self._loop.request(operation)
        if delivery.complete:
            self._over = True
        if delivery.ended:
            self._over = True
            self._stopped_by_parent = True
            self._loop.unwatch(self._channel)
            self._watched = False
            self._loop.orphaned()
