"""A daemon as a whole: started, stopped, restarted, crashed, in the foreground and in the background."""

from __future__ import annotations

import os
import pwd
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from riser.daemon import running, start_daemon

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.riser.daemon.conftest import Run


# Start


def test_foreground_logs_its_life_with_the_name(run: Run) -> None:
    run.start(daemon={"daemon_name": "steady"})
    assert run.ask("ppid") == str(run.pid)
    assert run.stop() == 0
    log = run.log()
    words = [
        "daemon start.",
        f"open server socket: {run.address}",
        f"server process start (pid: {run.server})",
        f"server process ready (pid: {run.server})",
        f"close server socket: {run.address}",
        f"server graceful stop (pid: {run.server})",
        f"server stop completed (pid: {run.server})",
        "daemon stop.",
    ]
    places = [log.index(f"steady: {word}") for word in words]
    assert places == sorted(places)


def test_background_returns_when_it_serves(run: Run) -> None:
    run.configuration["daemon"]["status_file"] = str(run.status_file)
    run.launch(daemon={"daemonize": True})
    assert run.exit() == 0
    run.serves()
    assert run.output.read_bytes() == b""
    pid = int(run.status_file.read_text().split("pid: ")[1])
    assert running(str(run.status_file))
    assert run.ask("ppid") == str(pid)
    status = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    _, parent, _group, session, terminal = status[:5]
    assert parent != str(run.pid)
    assert (int(session) != os.getsid(0), int(session) != pid, terminal) == (True, True, "0")
    assert {Path(f"/proc/{pid}/fd/{stream}").readlink() for stream in (0, 1, 2)} == {Path("/dev/null")}
    os.kill(pid, signal.SIGTERM)
    run.until(lambda: not running(str(run.status_file)), "the daemon ends")


def test_background_tells_why_it_cannot_serve(run: Run) -> None:
    run.launch(daemon={"daemonize": True, "daemon_name": "steady"}, raise_in=["preprocess"])
    assert run.exit() == 1
    assert "steady: preprocess raises as asked" in run.log()


def test_background_can_move_to_the_root(run: Run) -> None:
    run.configuration["daemon"]["status_file"] = str(run.status_file)
    run.launch(daemon={"daemonize": True, "daemon_nochdir": False})
    assert run.exit() == 0
    run.serves()
    assert run.ask("cwd") == "/"
    os.kill(int(run.status_file.read_text().split("pid: ")[1]), signal.SIGTERM)
    run.until(lambda: not running(str(run.status_file)), "the daemon ends")


def test_status_file_keeps_a_second_daemon_out(runs: Callable[[], Run]) -> None:
    first, second = runs(), runs()
    first.start(daemon={"status_file": str(first.status_file)})
    second.launch(daemon={"status_file": str(first.status_file), "daemon_name": "steady"})
    assert second.exit() == 1
    assert "steady daemon is already running" in second.log()
    assert first.status_file.read_text().rstrip("\n") == f"---\npid: {first.pid}"
    assert first.stop() == 0
    assert not running(str(first.status_file))


def test_umask_is_the_daemons(run: Run) -> None:
    run.start(daemon={"daemon_umask": 0o077, "status_file": str(run.status_file)})
    assert run.ask("umask") == "0077"
    assert run.status_file.stat().st_mode & 0o777 == 0o600
    assert run.stop() == 0


@pytest.mark.parametrize(
    ("daemon", "named"),
    [
        ({"listen_address": "http://127.0.0.1:80/"}, "failed to parse server address: .*http://127.0.0.1:80/"),
        ({"listen_address": "192.0.2.1:1"}, "failed to open server socket: .*192.0.2.1:1"),
        ({"server_privileged_user": "no-such-user"}, "server_privileged_user.*no-such-user"),
        ({"server_privileged_group": "no-such-group"}, "server_privileged_group.*no-such-group"),
        ({"status_file": "/nowhere/at/all"}, "status_file /nowhere/at/all: No such file"),
        ({"status_file": "/dev/full"}, "status_file /dev/full: No space left"),
        ({"daemon_umask": "022"}, "daemon_umask: .*'022'"),
        ({"deamonize": True}, r"deamonize: expected a parameter of start_daemon \(perhaps daemonize\), got True"),
        ({"signal_stop_graceful": "KILL"}, "signal_stop_graceful: .*'KILL'"),
    ],
)
@pytest.mark.parametrize("daemonize", [False, True])
def test_what_cannot_be_used_is_named(run: Run, daemon: dict[str, object], named: str, *, daemonize: bool) -> None:
    run.launch(daemon={"daemonize": daemonize, **daemon})
    assert run.exit() == 1
    assert re.search(named, run.log())
    assert "Traceback" not in run.log()
    assert run.events() == []


def test_unknown_parameter_is_told_in_a_sentence_under_the_daemons_name(capfd: pytest.CaptureFixture[str]) -> None:
    status = start_daemon(lambda _server: None, listen_address="127.0.0.1:0", daemon_name="steady", colour="red")
    assert status == 1
    assert capfd.readouterr().err == "steady: colour: expected a parameter of start_daemon, got 'red'\n"


def test_misspelt_attribute_is_named_with_its_place(run: Run) -> None:
    run.launch(server={"thread_nun": 8})
    assert run.exit() == 1
    what = r"thread_nun: expected an attribute of the server \(perhaps thread_num\), got 8"
    assert re.search(rf"failed to start server.*: {what} \(ConfigError\)", run.log())
    assert run.events() == []


@pytest.mark.parametrize("callback", ["before_start", "preprocess"])
@pytest.mark.parametrize("processes", [0, 2])
def test_server_that_cannot_start_ends_the_daemon(run: Run, callback: str, processes: int) -> None:
    run.launch(server={"process_num": processes}, raise_in=[callback])
    assert run.exit() == 1
    assert f"{callback} raises as asked" in run.log()
    assert "failed to start daemon" in run.log()


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("raise RuntimeError('no table')", r"no table \(RuntimeError\) at .*mine\.py:7"),
        ("raise KeyboardInterrupt", r"KeyboardInterrupt at .*mine\.py:7"),
        ("sys.exit('no table')", r"no table \(SystemExit\) at .*mine\.py:7"),
        ("sys.exit(0)", r"0 \(SystemExit\) at .*mine\.py:7"),
        ("os._exit(0)", "exit status 0"),
        ("server.thread_nun = 8", r"thread_nun: .*\(perhaps thread_num\).* at .*mine\.py:7"),
        ("pass", "dispatch: expected a callback for connections"),
    ],
)
@pytest.mark.parametrize("daemonize", [False, True])
def test_setup_that_fails_is_told_with_its_place(tmp_path: Path, statement: str, said: str, *, daemonize: bool) -> None:
    program = tmp_path / "mine.py"
    program.write_text(f"""\
import os
import sys

import riser

def setup(server):
    {statement}

sys.exit(riser.start_daemon(setup, listen_address="127.0.0.1:0", daemonize={daemonize}))
""")
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", str(program)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert re.search(said, done.stderr if daemonize else done.stdout)


def test_server_that_exits_at_start_ends_the_daemon(run: Run) -> None:
    run.launch(exit_in=["preprocess"])
    assert run.exit() == 1
    assert "exit status 3" in run.log()


def test_server_that_hangs_at_start_is_ended_by_the_limit(run: Run) -> None:
    run.launch(daemon={"server_start_timeout_seconds": 0.2}, hang_in=["before_start"])
    assert run.exit() == 1
    assert "not ready within 0.2 seconds" in run.log()


@pytest.mark.parametrize("callback", ["before_start", "preprocess"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stop_ends_a_start_that_hangs(run: Run, callback: str, number: signal.Signals) -> None:
    run.launch(hang_in=[callback])
    run.event(callback)
    assert run.stop(number) == 0


# Stop


@pytest.mark.parametrize("processes", [0, 2])
def test_graceful_stop_serves_to_the_end_and_refuses_new_clients(run: Run, processes: int) -> None:
    run.start(server={"process_num": processes})
    with run.client() as client:
        assert client.ask("echo one") == "one"
        run.send(signal.SIGTERM)
        run.event("at_stop")
        run.logged("server graceful stop")
        with pytest.raises(ConnectionRefusedError):
            run.ask("echo late")
        assert client.ask("echo two") == "two"
    assert run.exit() == 0


@pytest.mark.parametrize("processes", [0, 2])
def test_forced_stop_after_a_graceful_one(run: Run, processes: int) -> None:
    run.start(server={"process_num": processes})
    with run.client() as client:
        assert client.ask("echo one") == "one"
        run.send(signal.SIGTERM)
        assert run.event("at_stop")["state"] == "graceful"
        run.send(signal.SIGINT)
        assert client.at_end()
    assert run.exit() == 0


def test_stop_limit_forces(run: Run) -> None:
    run.start(daemon={"server_stop_timeout_seconds": 0.2})
    with run.client() as client:
        assert client.ask("echo one") == "one"
        run.send(signal.SIGTERM)
        assert client.at_end()
    assert run.exit() == 0


def test_server_that_hears_nothing_is_killed(run: Run) -> None:
    run.start()
    os.kill(run.server, signal.SIGSTOP)
    run.send(signal.SIGINT)
    assert run.exit() == 0
    assert "server does not stop: kill it" in run.log()


def test_other_signals_can_be_chosen_and_none_disables(run: Run) -> None:
    run.start(
        daemon={"signal_stop_graceful": "USR2", "signal_stat_get_no_reset": None, "signal_restart_graceful": None}
    )
    run.send(signal.SIGHUP)
    assert run.ask("ppid") == str(run.pid)
    assert run.stop(signal.SIGUSR2) == 0


@pytest.mark.parametrize("order", [(signal.SIGTERM, signal.SIGINT), (signal.SIGINT, signal.SIGTERM)])
def test_of_two_stops_at_once_the_harder_counts(run: Run, order: tuple[signal.Signals, signal.Signals]) -> None:
    run.start()
    os.kill(run.pid, signal.SIGSTOP)
    for number in order:
        run.send(number)
    os.kill(run.pid, signal.SIGCONT)
    assert run.exit() == 0
    assert run.events().count("at_stop") == 1
    assert "server graceful stop" not in run.log()


# Restart


@pytest.mark.parametrize("processes", [0, 2])
def test_restart_serves_old_clients_by_the_old_server(run: Run, processes: int) -> None:
    run.start(server={"process_num": processes})
    old_address, old_server = run.address, run.server
    with run.client() as old:
        served_by = old.ask("pid")
        run.send(signal.SIGHUP)
        run.serves()
        assert (run.address, run.server != old_server) == (old_address, True)
        for _ in range(max(1, processes)):
            run.event("at_stop")
        assert run.ask("pid") != served_by
        assert old.ask("pid") == served_by
    run.logged(f"server stop completed (pid: {old_server})")
    assert run.stop() == 0


def test_forced_restart_ends_old_clients(run: Run) -> None:
    run.start()
    with run.client() as old:
        old.ask("pid")
        run.send(signal.SIGQUIT)
        assert old.at_end()
    assert run.stop() == 0


def test_restart_moves_to_another_address(run: Run, socket_path: Path) -> None:
    run.start(daemon={"listen_address": f"unix:{socket_path}"})
    with run.client() as old:
        old.ask("pid")
        other = socket_path.with_name("other")
        run.configure(daemon={"listen_address": f"unix:{other}"})
        run.send(signal.SIGHUP)
        assert run.serves()["address"] == f"unix:{other}"
        run.event("at_stop")
        assert not socket_path.exists()
        assert run.ask("echo new") == "new"
        assert old.ask("echo old") == "old"
    assert run.stop() == 0
    assert not other.exists()


@pytest.mark.parametrize("address", ["ftp://nowhere", "192.0.2.1:1", 5])
def test_bad_new_address_restarts_at_the_old_one(run: Run, address: object) -> None:
    run.start()
    before = run.address
    run.configure(daemon={"listen_address": address})
    run.send(signal.SIGHUP)
    assert run.serves()["address"] == before
    run.logged(f"server socket continue: {before}")
    assert run.stop() == 0


def test_failed_restart_keeps_server_and_address(run: Run, socket_path: Path) -> None:
    run.start()
    before = run.address, run.server
    run.configure(daemon={"listen_address": f"unix:{socket_path}"}, raise_in=["preprocess"])
    run.send(signal.SIGHUP)
    run.logged(f"server continue (pid: {before[1]})")
    run.until(lambda: not socket_path.exists(), "the candidate is gone")
    with run.client(before[0]) as client:
        assert client.ask("pid") == str(before[1])
    assert run.stop() == 0


def test_burst_of_restarts_makes_at_most_two(run: Run) -> None:
    run.start()
    for _ in range(10):
        run.send(signal.SIGHUP)
    run.serves()
    run.logged("server stop completed")
    assert run.stop() == 0
    assert 2 <= run.events().count("before_start") <= 3


def test_overlap_serves_from_both_and_a_stop_acts_at_once(run: Run) -> None:
    run.start(daemon={"server_restart_overlap_seconds": 300})
    run.send(signal.SIGHUP)
    run.serves()
    run.logged("server restart overlap (interval seconds: 300)")
    assert "at_stop" not in run.events()
    assert run.stop() == 0
    assert run.events().count("at_stop") == 2


def test_stop_awaits_every_generation(run: Run) -> None:
    run.start()
    with run.client() as old:
        old.ask("pid")
        run.send(signal.SIGHUP)
        run.serves()
        run.event("at_stop")
        run.send(signal.SIGTERM)
        run.event("after_stop")
        assert old.ask("echo still here") == "still here"
    assert run.exit() == 0


# Crashes


@pytest.mark.parametrize("processes", [0, 2])
def test_killed_server_is_replaced(run: Run, processes: int) -> None:
    run.start(server={"process_num": processes})
    address = run.address
    os.kill(run.server, signal.SIGKILL)
    assert run.ask("echo anew") == "anew"
    run.serves()
    assert run.address == address
    assert run.stop() == 0


def test_crash_loop_pauses_and_recovers(run: Run) -> None:
    run.start()
    run.configure(exit_in=["before_start"])
    os.kill(run.server, signal.SIGKILL)
    for _ in range(3):
        run.event("before_start")
    run.configure(exit_in=[])
    run.event("preprocess")
    assert run.ask("ppid") == str(run.pid)
    assert "server start in 0.1 seconds" in run.log()
    assert run.stop() == 0


def test_stop_during_a_pause_acts_at_once(run: Run) -> None:
    run.start()
    run.configure(exit_in=["before_start"])
    os.kill(run.server, signal.SIGKILL)
    run.logged("server start in 0.8 seconds")
    assert run.stop() == 0
    assert "no server to stop." in run.log()


@pytest.mark.parametrize("processes", [0, 2])
def test_killed_daemon_leaves_nothing_and_frees_lock_and_address(
    runs: Callable[[], Run], socket_path: Path, processes: int
) -> None:
    run, next_run = runs(), runs()
    parameters = {"status_file": str(run.status_file), "listen_address": f"unix:{socket_path}"}
    run.start(daemon=parameters, server={"process_num": processes})
    with run.client() as client:
        client.ask("pid")
        run.send(signal.SIGKILL)
        run.exit()
        assert not running(str(run.status_file))
        assert client.ask("echo to the end") == "to the end"
    run.event("after_stop")
    next_run.start(daemon=parameters)
    assert next_run.ask("echo anew") == "anew"
    assert next_run.stop() == 0


# Statistics


@pytest.mark.parametrize("processes", [0, 2])
def test_statistics_reach_the_server(run: Run, processes: int) -> None:
    run.start(server={"process_num": processes})
    run.send(signal.SIGUSR1)
    assert "queue_name" in run.event("at_stat")["stat"]
    assert run.stop() == 0


# Privileges


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_server_runs_as_another_user_and_the_daemon_does_not(open_run: Run) -> None:
    open_run.start(daemon={"server_privileged_user": "nobody"})
    nobody = pwd.getpwnam("nobody")
    user, group = [str(nobody.pw_uid)] * 3, [str(nobody.pw_gid)] * 3
    assert open_run.ask("ids") == f"{','.join(user)} {','.join(group)} {nobody.pw_gid}"
    assert Path(f"/proc/{open_run.pid}").stat().st_uid == 0
    assert open_run.stop() == 0


# Addresses


def test_stale_socket_is_replaced_and_a_live_one_is_not(runs: Callable[[], Run], socket_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(socket_path))
    first, second = runs(), runs()
    first.start(daemon={"listen_address": f"unix:{socket_path}"})
    second.launch(daemon={"listen_address": f"unix:{socket_path}"})
    assert second.exit() == 1
    assert first.ask("ppid") == str(first.pid)
    assert first.stop() == 0
    assert not socket_path.exists()
