"""What a daemon does not lose, leak or leave behind, whenever it is interrupted."""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import resource
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from riser.daemon import running
from tests.conftest import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.riser.daemon.conftest import Run


def descriptors_of(pid: int) -> list[str]:
    return sorted(path.name for path in Path(f"/proc/{pid}/fd").iterdir())


def links_of(pid: int) -> list[str]:
    """Where the descriptors lead, all but those that are closed meanwhile."""
    links = []
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            links.append(str(path.readlink()))
    return links


def memory_of(pid: int) -> int:
    """Resident memory in KiB."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1])


def restart(run: Run) -> None:
    old = run.server
    run.send(signal.SIGHUP)
    run.serves()
    run.logged(f"server stop completed (pid: {old})")


def test_fifty_restarts_leak_nothing(run: Run) -> None:
    """restart.leak: the descriptors are the same, and the memory but for what one arena more takes."""
    run.start(server={"process_num": 0}, daemon={"status_file": str(run.status_file)})
    restart(run)
    before = descriptors_of(run.pid), memory_of(run.pid)
    for _ in range(50):
        restart(run)
    eventually(lambda: len(descriptors_of(run.pid)) <= len(before[0]), "no descriptor more")
    assert memory_of(run.pid) <= before[1] + 1024
    assert run.stop() == 0


def test_of_twenty_starts_at_once_one_runs_while_others_ask(runs: Callable[[], Run], tmp_path: Path) -> None:
    """status.race: nineteen are told that one runs already, and it serves."""
    status_file = str(tmp_path / "status")
    asked, stop = threading.Event(), threading.Event()

    def ask() -> None:
        while not stop.is_set():
            running(status_file)
            asked.set()

    asker = threading.Thread(target=ask)
    asker.start()
    try:
        starts = [runs() for _ in range(20)]
        asked.wait(30)
        for start in starts:
            start.launch(daemon={"status_file": status_file})
        poll = select.poll()
        waiting = {os.pidfd_open(start.pid): start for start in starts}
        for descriptor in waiting:
            poll.register(descriptor, select.POLLIN)
        while len(waiting) > 1:
            ended = poll.poll(300_000)  # Twenty interpreters start at once, on whatever there is.
            assert ended, f"{len(waiting)} still run"
            for descriptor, _ in ended:
                refused = waiting.pop(descriptor)
                poll.unregister(descriptor)
                os.close(descriptor)
                assert refused.exit() == 1
                assert "already running" in refused.log()
    finally:
        stop.set()
        asker.join()
    ((descriptor, winner),) = waiting.items()
    os.close(descriptor)
    winner.serves()
    assert Path(status_file).read_text().rstrip("\n") == f"---\npid: {winner.pid}"
    assert winner.stop() == 0


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("processes", [0, 2])
def test_stop_at_any_instant_is_clean(run: Run, socket_path: Path, seed: int, processes: int) -> None:
    chance = random.Random(seed)
    run.launch(
        daemon={"listen_address": f"unix:{socket_path}", "status_file": str(run.status_file)},
        server={"process_num": processes},
    )
    run.logged("daemon start.")
    select.select([], [], [], chance.random() * 0.1)  # Not to wait for anything: the instant is what is tried.
    assert run.stop(chance.choice([signal.SIGTERM, signal.SIGINT])) == 0
    run.until(lambda: not run.alive(), "all processes are gone")
    assert not socket_path.exists()
    assert not running(str(run.status_file))


@pytest.mark.parametrize("seed", range(4))
def test_daemon_killed_at_any_instant_leaves_no_process(run: Run, seed: int) -> None:
    run.launch(daemon={"status_file": str(run.status_file)}, server={"process_num": 2})
    run.logged("daemon start.")
    select.select([], [], [], random.Random(seed).random() * 0.1)  # As above.
    run.send(signal.SIGKILL)
    run.exit()
    run.until(lambda: not run.alive(), "all processes are gone")
    # Not at once: a process in the middle of its exit shows no command line any more, and holds the lock still.
    run.until(lambda: not running(str(run.status_file)), "the lock of the status file is free")


def test_restart_without_descriptors_keeps_the_server(run: Run) -> None:
    run.start(server={"process_num": 0})
    limits = resource.prlimit(run.pid, resource.RLIMIT_NOFILE)
    # The lowest number that is not in use: not one more can be opened.
    used = {int(name) for name in descriptors_of(run.pid)}
    lowest = next(number for number in range(1024) if number not in used)
    given_up: list[int] = []
    for spare in range(lowest, lowest + 4):
        resource.prlimit(run.pid, resource.RLIMIT_NOFILE, (spare, limits[1]))
        given_up.append(spare)
        run.send(signal.SIGHUP)
        run.until(lambda: run.log().count("server continue") == len(given_up), "the restart is given up")
        assert run.ask("pid") == str(run.server)
    resource.prlimit(run.pid, resource.RLIMIT_NOFILE, limits)
    restart(run)
    assert run.stop() == 0


@pytest.mark.parametrize("daemonize", [False, True])
def test_closed_standard_streams_do_no_harm(run: Run, *, daemonize: bool) -> None:
    run.configure(daemon={"daemonize": daemonize, "status_file": str(run.status_file)})
    command = f'exec "{sys.executable}" -m riser.testee "{run.directory}/config.json" <&- >&- 2>&-'
    launcher = subprocess.Popen(["sh", "-c", command])
    try:
        run.event("preprocess")
        pid = int(run.status_file.read_text().split("pid: ")[1])
        links = {str(Path(f"/proc/{pid}/fd/{stream}").readlink()) for stream in (0, 1, 2)}
        assert links == {"/dev/null"}
        assert run.ask("ppid") == str(pid)
        assert running(str(run.status_file))
        os.kill(pid, signal.SIGTERM)
        assert launcher.wait(30) == 0  # Also of the command that launches: an answer proves that the daemon serves.
        run.until(lambda: not run.alive(), "all processes are gone")
    finally:
        launcher.kill()
        launcher.wait(30)


def test_terminal_stops_it_and_its_size_is_no_request(run: Run) -> None:
    run.configure()
    master, slave = os.openpty()
    attributes = termios.tcgetattr(slave)
    attributes[3] |= termios.NOFLSH  # Or the interrupt throws away what is written at that moment.
    termios.tcsetattr(slave, termios.TCSANOW, attributes)
    command = ["setsid", "--ctty", "--wait", sys.executable, "-m", "riser.testee", str(run.directory / "config.json")]
    terminal = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    try:
        run.event("preprocess")
        daemon = int(run.ask("ppid"))
        os.kill(daemon, signal.SIGUSR1)
        run.event("at_stat")
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 100, 0, 0))
        os.write(master, b"\x03")
        assert terminal.wait(30) == 0
        output = b""
        with contextlib.suppress(OSError):  # What a terminal reads at its end.
            while piece := os.read(master, 65536):
                output += piece
        assert b"stat get" in output
        assert b"stat stop" not in output
        assert b"daemon stop." in output
    finally:
        terminal.kill()
        terminal.wait(30)
        os.close(master)


def test_idle_daemon_and_server_sleep(run: Run) -> None:
    run.start(server={"process_num": 0})
    assert run.ask("echo one") == "one"

    def switches() -> list[str]:
        return [
            line
            for pid in (run.pid, run.server)
            for thread in Path(f"/proc/{pid}/task").iterdir()
            for line in (thread / "status").read_text().splitlines()
            if line.startswith("voluntary_ctxt_switches")
        ]

    def quiet_for_a_second() -> bool:
        before = switches()
        select.select([], [], [], 1.0)  # The time itself is what is measured.
        return switches() == before

    run.until(quiet_for_a_second, "a second without a wake-up")
    assert run.stop() == 0


def test_daemon_has_one_thread(run: Run) -> None:
    run.start()
    assert [path.name for path in Path(f"/proc/{run.pid}/task").iterdir()] == [str(run.pid)]
    assert run.stop() == 0


def test_server_keeps_nothing_of_the_daemon(run: Run) -> None:
    run.start(daemon={"status_file": str(run.status_file)})
    restart(run)
    links = links_of(run.server)
    assert str(run.status_file) not in links
    assert len([link for link in links if link.startswith("socket:")]) == 1, links
    assert run.stop() == 0
