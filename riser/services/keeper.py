"""The process that keeps the service processes alive, and the one that keeps the keeper alive.

    server --latch--> keeper --latch--> service process 0 ... n-1
                         |
                         +-----latch--> deputy: the next keeper

The keeper has one thread and was forked before its server had more, so it can fork at any time; what it forks is as
its server was when the services were started. It waits for its children, and starts again what ends, with pauses if
one cannot live. The end of a latch pipe tells those below that whoever held it is gone: the service processes end
then, and the deputy takes the keeper's place and starts new ones. So whoever dies, the pool lives, until its server
opens the first latch or dies itself; then all end.
"""

import gc
import logging
import select
import signal
import time
from dataclasses import dataclass

from riser.core.backoff import pause_seconds
from riser.core.operation import DEFAULT_SIGNALS, Operation
from riser.process import EXIT_FAILURE, Child, ExitStatus, Latch, Readiness, ReadyPipe, spawn
from riser.services.inmate import serve_slot
from riser.services.site import Site
from riser.signals import SignalInbox, by_name

_log = logging.getLogger("riser")

HEALTHY_SECONDS = 0.25
SHORT_PAUSE_SECONDS = 0.05
"""The pause after a service process that got ready and died sooner than that: it may have been killed, and callers
wait. Only one that does not even get ready is given longer and longer pauses."""

_KILL_SECONDS = 1.0
"""How much longer than it may take itself a service process is waited for."""

DEAF: dict[signal.Signals, Operation] = by_name(DEFAULT_SIGNALS, only=set(DEFAULT_SIGNALS))
"""The signals that are meant for a server and reach its whole process group: the pool goes by its latches alone."""


@dataclass(slots=True)
class _Post:
    """One slot: who is there, and how it goes."""

    slot: int
    child: Child | None = None
    pipe: ReadyPipe | None = None
    ready_since: float | None = None
    failures: int = 0
    """How many in a row did not get ready."""
    due: float | None = None
    """When to start another one."""


class Keeper:
    """Keeps the service processes of a site."""

    def __init__(self, site: Site, *, server: int, gone: int) -> None:
        self._site = site
        self._server = server
        """Becomes readable when the server is gone or wants the pool to end."""
        self._gone = gone
        """Is closed by the last process of the pool."""
        self._inbox: SignalInbox | None = None
        self._latch = Latch()
        self._deputy: Child | None = None
        self._posts = [_Post(slot) for slot in range(len(site.listeners))]

    def run(self, inbox: SignalInbox, starting: ReadyPipe | None = None) -> int:
        """Keep the service processes until the server is gone; the exit status.

        `starting` is told when all of them serve, or why one cannot; then the others are ended.
        """
        self._inbox = inbox
        if _is_readable(self._server, 0):
            self._end()
            return 0
        self._start_deputy()
        for post in self._posts:
            self._start(post)
        status = 0
        while not (ended := self._wait()):
            for post in self._posts:
                failure = self._look_after(post)
                if failure is not None and starting is not None:
                    starting.tell_failure(failure)
                    starting, ended, status = None, True, EXIT_FAILURE
                    break
            if ended:
                break
            if starting is not None and all(post.ready_since is not None for post in self._posts):
                starting.tell_ready()
                starting = None
        self._end()
        return status

    def _wait(self) -> bool:
        """Wait until there is something to do; whether that is to end."""
        poll = select.poll()
        poll.register(self._server, select.POLLIN)
        for watched in (self._deputy, *(post.child for post in self._posts), *(post.pipe for post in self._posts)):
            if watched is not None:
                poll.register(watched.fileno(), select.POLLIN)
        due = [post.due for post in self._posts if post.due is not None]
        pause = None if not due else max(min(due) - time.monotonic(), 0) * 1000
        readable = {descriptor for descriptor, _ in poll.poll(pause)}
        if self._server in readable:
            return True
        if self._deputy is not None and self._deputy.reap() is not None:
            _log.warning("the deputy of the services' keeper ended (%s)", self._deputy.exit_status)
            self._start_deputy()
        return False

    def _look_after(self, post: _Post) -> str | None:
        """Do what is due at this post; why its process cannot serve, if that is what became known."""
        readiness, reason = (Readiness.WAITING, "") if post.pipe is None else post.pipe.poll()
        if readiness is not Readiness.WAITING and post.pipe is not None:
            post.pipe.close()
            post.pipe = None
        if readiness is Readiness.READY:
            post.ready_since = time.monotonic()
        if post.child is not None and (status := post.child.reap(block=bool(reason))) is not None:
            self._ended(post, status)
            return reason or f"service process {post.slot}\0{status}"
        if post.due is not None and post.due <= time.monotonic():
            self._start(post)
        return None

    def _ended(self, post: _Post, status: ExitStatus) -> None:
        """Take note of a process that has ended, and plan the next."""
        assert post.child is not None
        if post.ready_since is None:
            post.failures += 1
            pause = pause_seconds(post.failures)
        else:
            post.failures = 0
            is_healthy = time.monotonic() - post.ready_since >= HEALTHY_SECONDS
            pause = 0.0 if is_healthy else SHORT_PAUSE_SECONDS
        _log.warning("service process %d (%d): %s, started again in %g s", post.slot, post.child.pid, status, pause)
        if post.pipe is not None:
            post.pipe.close()
        post.child = post.pipe = post.ready_since = None
        post.due = time.monotonic() + pause

    def _start(self, post: _Post) -> None:
        post.due = None
        pipe = ReadyPipe()

        def body(_inbox: SignalInbox) -> int:
            pipe.keep_child_end()
            return serve_slot(self._site, post.slot, latch=self._latch.watch(), gone=self._gone, ready=pipe)

        post.child = spawn(body, operations=DEAF, close=[*self._descriptors(), self._server])
        pipe.keep_parent_end()
        post.pipe = pipe

    def _start_deputy(self) -> None:
        def body(inbox: SignalInbox) -> int:
            return _stand_by(self._site, inbox, keeper=self._latch.watch(), server=self._server, gone=self._gone)

        self._deputy = spawn(body, operations=DEAF, close=self._descriptors())

    def _descriptors(self) -> list[int]:
        """What a child of the keeper has no use for."""
        assert self._inbox is not None
        watched = (self._deputy, *(post.child for post in self._posts), *(post.pipe for post in self._posts))
        others = [each.fileno() for each in watched if each is not None and each.fileno() >= 0]
        return [*self._inbox.descriptors, *others]

    def _end(self) -> None:
        """End all service processes, and leave nothing behind."""
        if self._deputy is not None:
            self._deputy.send(signal.SIGKILL)
            self._deputy.reap(block=True)
        self._latch.close()
        self._site.close()
        deadline = time.monotonic() + self._site.config.stop_timeout_seconds + _KILL_SECONDS
        for post in self._posts:
            if post.child is not None:
                _await_end(post.child, deadline)
        self._site.remove()


def _stand_by(site: Site, inbox: SignalInbox, *, keeper: int, server: int, gone: int) -> int:
    """Wait until the keeper has died, then be it."""
    _is_readable(keeper, None)
    _log.warning("the services' keeper died; its deputy takes its place")
    return Keeper(site, server=server, gone=gone).run(inbox)


def _await_end(child: Child, deadline: float) -> None:
    if child.fileno() >= 0 and not _is_readable(child.fileno(), max(deadline - time.monotonic(), 0)):
        _log.warning("a service process (%d) did not end, and is killed", child.pid)
        child.send(signal.SIGKILL)
    child.reap(block=True)


def _is_readable(descriptor: int, seconds: float | None) -> bool:
    """Whether it becomes readable in time; None waits without limit."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(None if seconds is None else seconds * 1000))


def keep(site: Site, inbox: SignalInbox, *, server: int, gone: int, starting: ReadyPipe) -> int:
    """The life of the first keeper, right after it was forked from the server; the exit status."""
    starting.keep_child_end()
    site.let_go_of_foreign_listeners()
    # What is there now will be shared by all processes of the pool, as long as no collector writes to it.
    gc.freeze()
    return Keeper(site, server=server, gone=gone).run(inbox, starting)
