"""Kills of any process of a pool, its keeper, its deputy, its clients and its server, under load, one after another.

    python -m tests.riser.services.storm [KILLS [POOL]] [tcp]                        200 4

With `tcp` the service processes are placed by an engine, and called over TCP inside of TLS; then its connector may be
killed, too.

After every kill the pool has to serve again; how long that took is measured by a client that does nothing else. The
exit status is 0 if it always did, nothing hung, nothing is held by the dead, and no process is left at the end.
"""

import os
import random
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from riser.services.engines.engine import Engine
from riser.services.errors import ServiceError
from riser.services.limits import time_limit
from riser.services.services import Services

from .stress import KINDS, arguments, make_services, one_call

PATIENCE_SECONDS = 60.0
ROUNDS_PER_SERVER = 40


class Group:
    """One server with a pool, and some clients that call without end; the server is a process of its own."""

    def __init__(self, pool: int, clients: int, engine: Engine | None) -> None:
        self.pool = pool
        self.services = make_services(pool, engine=engine)
        backend: Any = self.services._backend
        self.inner: Services | None = backend._inner if engine else None
        """Those of the connector."""
        self.services.start_server()
        self.services.start_client()
        self.clients = [self.start_client() for _ in range(clients)]

    def start_client(self) -> int:
        pid = os.fork()
        if pid == 0:
            try:
                self._call_for_ever()
            except BaseException:  # noqa: BLE001 - whatever it is, it is told, and seen by the exit status
                traceback.print_exc()
            finally:
                os._exit(1)
        return pid

    def _call_for_ever(self) -> None:
        self.services.detach_server()
        kept: list[Any] = []
        number = 0
        while True:
            number += 1
            try:
                with time_limit(PATIENCE_SECONDS):
                    one_call(self.services, (os.getpid(), 0, number))
                    kept = [*kept[-5:], self.services.get_service("any").make((os.getpid(), 0, number))]
            except ServiceError as error:
                if isinstance(error, TimeoutError):
                    os.write(2, f"a client hung for {PATIENCE_SECONDS} s: {error}\n".encode())
                    os._exit(3)

    def members(self) -> dict[str, list[int]]:
        """The processes of the pool by what they are, as the kernel has them now."""
        services = [pid for slot in range(self.pool) if (pid := self._pid(slot))]
        connector = [pid] if self.inner is not None and (pid := _pid_of(self.inner.get_service("connector"))) else []
        keepers = [pid for pid in self.kept() if pid not in services + connector]
        return {"service": services, "connector": connector, "keeper or deputy": keepers, "client": self.clients}

    def kept(self) -> list[int]:
        """All processes that were forked from the server for the pool, as the kernel has them now."""
        return _with_gone_pipe(self.services if self.inner is None else self.inner)

    def _pid(self, slot: int) -> int:
        try:
            pid: int = self.slots[slot].call(1, "pid", (), {})
        except ServiceError:
            return 0
        return pid

    @property
    def slots(self) -> Any:
        return self.services._backend._need_client().slots  # type: ignore[attr-defined]

    def heal_seconds(self, began: float) -> float:
        """How long it takes until every slot answers; then also until the keeper has a deputy again.

        A keeper that is killed together with its only deputy, in the moment before there is another, ends the pool.
        """
        for slot in self.slots:
            while True:
                try:
                    with time_limit(PATIENCE_SECONDS):
                        slot.call(0, "held_count", (), {})
                        break
                except ServiceError:
                    if time.monotonic() - began > PATIENCE_SECONDS:
                        raise
        healed = time.monotonic() - began
        while not self._is_whole():
            if time.monotonic() - began > PATIENCE_SECONDS:
                raise TimeoutError("no other deputy")
        return healed

    def _is_whole(self) -> bool:
        members = self.members()
        # Who does not answer yet is not known to be no keeper.
        answer = len(members["service"]) == self.pool and (self.inner is None or members["connector"])
        return bool(answer) and len(members["keeper or deputy"]) >= 2


def _pid_of(front: Any) -> int:
    try:
        return int(front.pid())
    except ServiceError:
        return 0


def _with_gone_pipe(services: Services) -> list[int]:
    """The processes that hold the pipe whose end says that the pool is gone."""
    mine = Path(f"/proc/self/fd/{services._backend._running._gone}").readlink()  # type: ignore[attr-defined]
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            try:
                if any(entry.readlink() == mine for entry in (process / "fd").iterdir()):
                    found.append(int(process.name))
            except OSError:
                continue
    return found


def kill(pid: int) -> None:
    """Kill a process and wait until it is dead."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    select.select([descriptor], [], [], PATIENCE_SECONDS)
    os.close(descriptor)


def server_rounds(group: Group, rounds: int, *, seed: int, report: Callable[[str, float], None]) -> int:
    """Kill at random whoever belongs to a server; the number of complaints."""
    dice = random.Random(seed)
    complaints = 0
    for _ in range(rounds):
        members = group.members()
        kind = dice.choice([kind for kind, pids in members.items() if pids])
        victim = dice.choice(members[kind])
        kill(victim)
        if kind == "client":
            group.clients.remove(victim)
            status = os.waitstatus_to_exitcode(os.waitpid(victim, 0)[1])
            complaints += status != -signal.SIGKILL
            group.clients.append(group.start_client())
        report(kind, group.heal_seconds(time.monotonic()))
    for pid in group.clients:
        kill(pid)
        complaints += os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != -signal.SIGKILL
    deadline = time.monotonic() + PATIENCE_SECONDS
    while any(slot.call(0, "held_count", (), {}) for slot in group.slots):
        if time.monotonic() > deadline:
            sys.stderr.write("objects are held by nobody who lives\n")
            complaints += 1
            break
    return complaints


def run(*, kills: int, pool: int, seed: int = 1, engine: Engine | None = None) -> tuple[int, dict[str, list[float]]]:
    """All rounds, each server killed after its own; the number of complaints, and seconds to heal by who was killed."""
    seconds: dict[str, list[float]] = {}
    complaints = 0
    for first in range(0, kills, ROUNDS_PER_SERVER):
        rounds = min(ROUNDS_PER_SERVER, kills - first)
        pids = ""
        read, write = os.pipe()
        server = os.fork()
        if server == 0:
            _serve(rounds, pool=pool, seed=seed + first, write=write, engine=engine)
        os.close(write)
        with os.fdopen(read) as lines:
            for line in lines:
                match line.split("\t"):
                    case ["healed", kind, text]:
                        seconds.setdefault(kind, []).append(float(text))
                    case ["complaints", count, pids]:
                        complaints += int(count)
                        break
                    case _:
                        complaints += 1
        kill(server)
        os.waitpid(server, 0)
        began = time.monotonic()
        left = [int(pid) for pid in pids.split()]
        while any(_is_alive(pid) for pid in left):
            if time.monotonic() - began > PATIENCE_SECONDS:
                sys.stderr.write(f"orphans: {[pid for pid in left if _is_alive(pid)]}\n")
                complaints += 1
                break
        seconds.setdefault("server (to the end of its pool)", []).append(time.monotonic() - began)
    return complaints, seconds


def _serve(rounds: int, *, pool: int, seed: int, write: int, engine: Engine | None) -> None:
    def report(kind: str, healed: float) -> None:
        os.write(write, f"healed\t{kind}\t{healed}\n".encode())

    try:
        group = Group(pool, clients=3, engine=engine)
        complaints = server_rounds(group, rounds, seed=seed, report=report)
        pids = " ".join(map(str, {*group.kept(), *group.members()["service"]}))
        os.write(write, f"complaints\t{complaints}\t{pids}\n".encode())
        time.sleep(PATIENCE_SECONDS * 10)
    finally:
        os._exit(1)


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def main() -> int:
    given, engine = arguments()
    kills, pool = (*given, *(200, 4)[len(given) :])
    began = time.monotonic()
    complaints, seconds = run(kills=kills, pool=pool, engine=engine)
    for kind, each in seconds.items():
        middle, most = sorted(each)[len(each) // 2] * 1000, max(each) * 1000
        sys.stdout.write(f"{kind}: {len(each)} killed; until all served again {middle:.0f} ms, at most {most:.0f} ms\n")
    sys.stdout.write(
        f"{len(KINDS)} kinds of calls as load, {time.monotonic() - began:.1f} s, {complaints} complaints\n"
    )
    return bool(complaints)


if __name__ == "__main__":
    sys.exit(main())
