"""Many processes: what happens to connections when a child dies, stops, freezes or leaves, and when the parent dies."""

import os
import resource
import signal
import socket
from pathlib import Path

import pytest

from riser.listener import Listener, read_address

from .conftest import Client, ProbeServer, ServeProbe, alive, eventually, thread_states


def _start(serve: ServeProbe, **attributes: object) -> ProbeServer:
    server = serve(attributes={"process_num": 2, **attributes})
    server.event("ready")
    return server


def _served_by(client: Client) -> int:
    answer = client.ask("pid")
    assert answer is not None
    return int(answer)


def _descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def test_a_child_that_dies_takes_its_own_connections_only_and_another_takes_its_place(serve: ServeProbe) -> None:
    server = _start(serve)
    victim, bystander = server.connect(), server.connect()
    dead, living = _served_by(victim), _served_by(bystander)
    assert dead != living
    os.kill(dead, signal.SIGKILL)
    assert victim.hear() is None
    assert bystander.ask("echo unharmed") == "unharmed"
    eventually(lambda: server.event("preprocess") and len(set(server.pids("preprocess"))) == 3, "a third child")
    clients = [server.connect() for _ in range(7)]
    assert len({_served_by(client) for client in clients} - {living, dead}) == 1
    for client in [bystander, *clients]:
        client.close()
    assert server.stop() == 0
    assert f"(pid {dead}) ended (killed by SIGKILL)" in server.errors


def test_a_child_that_dies_is_replaced_although_what_it_has_forked_lives_on(serve: ServeProbe) -> None:
    """`server.child.death`: its channel does not end then."""
    server = serve(attributes={"process_num": 1})
    server.event("ready")
    client = server.connect()
    dead = _served_by(client)
    assert client.ask("fork") == "forked"
    os.kill(dead, signal.SIGKILL)
    other = server.connect()
    assert _served_by(other) != dead
    other.close()
    assert server.stop() == 0
    client.close()


def test_what_a_dead_child_had_not_begun_is_served_by_another(serve: ServeProbe) -> None:
    server = _start(serve, thread_num=1, thread_queue_size=3, process_queue_size=1)
    busy = [server.connect() for _ in range(2)]
    served = [_served_by(client) for client in busy]
    queued = [server.connect() for _ in range(7)]
    for number, client in enumerate(queued):
        client.say(f"echo {number}")
        client.socket.shutdown(socket.SHUT_WR)  # nobody waits for this test to come round to its connection
    eventually(lambda: all(_descriptors(pid) >= 8 for pid in served), "connections queue in the children")
    os.kill(served[0], signal.SIGKILL)
    assert busy[0].hear() is None
    busy[1].close()
    for number, client in enumerate(queued):
        assert client.hear() == str(number)
        client.close()
    assert server.stop() == 0


def test_a_child_that_is_stopped_gets_no_connections_while_another_can_take_them(serve: ServeProbe) -> None:
    server = _start(serve, process_send_io_polling_timeout_seconds=1.0)
    first, second = server.connect(), server.connect()
    stopped, running = _served_by(first), _served_by(second)
    os.kill(stopped, signal.SIGSTOP)
    eventually(lambda: thread_states(stopped) == {"T"}, "the child is stopped, all of its threads")
    for _ in range(8):
        client = server.connect()
        assert _served_by(client) == running
        client.close()
    os.kill(stopped, signal.SIGCONT)
    assert first.ask("echo again") == "again"
    clients = [server.connect() for _ in range(6)]
    assert {_served_by(client) for client in clients} == {stopped, running}
    for client in [first, second, *clients]:
        client.close()
    assert server.stop() == 0


def test_when_all_children_are_stopped_connections_wait_and_are_served_when_one_goes_on(serve: ServeProbe) -> None:
    server = _start(serve)
    children = set(server.pids("at_fork"))
    for pid in children:
        os.kill(pid, signal.SIGSTOP)
    clients = [server.connect() for _ in range(3)]
    for client in clients:
        client.say("echo at last")
    for pid in children:
        os.kill(pid, signal.SIGCONT)
    for client in clients:
        assert client.hear() == "at last"


def test_what_a_child_does_not_read_is_taken_back_and_served_by_another(serve: ServeProbe) -> None:
    """`server.child.stopped`, of connections that were dealt before the child was known to hang."""
    server = _start(serve, thread_num=8, process_send_io_polling_timeout_seconds=1.0)
    frozen, other = server.connect(), server.connect()
    frozen_pid, other_pid = _served_by(frozen), _served_by(other)
    assert frozen_pid != other_pid
    assert frozen.ask("freeze") == "frozen"
    clients = [server.connect() for _ in range(6)]  # both have idle threads, so some of these go to the frozen one
    served = [_served_by(client) for client in clients]
    assert other_pid in served
    frozen.socket.sendall(b"x")
    assert frozen.hear() == "thawed"
    assert [client.ask("echo once") for client in clients] == ["once"] * 6
    for client in [frozen, other, *clients]:
        client.close()
    assert server.stop() == 0
    assert server.all_events().count("dispatch") == 8


def _fill_the_line(server: ProbeServer, child: int) -> None:
    """Stop the child, and ask for more reports than its line has room for."""
    os.kill(child, signal.SIGSTOP)
    for _ in range(400):
        server.send(signal.SIGUSR1)
        while server.event("at_stat")["pid"] != server.pid:
            pass


def test_a_child_whose_line_was_full_of_orders_hears_of_the_stop(serve: ServeProbe) -> None:
    server = _start(serve)
    client = server.connect()
    child = _served_by(client)
    client.close()
    _fill_the_line(server, child)
    server.send(signal.SIGTERM)
    server.event("at_stop")  # of the other child, which has been told of it
    os.kill(child, signal.SIGCONT)
    assert server.all_events().count("postprocess") == 2
    assert server.status() == 0


def test_a_child_whose_line_was_full_of_orders_gets_connections_again(serve: ServeProbe) -> None:
    server = _start(serve, process_num=1, process_queue_size=1)
    client = server.connect()
    child = _served_by(client)
    _fill_the_line(server, child)
    before = _descriptors(server.pid)
    late = [server.connect() for _ in range(2)]
    for each in late:
        each.say("echo late")
    eventually(lambda: _descriptors(server.pid) > before, "the queue is full")
    os.kill(child, signal.SIGCONT)
    for _ in (client, *late):
        server.event("dispatch")
    assert [each.hear() for each in late] == ["late", "late"]
    for each in [client, *late]:
        each.close()
    server.send(signal.SIGTERM)
    server.all_events()
    assert server.status() == 0


def test_a_child_that_leaves_by_itself_finishes_and_is_replaced(serve: ServeProbe) -> None:
    server = _start(serve)
    client = server.connect()
    leaving = _served_by(client)
    os.kill(leaving, signal.SIGTERM)
    eventually(lambda: server.event("preprocess") and len(set(server.pids("preprocess"))) == 3, "a third child")
    assert client.ask("echo to the end") == "to the end"
    client.close()
    eventually(lambda: not alive(leaving), "the child has left")
    others = [server.connect() for _ in range(8)]
    assert leaving not in {_served_by(other) for other in others}
    for other in others:
        other.close()
    assert server.stop() == 0
    assert server.all_events().count("postprocess") == 3


def test_when_the_server_is_killed_its_children_finish_and_end_and_the_address_is_free(serve: ServeProbe) -> None:
    server = _start(serve)
    children = set(server.pids("at_fork"))
    client = server.connect()
    serving = _served_by(client)
    server.send(signal.SIGKILL)
    assert server.status() == -signal.SIGKILL
    for pid in children - {serving}:
        eventually(lambda pid=pid: not alive(pid), "an idle child ends")  # type: ignore[misc]  # early binding
    assert server.event("at_stop")["state"] == "graceful"
    listener = Listener.open(read_address(f"{server.name[0]}:{server.name[1]}"))
    listener.close()
    assert client.ask("echo to the end") == "to the end"
    client.close()
    eventually(lambda: not alive(serving), "the last child ends")
    assert server.all_events().count("postprocess") == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_children_that_have_run_preprocess_run_postprocess_also_if_the_stop_comes_before_all_are_ready(
    serve: ServeProbe, number: signal.Signals
) -> None:
    server = serve(attributes={"process_num": 4})
    server.event("preprocess")
    assert server.stop(number) == 0
    events = server.all_events()
    assert events.count("preprocess") == events.count("at_stop") == events.count("postprocess")


def test_a_forced_stop_ends_a_stopped_child_too(serve: ServeProbe) -> None:
    server = _start(serve)
    stopped = server.pids("at_fork")[0]
    os.kill(stopped, signal.SIGSTOP)
    assert server.stop(signal.SIGINT) == 0
    assert server.all_events().count("postprocess") == 2


def test_a_child_that_cannot_live_is_started_with_growing_pauses_and_the_server_still_stops_at_once(
    serve: ServeProbe,
) -> None:
    server = serve(attributes={"process_num": 1})
    server.event("ready")
    for _ in range(4):
        client = server.connect()
        client.ask("exit 3")
    assert "another takes its place in 0 s" in server.errors
    assert "another takes its place in 0.1 s" in server.errors
    assert "another takes its place in 0.2 s" in server.errors
    assert server.stop() == 0


def test_a_new_child_that_fails_in_its_start_does_not_end_the_server(serve: ServeProbe, tmp_path: Path) -> None:
    flag = tmp_path / "fail"
    server = serve(attributes={"process_num": 2}, raise_in=["preprocess"], raise_if=str(flag))
    server.event("ready")
    flag.touch()
    victim, bystander = server.connect(), server.connect()
    dead = _served_by(victim)
    assert _served_by(bystander) != dead
    os.kill(dead, signal.SIGKILL)
    eventually(lambda: "cannot start: preprocess failed: FaultError: a fault in preprocess" in server.errors, "log")
    assert bystander.ask("echo unharmed") == "unharmed"
    flag.unlink()
    bystander.close()
    eventually(lambda: len(set(server.pids("preprocess"))) >= 4 or server.event("preprocess"), "one that lives")


def test_neither_parent_nor_children_collect_descriptors(serve: ServeProbe) -> None:
    server = _start(serve, thread_num=2, thread_queue_size=1, process_queue_size=2)
    pids = [server.pid, *server.pids("at_fork")]
    before = [_descriptors(pid) for pid in pids]
    for _ in range(20):
        clients = [server.connect() for _ in range(12)]
        for client in clients:
            client.say("echo x")
        for client in clients:
            assert client.hear() == "x"
            client.close()
    # Not "equal": a child may still have had one of its birth when it was counted first.
    eventually(
        lambda: all(_descriptors(pid) <= most for pid, most in zip(pids, before, strict=True)),
        f"no more than {before} descriptors",
    )


def test_a_new_child_inherits_no_connection(serve: ServeProbe) -> None:
    server = _start(serve, thread_num=1, process_queue_size=20)
    busy = [server.connect() for _ in range(2)]
    served = [_served_by(client) for client in busy]
    waiting = [server.connect() for _ in range(4)]
    os.kill(served[0], signal.SIGKILL)
    for client in waiting[:-1]:
        assert client.ask("echo x") == "x"
        client.close()
    busy[1].close()
    assert waiting[-1].ask("echo x") == "x"
    waiting[-1].close()
    newest = [server.event("preprocess")["pid"] for _ in range(3)][-1]
    eventually(lambda: _descriptors(newest) <= _descriptors(served[1]), "no more descriptors than its sibling")


def test_what_a_child_has_no_descriptors_for_goes_to_another(serve: ServeProbe) -> None:
    server = _start(serve, thread_num=4)
    hog, other = server.connect(), server.connect()
    starved, free = _served_by(hog), _served_by(other)
    resource.prlimit(starved, resource.RLIMIT_NOFILE, (40, 40))
    hog.ask("hog")
    clients = [server.connect() for _ in range(3)]
    for client in clients:
        assert _served_by(client) == free
    assert hog.ask("release") == "released"
    for client in [hog, other, *clients]:
        client.close()
    assert server.stop() == 0
    assert "out of descriptors" in server.errors


def test_a_graceful_stop_serves_what_is_queued_although_the_child_dies_meanwhile(serve: ServeProbe) -> None:
    server = serve(attributes={"process_num": 1, "thread_num": 1})
    server.event("ready")
    busy = server.connect()
    served = _served_by(busy)
    queued = [server.connect() for _ in range(3)]
    for client in queued:
        client.say("echo queued")
    eventually(lambda: _descriptors(server.pid) >= 3 + 9, "the connections are accepted")
    server.send(signal.SIGTERM)
    server.event("at_stop")
    os.kill(served, signal.SIGKILL)
    assert busy.hear() is None
    for client in queued:
        assert client.hear() == "queued"
        client.close()
    assert server.status() == 0
