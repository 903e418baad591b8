"""Servers in processes of their own, with threads and with children: what clients and operators see of them."""

import contextlib
import os
import resource
import signal
import socket
import struct
import time
from pathlib import Path
from typing import Any

import pytest

from .conftest import Client, ProbeServer, ServeProbe, alive, eventually, thread_states, waiting_at

PROCESSES = pytest.mark.parametrize("process_num", [0, 2])


def _pids_that_serve(clients: list[Client]) -> set[str | None]:
    return {client.ask("pid") for client in clients}


def _context_switches(pid: int) -> int:
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        for line in (task / "status").read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches"):
                total += int(line.split()[1])
    return total


@PROCESSES
@pytest.mark.parametrize("transport", ["tcp", "tcp6", "unix"])
def test_any_number_of_clients_is_served_in_turn_and_at_once(
    serve: ServeProbe, short_path: Path, process_num: int, transport: str
) -> None:
    listen = {"tcp": "127.0.0.1:0", "tcp6": "[::1]:0", "unix": f"unix:{short_path}/s"}[transport]
    server = serve(listen=listen, attributes={"process_num": process_num})
    server.event("ready")
    for turn in range(20):
        client = server.connect()
        assert client.ask(f"echo turn {turn}") == f"turn {turn}"
        client.close()
    clients = [server.connect() for _ in range(4)]
    for turn in range(3):
        for number, client in enumerate(clients):
            assert client.ask(f"echo {number} {turn}") == f"{number} {turn}"
    for client in clients:
        client.close()
    assert server.stop() == 0
    assert server.errors == ""


def test_callbacks_come_in_order_with_threads(serve: ServeProbe) -> None:
    server = serve()
    server.event("ready")
    assert server.connect().ask("pid") == str(server.pid)
    server.send(signal.SIGTERM)
    server.event("at_stop")
    server._clients[0].close()
    assert server.status() == 0
    expected = ["listening", "before_start", "preprocess", "ready", "dispatch"]
    assert server.all_events() == [*expected, "at_stop", "postprocess", "after_stop", "done"]
    assert server.events[1]["name"] == server.name
    assert [event["state"] for event in server.events if event["event"] == "at_stop"] == ["graceful"]


def test_callbacks_come_in_order_with_children(serve: ServeProbe) -> None:
    server = serve(attributes={"process_num": 2})
    server.event("ready")
    clients = [server.connect() for _ in range(2)]
    assert len(_pids_that_serve(clients)) == 2
    for client in clients:
        client.close()
    assert server.stop() == 0
    events = server.all_events()
    assert events[:2] == ["listening", "before_start"]
    assert events[-2:] == ["after_stop", "done"]
    for pid in set(server.pids("at_fork")):
        told = [event["event"] for event in server.events if event["pid"] == pid]
        assert told == ["at_fork", "preprocess", "dispatch", "at_stop", "postprocess"]
    assert server.pids("before_start") == server.pids("after_stop") == [server.pid]
    assert len(set(server.pids("preprocess"))) == 2
    ready = events.index("ready")
    assert events[:ready].count("preprocess") == 2


@PROCESSES
def test_as_many_are_served_at_once_as_there_are_threads_and_the_next_waits(
    serve: ServeProbe, process_num: int
) -> None:
    server = serve(attributes={"process_num": process_num, "thread_num": 2})
    server.event("ready")
    threads = 2 * (process_num or 1)
    busy = [server.connect() for _ in range(threads)]
    for client in busy:
        assert client.ask("echo x") == "x"
    waiting = server.connect()
    waiting.say("echo at last")
    waiting.socket.settimeout(0.2)
    with pytest.raises(TimeoutError):
        waiting.socket.recv(1, socket.MSG_PEEK)
    waiting.socket.settimeout(60)
    busy[-1].close()
    assert waiting.hear() == "at last"


def test_connections_go_to_children_with_idle_threads_first(serve: ServeProbe) -> None:
    server = serve(attributes={"process_num": 3, "thread_num": 2})
    server.event("ready")
    clients = [server.connect() for _ in range(6)]
    served = [client.ask("pid") for client in clients]
    assert sorted(served.count(pid) for pid in set(served)) == [2, 2, 2]


@PROCESSES
def test_never_more_are_accepted_than_the_attributes_allow_and_none_is_refused(
    serve: ServeProbe, process_num: int
) -> None:
    attributes = {"process_num": process_num, "thread_num": 1, "thread_queue_size": 2, "process_queue_size": 3}
    server = serve(attributes=attributes)
    server.event("ready")
    most = process_num * 3 + 3 if process_num else 3
    clients = [server.connect() for _ in range(most + 10)]
    for number, client in enumerate(clients):
        client.say(f"echo {number}")
    eventually(lambda: len(_accepted(server)) == most, f"{most} accepted connections")
    for number, client in enumerate(clients):
        assert client.hear() == str(number)
        client.close()
        assert len(_accepted(server)) <= most
    assert server.stop() == 0


def _accepted(server: ProbeServer) -> set[str]:
    """The connections (not descriptors) that the processes of the server hold: established sockets with an inode."""
    held: set[str] = set()
    for pid in {server.pid, *server.pids("at_fork")}:
        with contextlib.suppress(FileNotFoundError):
            for entry in Path(f"/proc/{pid}/fd").iterdir():
                with contextlib.suppress(FileNotFoundError):
                    held.add(str(entry.readlink()))
    port = f":{server.name[1]:04X}"
    table = Path(f"/proc/{server.pid}/net/tcp").read_text().splitlines()[1:]
    established = {f"socket:[{row.split()[9]}]" for row in table if row.split()[1].endswith(port)}
    return {link for link in held & established if not _is_listening(link, table)}


def _is_listening(link: str, table: list[str]) -> bool:
    return any(f"socket:[{row.split()[9]}]" == link and row.split()[3] == "0A" for row in table)


@PROCESSES
def test_a_graceful_stop_refuses_new_ones_and_serves_to_the_end_those_that_are_there(
    serve: ServeProbe, process_num: int
) -> None:
    server = serve(attributes={"process_num": process_num, "thread_num": 1})
    server.event("ready")
    served = [server.connect() for _ in range(process_num or 1)]
    for client in served:
        assert client.ask("echo one") == "one"
    queued = server.connect()
    queued.say("echo queued")
    eventually(lambda: len(_accepted(server)) == len(served) + 1, "the queued connection is accepted")
    server.send(signal.SIGTERM)
    assert server.event("at_stop")["state"] == "graceful"
    with pytest.raises(ConnectionRefusedError):
        server.connect()
    for client in served:
        assert client.ask("echo two") == "two"
        assert client.ask("echo three") == "three"
    served[0].close()
    assert queued.hear() == "queued"
    for client in [*served, queued]:
        client.close()
    assert server.status() == 0
    assert server.errors == ""


@PROCESSES
def test_a_graceful_stop_serves_also_who_was_connected_and_not_yet_accepted(
    serve: ServeProbe, process_num: int
) -> None:
    """`stop.graceful.queued`, of the queue that the kernel keeps."""
    server = serve(attributes={"process_num": process_num, "thread_queue_size": 150, "process_queue_size": 150})
    server.event("ready")
    server.send(signal.SIGSTOP)
    eventually(lambda: thread_states(server.pid) == {"T"}, "the server is stopped, all of its threads")
    clients = [server.connect() for _ in range(130)]
    for number, client in enumerate(clients):
        client.say(f"echo {number}")
        client.socket.shutdown(socket.SHUT_WR)
    eventually(lambda: waiting_at(server.name[1]) == 130, "all clients wait to be accepted")
    server.send(signal.SIGTERM)
    server.send(signal.SIGCONT)
    assert [client.hear() for client in clients] == [str(number) for number in range(130)]
    assert server.status() == 0


@PROCESSES
def test_a_forced_stop_ends_every_connection_at_once_and_still_runs_the_callbacks(
    serve: ServeProbe, process_num: int
) -> None:
    server = serve(attributes={"process_num": process_num, "thread_num": 1})
    server.event("ready")
    clients = [server.connect() for _ in range((process_num or 1) + 1)]
    for client in clients[:-1]:
        assert client.ask("echo x") == "x"
    began = time.monotonic()
    server.send(signal.SIGINT)
    for client in clients:
        assert client.hear() is None
    assert time.monotonic() - began < 2
    assert server.status() == 0
    events = server.all_events()
    assert events[-2:] == ["after_stop", "done"]
    assert events.count("postprocess") == (process_num or 1)
    assert {event["state"] for event in server.events if event["event"] == "at_stop"} == {"forced"}
    assert server.errors == ""


@PROCESSES
def test_a_forced_stop_does_not_wait_for_a_thread_that_hangs(serve: ServeProbe, process_num: int) -> None:
    server = serve(attributes={"process_num": process_num})
    server.event("ready")
    client = server.connect()
    client.say("hang")
    server.event("dispatch")
    assert server.stop(signal.SIGINT) == 0
    assert client.hear() is None
    assert "postprocess" in server.all_events()


@PROCESSES
def test_int_during_a_graceful_stop_makes_it_forced_also_when_a_child_has_ended_already(
    serve: ServeProbe, process_num: int
) -> None:
    server = serve(attributes={"process_num": process_num})
    server.event("ready")
    client = server.connect()
    assert client.ask("echo x") == "x"
    server.send(signal.SIGTERM)
    assert server.event("at_stop")["state"] == "graceful"
    if process_num:
        server.event("postprocess")
    server.send(signal.SIGTERM)
    server.send(signal.SIGINT)
    server.send(signal.SIGTERM)
    assert client.hear() is None
    assert server.status() == 0
    server.all_events()
    states = [event["state"] for event in server.events if event["event"] == "at_stop"]
    assert states.count("forced") == 1
    assert states.count("graceful") == (process_num or 1)


@PROCESSES
def test_a_graceful_stop_becomes_forced_after_its_time_limit(serve: ServeProbe, process_num: int) -> None:
    server = serve(attributes={"process_num": process_num, "stop_timeout_seconds": 0.3})
    server.event("ready")
    client = server.connect()
    assert client.ask("echo x") == "x"
    began = time.monotonic()
    server.send(signal.SIGTERM)
    assert client.hear() is None
    assert time.monotonic() - began >= 0.3
    assert server.status() == 0


@PROCESSES
def test_an_exception_of_dispatch_stops_the_server_forcedly(serve: ServeProbe, process_num: int) -> None:
    server = serve(attributes={"process_num": process_num})
    server.event("ready")
    bystander, client = server.connect(), server.connect()
    assert bystander.ask("echo x") == "x"
    assert client.ask("raise a fault of dispatch") is None
    assert bystander.hear() is None
    assert server.status() == 1
    events = server.all_events()
    assert events[-1] == "after_stop"
    assert events.count("postprocess") == events.count("preprocess") == (process_num or 1)
    assert {event["state"] for event in server.events if event["event"] == "at_stop"} == {"forced"}
    assert "a fault of dispatch" in server.errors


@PROCESSES
def test_under_the_policy_log_an_exception_of_dispatch_is_recorded_and_the_server_serves_on(
    serve: ServeProbe, process_num: int
) -> None:
    server = serve(attributes={"process_num": process_num, "dispatch_error": "log"})
    server.event("ready")
    assert server.connect().ask("raise a fault of dispatch") is None
    assert server.connect().ask("echo on") == "on"
    assert "a fault of dispatch" in server.errors


@PROCESSES
def test_a_peer_that_resets_or_sends_garbage_ends_its_own_connection_only(serve: ServeProbe, process_num: int) -> None:
    server = serve(attributes={"process_num": process_num, "thread_num": 1})
    server.event("ready")
    for bytes_sent in (b"echo half a line", b"\xff\xfe garbage\n", b"sleep 0.01\necho x\n"):
        client = server.connect()
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.socket.sendall(bytes_sent)
        client.close()
    for _ in range(3):
        assert server.connect().ask("echo on") == "on"
        server._clients[-1].close()
    assert server.stop() == 0


@PROCESSES
def test_a_connection_is_closed_when_dispatch_returns_also_if_a_file_of_it_is_still_open(
    serve: ServeProbe, process_num: int
) -> None:
    server = serve(attributes={"process_num": process_num})
    server.event("ready")
    assert server.connect().ask("leak") is None


@PROCESSES
def test_a_connection_that_dispatch_closes_ends_at_once_although_dispatch_goes_on(
    serve: ServeProbe, process_num: int
) -> None:
    server = serve(attributes={"process_num": process_num})
    server.event("ready")
    assert server.connect().ask("close") is None


@PROCESSES
def test_a_connection_that_dispatch_has_detached_stays_open(serve: ServeProbe, process_num: int) -> None:
    server = serve(attributes={"process_num": process_num, "thread_num": 1})
    server.event("ready")
    client = server.connect()
    client.say("detach")
    other = server.connect()
    assert other.ask("echo served after it") == "served after it"
    client.socket.settimeout(0.1)
    with pytest.raises(TimeoutError):
        client.socket.recv(1)


@PROCESSES
def test_statistics_are_reported_for_every_signal_from_every_queue(serve: ServeProbe, process_num: int) -> None:
    server = serve(attributes={"process_num": process_num})
    server.event("ready")
    names = ["thread_queue"] if not process_num else ["process_queue", "thread_queue-0", "thread_queue-1"]
    server.send(signal.SIGUSR2)
    first = {event["report"]["queue_name"]: event["report"] for event in (server.event("at_stat") for _ in names)}
    assert sorted(first) == names
    for _ in range(6):
        client = server.connect()
        assert client.ask("echo x") == "x"
        client.close()
    server.send(signal.SIGUSR1)
    second = {event["report"]["queue_name"]: event["report"] for event in (server.event("at_stat") for _ in names)}
    assert second[names[0]]["push_count"] == 6
    assert sum(report["push_count"] for name, report in second.items() if name != "process_queue") == 6
    server.send(signal.SIGUSR2)
    third = {event["report"]["queue_name"]: event["report"] for event in (server.event("at_stat") for _ in names)}
    assert all(report["push_count"] == 0 for report in third.values())
    server.send(signal.SIGWINCH)
    assert server.stop() == 0
    assert server.all_events().count("at_stat") == 3 * len(names)


def test_a_wait_for_a_place_in_the_queue_is_counted(serve: ServeProbe) -> None:
    server = serve(attributes={"thread_num": 1, "thread_queue_size": 1})
    server.event("ready")
    server.send(signal.SIGUSR2)
    server.event("at_stat")
    clients = [server.connect() for _ in range(4)]
    assert clients[0].ask("echo x") == "x"

    def report() -> Any:
        server.send(signal.SIGUSR2)
        return server.event("at_stat")["report"]

    eventually(lambda: report()["push_timeout_count"] >= 3, "the wait of the third has taken three time-outs")
    assert [report()[name] for name in ("max_size", "push_count", "push_wait_count")] == [1, 3, 1]
    for client in clients:
        client.close()


@PROCESSES
@pytest.mark.parametrize("callback", ["before_start", "at_fork", "preprocess"])
def test_an_exception_at_the_start_fails_it_with_its_message_and_leaves_no_process(
    serve: ServeProbe, process_num: int, callback: str
) -> None:
    if callback == "at_fork" and not process_num:
        pytest.skip("at_fork is not called without children")
    server = serve(attributes={"process_num": process_num}, raise_in=[callback])
    assert server.status() == 1
    assert f"a fault in {callback}" in server.errors
    events = server.all_events()
    assert "ready" not in events
    assert ("after_stop" in events) is (callback != "before_start")
    assert not [pid for pid in set(server.pids("at_fork")) if alive(pid)]


def test_a_child_that_ends_before_it_is_ready_fails_the_start(serve: ServeProbe) -> None:
    server = serve(attributes={"process_num": 2}, exit_in=["preprocess"])
    assert server.status() == 1
    assert "ended before it was ready: exit status 3" in server.errors
    assert server.all_events()[-1] == "after_stop"


@PROCESSES
@pytest.mark.parametrize("callback", ["at_stop", "at_stat", "postprocess", "after_stop"])
def test_an_exception_in_a_late_callback_is_logged_and_the_stop_goes_on(
    serve: ServeProbe, process_num: int, callback: str
) -> None:
    server = serve(attributes={"process_num": process_num}, raise_in=[callback])
    server.event("ready")
    server.send(signal.SIGUSR1)
    server.event("at_stat")
    assert server.connect().ask("echo x") == "x"
    server._clients[0].close()
    assert server.stop() == 0
    assert f"{callback} failed" in server.errors
    assert server.all_events()[-1] == "done"


@PROCESSES
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("callback", ["before_start", "preprocess", "ready"])
def test_a_stop_at_any_instant_of_the_start_ends_cleanly(
    serve: ServeProbe, process_num: int, number: signal.Signals, callback: str
) -> None:
    server = serve(attributes={"process_num": process_num})
    server.event(callback)
    assert server.stop(number) == 0
    assert server.errors == ""


def test_a_forced_stop_ends_a_child_that_hangs_in_its_preprocess(serve: ServeProbe) -> None:
    server = serve(attributes={"process_num": 2}, hang_in=["preprocess"])
    server.event("preprocess")
    assert server.stop(signal.SIGINT) == 0


@PROCESSES
def test_an_idle_server_does_not_wake_up_and_is_gone_at_once(serve: ServeProbe, process_num: int) -> None:
    """`server.idle`, by the voluntary context switches of all threads: no timer or poll would let a second pass."""
    server = serve(attributes={"process_num": process_num})
    server.event("ready")
    assert server.connect().ask("echo x") == "x"
    server._clients[0].close()
    pids = [server.pid, *server.pids("at_fork")]

    def rests() -> bool:
        before = sum(map(_context_switches, pids))
        time.sleep(1)  # the subject is that nothing happens in a stretch of time
        return sum(map(_context_switches, pids)) == before

    eventually(rests, "a second in which no thread wakes up")
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 5


def test_out_of_descriptors_established_connections_live_on_and_accepting_resumes(serve: ServeProbe) -> None:
    """`server.accept.emfile`."""
    server = serve(attributes={"thread_num": 2})
    server.event("ready")
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (64, 64))
    first = server.connect()
    assert int(first.ask("hog") or 0) > 0
    waiting = server.connect()
    waiting.say("echo at last")
    eventually(lambda: "cannot accept" in server.errors, "the log line")
    assert first.ask("echo alive") == "alive"
    assert first.ask("release") == "released"
    assert waiting.hear() == "at last"
    assert server.errors.count("cannot accept connections for the moment: Too many open files") == 1
    first.close()
    waiting.close()
    assert server.stop() == 0


def test_when_the_process_above_dies_the_server_stops_gracefully(serve: ServeProbe) -> None:
    read, write = os.pipe()
    server = serve(latch=read, pass_fds=[read])
    server.event("ready")
    client = server.connect()
    assert client.ask("echo x") == "x"
    os.close(read)
    os.close(write)
    assert server.event("at_stop")["state"] == "graceful"
    assert client.ask("echo y") == "y"
    client.close()
    assert server.status() == 0


@PROCESSES
def test_bad_attributes_are_refused_by_name_before_anything_starts(serve: ServeProbe, process_num: int) -> None:
    server = serve(attributes={"process_num": process_num, "thread_num": 0})
    assert server.status() == 1
    assert "thread_num: expected a whole number of at least 1, got 0" in server.errors
    assert server.all_events() == ["listening"]
