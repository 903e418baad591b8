"""What an item leaves behind once everything in it has been stopped: processes, socket files, held locks.

A process gets a short time to follow the one that has just ended; it is waited for, not slept for. What is still there
then is a leak, and is killed.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from harness.engine.actors.daemon import DaemonActor
from harness.engine.actors.process import ProcessActor
from harness.engine.endpoints import UnixEndpoint, parse_endpoint
from harness.engine.orphans import describe_process
from harness.engine.verbs.files import is_locked
from harness.engine.verdicts import StepErroredError, StepFailedError
from harness.engine.waits import Limit, until

if TYPE_CHECKING:
    from harness.engine.orphans import Orphans
    from harness.engine.workspace import Workspace
    from harness.engine.world import World

_GRACE = 2.0
"""Seconds for processes to end after the daemon that they belong to, twice what the clauses give the children of a
killed server; the time scale stretches them."""
_KILL_LIMIT = Limit(10.0)
_LOOK_AGAIN = 0.02
"""Seconds between two looks, for processes that nobody has seen and that no pidfd tells of."""


async def find_leaks(world: World, orphans: Orphans, workspace: Workspace) -> list[str]:
    """What is left, each in a few words for a failure: `process 4711 (python x.py)`. No process is left after it."""
    leaks = await _leaked_processes(world, orphans)
    leaks += [f"socket file {path}" for path in workspace.sockets() if not _is_excused(path, world)]
    return leaks


async def kill_all(world: World, orphans: Orphans) -> None:
    """Kill whatever the item has left, and what that leaves in its turn, until nothing is left."""

    def is_empty() -> bool | None:
        return None if orphans.kill_of(world.census) else True

    try:
        await until(
            world.timeline.pulse, is_empty, limit=_KILL_LIMIT, waited_for="end of killed processes", every=_LOOK_AGAIN
        )
    except StepFailedError:
        left = ", ".join(describe_process(pid) for pid in orphans.living_of(world.census))
        raise StepErroredError(f"processes cannot be killed: {left}") from None


async def _leaked_processes(world: World, orphans: Orphans) -> list[str]:
    def nothing_left() -> bool | None:
        left = orphans.living_of(world.census)
        for pid in left:
            world.census.see(pid)
        return True if not left else None

    try:
        await until(
            world.timeline.pulse,
            nothing_left,
            limit=Limit(_GRACE, world.settings.time_scale),
            waited_for="end of all processes",
            every=_LOOK_AGAIN,
        )
    except StepFailedError:
        held = "".join(f"; the lock of {path} is held" for path in _locked_status_files(world))
        leaks = [f"process {describe_process(pid)}{held}" for pid in orphans.living_of(world.census)]
        await kill_all(world, orphans)
        return leaks
    return []


def _locked_status_files(world: World) -> list[Path]:
    paths = [
        Path(actor.directory, actor.status_file)
        for actor in world.actors.values()
        if isinstance(actor, DaemonActor) and actor.status_file is not None
    ]
    return [path for path in paths if path.exists() and is_locked(path)]


def _is_excused(path: Path, world: World) -> bool:
    """Whether its owner could not remove it: a killed daemon, or a foreign program that did not end with status 0."""
    for actor in world.actors.values():
        match actor:
            case DaemonActor() if path in _socket_paths(actor):
                return True
            case ProcessActor() if actor.ending is not None and actor.ending.status != 0:
                return True
            case _:
                pass
    return False


def _socket_paths(daemon: DaemonActor) -> set[Path]:
    """Where a daemon that was killed has left its sockets."""
    paths = set()
    for address in daemon.abandoned:
        # What the scenario gave may be no address at all.
        with suppress(ValueError):
            endpoint = parse_endpoint(address)
            if isinstance(endpoint, UnixEndpoint):
                paths.add(Path(daemon.directory, endpoint.path))
    return paths
