"""A server process, from its fork to its exit status: it becomes who it should be, is set up, serves.

the daemon                    the server process
spawn ----------------------> run: privileges, setup(server), server.start(...)
ReadyPipe <------------------ ready, or why not
Leash     ------------------> the daemon has died: SIGKILL, as long as it does not serve
Latch     ------------------> readable when the daemon has died: a graceful stop follows
pidfd     <------------------ exit status
"""

import contextlib
import os
import signal
import traceback
from collections.abc import Callable

from riser import privilege
from riser.core.operation import DEFAULT_SIGNALS, Operation
from riser.firstword import FirstWord
from riser.leash import Leash
from riser.listener import Listener
from riser.logs import LOGGER
from riser.process import Child, ReadyPipe
from riser.server import SocketServer
from riser.signals import SignalInbox

Setup = Callable[[SocketServer], object]


class ServerProcess:
    """The daemon's side of a server process that is not reaped; `ready` is None once it has said its word or ended."""

    def __init__(self, child: Child, ready: ReadyPipe | None, *, leash: Leash, leads_group: bool) -> None:
        self.child = child
        self.ready = ready
        self.leash = leash
        self.leads_group = leads_group

    def send(self, operation: Operation) -> None:
        """Send the signal that RISER's servers know for the operation."""
        self.child.send(signal.Signals[f"SIG{DEFAULT_SIGNALS[operation]}"])

    def kill(self) -> None:
        """Kill it, and if it leads a process group, all that it has started."""
        if self.leads_group:
            # The number cannot be another's: the process is not reaped. It may not lead its group yet.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.child.pid, signal.SIGKILL)
        self.child.send(signal.SIGKILL)

    def close(self) -> None:
        """Close the descriptors that belong to it."""
        self.child.close()
        self.leash.close()
        if self.ready is not None:
            self.ready.close()
            self.ready = None


def run_server(
    setup: Setup,
    listener: Listener,
    *,
    identity: privilege.Identity | None,
    ready: ReadyPipe,
    leash: Leash,
    latch: int,
    inbox: SignalInbox,
) -> int:
    """In the server process: do all that it is there for; the exit status, 1 after a failure that was reported."""
    word = FirstWord(ready)
    try:
        if identity is not None:
            LOGGER.info("change privilege to %s", privilege.describe(identity))
            privilege.become(identity)
        server = SocketServer()
        setup(server)
        server.setup(listener.socket)

        def serves() -> None:
            leash.let_go()
            word.ready()

        server.start(listener.socket, ready=serves, latch=latch, inbox=inbox)
    except BaseException as error:  # whatever it is, the daemon has to know
        LOGGER.debug("server process failed", exc_info=error)
        if word.is_said:
            LOGGER.error("server process failed: %s", explain(error))
        word.failed(explain(error))
        if isinstance(error, SystemExit):
            raise
        return 1
    return 0


def explain(error: BaseException) -> str:
    """An exception in one line: what it says, its type, and the place in the caller's own code."""
    text = str(error)
    what = f"{text} ({type(error).__name__})" if text else type(error).__name__
    here = os.path.dirname(__file__)  # noqa: PTH120 - no daemon shall load pathlib for this
    # Not extract_tb, which reads the source, and cannot where there are no descriptors left.
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        if not frame.f_code.co_filename.startswith(here):
            return f"{what} at {frame.f_code.co_filename}:{line}"
    return what
