"""The life of one service process, from the fork to its exit status."""

import fcntl
import logging
import os
import signal

from riser.errors import CallbackError
from riser.process import EXIT_FAILURE, ReadyPipe
from riser.services.exports import Place
from riser.services.forks import OnlyHere
from riser.services.handshake import new_name
from riser.services.host import Host
from riser.services.site import Site

_log = logging.getLogger("riser")


def serve_slot(site: Site, slot: int, *, latch: int, gone: int, ready: ReadyPipe) -> int:
    """Make the fronts, serve them until the latch opens, and leave them again; the exit status.

    `ready` is told when they are served, or what kept them from it.
    """
    for index, listener in enumerate(site.listeners):
        if index != slot:
            listener.close()
    lock = os.open(site.lock_path(slot), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    only_here = OnlyHere(latch, gone, lock)
    # Whoever was here before may still be at its postprocess.
    fcntl.flock(lock, fcntl.LOCK_EX)
    # Nobody is left to end a process whose keeper has died, so it limits itself: first its start, then its stop.
    die_after(site.config.start_timeout_seconds)
    # A service may call others, and be referred to their objects.
    site.make_client()
    try:
        fronts = site.registry.make_fronts()
        site.registry.apply_at_fork(fronts)
        with site.registry.serving(fronts):
            place = Place(site.pool, slot, new_name())
            host = Host(fronts, place=place, secret=site.secret, config=site.config)
            ready.tell_ready()
            die_after(0)
            host.serve(site.listeners[slot], latch)
            die_after(site.config.stop_timeout_seconds)
            host.see_out()
    except Exception as error:  # noqa: BLE001 - whatever it is, the server has to know why this process ends
        match error:
            case CallbackError(callback=callback, reason=reason):
                ready.tell_failure(f"{callback}\0{reason}")
            case _:
                ready.tell_failure(f"service process {slot}\0{error}")
        _log.exception("service process %d cannot serve", slot)
        return EXIT_FAILURE
    del only_here
    return 0


def die_after(seconds: float) -> None:
    """Let the kernel end this process after this time, unless it is called again before; 0 sets no time."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)
