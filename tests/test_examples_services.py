"""The README's programs with services, each run as it stands: called by pattern, counting exactly, on disk."""

import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

from .conftest import children, curl, needs, running

EXAMPLES = Path(__file__).parents[1] / "examples"


def ask(port: int, path: str) -> dict[str, str]:
    """What a service example answers, as its names and values."""
    lines = curl(f"http://localhost:{port}{path}").splitlines()
    return dict(line.split(": ", 1) for line in lines)


@needs("curl")
def test_simple_services_are_called_in_four_processes_by_their_patterns(tmp_path: Path) -> None:
    with running(EXAMPLES / "simple_services.py", "localhost:0", place=tmp_path) as server:
        port = server.port()
        any_process = {ask(port, "/any")["pid"] for _ in range(60)}
        single = {ask(port, "/single")["pid"] for _ in range(4)}
        sticky = {key: {ask(port, f"/sticky?{key}")["pid"] for _ in range(3)} for key in "abcdefghijklmnop"}
        assert len(any_process) == 4
        assert len(single) == 1
        assert all(len(pids) == 1 for pids in sticky.values())
        assert set().union(*sticky.values()) == any_process >= single
        assert ask(port, "/sticky")["key"] == "default"
        assert ask(port, "/nothing") == {"unknown path": "/nothing"}


@needs("curl")
def test_local_services_are_called_in_the_server_process(tmp_path: Path) -> None:
    with running(EXAMPLES / "local_services.py", "localhost:0", place=tmp_path) as server:
        port = server.port()
        (pid,) = children(server.pid)
        assert {ask(port, path)["pid"] for path in ("/any", "/single", "/sticky", "/sticky?foo")} == {str(pid)}
        assert children(pid) == []


@needs("curl")
def test_simple_count_counts_every_request_once_and_goes_on_after_a_restart(tmp_path: Path) -> None:
    with running(EXAMPLES / "simple_count.py", "localhost:0", place=tmp_path) as server:
        port = server.port()
        with ThreadPoolExecutor(8) as clients:
            counts = sorted(clients.map(lambda _: int(ask(port, "/")["count"]), range(40)))
    assert counts == list(range(1, 41))
    with running(EXAMPLES / "simple_count.py", "localhost:0", place=tmp_path) as server:
        assert ask(server.port(), "/") == {"count": "41"}


@needs("curl")
def test_simple_count_is_exact_while_its_server_is_restarted(tmp_path: Path) -> None:
    with running(EXAMPLES / "simple_count.py", "localhost:0", place=tmp_path) as server:
        port = server.port()

        def count(number: int) -> int:
            if number % 10 == 0:
                server.send(signal.SIGHUP)
            return int(ask(port, "/")["count"])

        with ThreadPoolExecutor(4) as clients:
            assert sorted(clients.map(count, range(1, 41))) == list(range(1, 41))


@needs("curl")
def test_simple_key_count_counts_each_key_for_itself_in_a_file_of_its_own(tmp_path: Path) -> None:
    keys = ["default", "foo", "bar", "..%2F"]
    with running(EXAMPLES / "simple_key_count.py", "localhost:0", place=tmp_path) as server:
        port = server.port()
        with ThreadPoolExecutor(8) as clients:
            answers = list(clients.map(lambda number: ask(port, f"/?{keys[number % 4]}"), range(40)))
    for key in keys:
        counts = sorted(int(answer["count"]) for answer in answers if answer["key"] == key)
        assert counts == list(range(1, 11))
    files = {path.name for path in tmp_path.glob("*.sqlite")}
    assert files == {f"simple_key_count-{quote(key, safe='')}.sqlite" for key in keys}
    with running(EXAMPLES / "simple_key_count.py", "localhost:0", place=tmp_path) as server:
        assert ask(server.port(), "/?foo") == {"key": "foo", "count": "11"}
