"""What testees report, how a configuration is told to them, and which server serves: values in, values out."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.engine.actors.configuration import (
    changed_configuration,
    first_configuration,
    process_num,
    write_configuration,
)
from harness.engine.actors.generations import Generations
from harness.engine.actors.reports import Fifo, MalformedReportError, describe_report, parse_report
from harness.engine.lookup import Scope
from harness.model.actors import Daemon, Handler, Listen, Mode
from harness.model.source import Location
from harness.model.steps import Configure
from harness.model.values import Name, Plain, Text

if TYPE_CHECKING:
    from pathlib import Path

HERE = Location("a.yaml", 3, 7)


@given(st.text(min_size=1), st.integers(1, 2**22), st.dictionaries(st.text(), st.integers() | st.text()))
def test_an_event_is_read_as_it_was_written(name: str, pid: int, fields: dict[str, object]) -> None:
    fields = {key: value for key, value in fields.items() if key not in ("event", "pid")}
    line = json.dumps({"event": name, "pid": pid, **fields}).encode()
    assert parse_report(line) == (name, pid, fields)


@given(st.binary())
def test_whatever_comes_is_an_event_or_refused(line: bytes) -> None:
    try:
        name, pid, _ = parse_report(line)
    except MalformedReportError:
        return
    assert isinstance(name, str)
    assert pid > 0


def test_an_event_is_told_in_one_line_of_bounded_length() -> None:
    text = describe_report("at_stat", {"stat": {"pushed": 3}, "state": "x" * 1000})
    assert text.startswith("at_stat stat={pushed: 3} state=xxx")
    assert len(text) < 200


def test_a_fifo_gives_the_lines_of_many_writers_whole(tmp_path: Path) -> None:
    async def course() -> list[bytes]:
        lines: list[bytes] = []
        fifo = Fifo(tmp_path / "fifo", lines.append)
        writers = [os.open(tmp_path / "fifo", os.O_WRONLY | os.O_APPEND) for _ in range(3)]
        os.write(writers[0], b"one\ntw")
        fifo.drain()
        os.write(writers[0], b"o\n")
        os.write(writers[1], b"three\n")
        for writer in writers:
            os.close(writer)
        fifo.drain()
        late = os.open(tmp_path / "fifo", os.O_WRONLY | os.O_APPEND)
        os.write(late, b"four\n")
        os.close(late)
        while len(lines) < 4:
            await asyncio.sleep(0.001)
        fifo.release()
        return lines

    assert asyncio.run(course()) == [b"one", b"two", b"three", b"four"]


def configured(model: Daemon, mode: Mode, tmp_path: Path) -> dict[str, Plain]:
    scope = Scope({}, {"workspace": "/w"})
    return first_configuration(model, scope, mode=mode, events=tmp_path / "fifo", socket=tmp_path / "sock")


def daemon(**fields: object) -> Daemon:
    return Daemon("d", HERE, Handler.PROBE, **fields)  # type: ignore[arg-type]  # each test names fields and their values


def test_only_what_a_scenario_needs_is_told(tmp_path: Path) -> None:
    assert configured(daemon(), Mode.SERVER, tmp_path) == {
        "contract": 1,
        "events": str(tmp_path / "fifo"),
        "mode": "server",
        "daemon": {"listen_address": "127.0.0.1:0"},
        "server": {},
        "handler": "probe",
    }


@pytest.mark.parametrize(
    ("listen", "address"),
    [
        (Listen.TCP6, "[::1]:0"),
        (Listen.UNIX, "unix:{}/sock"),
        (Text(("ftp://x",), HERE), "ftp://x"),
        ({"type": "unix", "path": "${workspace}/s"}, {"type": "unix", "path": "/w/s"}),
    ],
)
def test_the_address_is_told_as_the_scenario_has_it(listen: object, address: Plain, tmp_path: Path) -> None:
    told = configured(daemon(listen=listen), Mode.SERVER, tmp_path)["daemon"]
    expected = address.format(tmp_path) if isinstance(address, str) else address
    assert told == {"listen_address": expected}


def test_a_daemon_stays_in_the_foreground_unless_it_is_asked_not_to(tmp_path: Path) -> None:
    plain = configured(daemon(), Mode.DAEMON, tmp_path)["daemon"]
    asked = configured(daemon(parameters={"daemonize": True}), Mode.DAEMON, tmp_path)["daemon"]
    assert isinstance(plain, dict)
    assert isinstance(asked, dict)
    assert (plain["daemonize"], asked["daemonize"]) == (False, True)


def test_events_that_tell_readiness_are_recorded_whatever_else_is(tmp_path: Path) -> None:
    told = configured(daemon(record=("preprocess", "dispatch")), Mode.SERVER, tmp_path)
    assert told["record"] == ["before_start", "preprocess", "dispatch"]


def test_a_change_replaces_what_it_names_and_leaves_the_rest(tmp_path: Path) -> None:
    before = configured(
        daemon(server={"process_num": 2, "thread_num": 3}, raise_in=("at_fork",)), Mode.DAEMON, tmp_path
    )
    step = Configure(
        location=HERE, of=Name(("d",), HERE), server={"process_num": 1}, raise_in=(), hang_in=("preprocess",)
    )
    after = changed_configuration(before, step, Scope({}), socket=tmp_path / "sock")
    del before["raise_in"]
    assert after == {**before, "server": {"process_num": 1, "thread_num": 3}, "hang_in": ["preprocess"]}
    assert process_num(after) == 1


def test_a_configuration_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    for number in (1, 2):
        write_configuration(path, {"contract": number})
    assert (json.loads(path.read_text()), [each.name for each in tmp_path.iterdir()]) == ({"contract": 2}, ["d.json"])


def test_a_server_of_one_process_serves_when_it_has_reported_preprocess() -> None:
    generations = Generations()
    generation = generations.before_start(10, parent=9, address="a", processes=0)
    assert not generation.is_complete
    generations.preprocess(10, parent=9)
    assert (generation.is_complete, generation.children) == (True, [])


def test_a_server_of_many_is_complete_when_all_of_its_children_serve() -> None:
    generations = Generations()
    first = generations.before_start(10, parent=9, address="a", processes=2)
    generations.preprocess(11, parent=10)
    assert not first.is_complete
    generations.preprocess(12, parent=10)
    second = generations.before_start(20, parent=9, address="b", processes=2)
    generations.preprocess(13, parent=10)
    generations.preprocess(21, parent=20)
    generations.preprocess(99, parent=98)
    assert (first.children, second.children, second.number) == ([11, 12, 13], [21], 2)
    assert (first.is_complete, second.is_complete, generations.newest) == (True, False, second)


def test_a_child_whose_parent_nobody_saw_is_counted_for_the_newest_server() -> None:
    generations = Generations()
    generations.before_start(10, parent=9, address="a", processes=1)
    newest = generations.before_start(20, parent=9, address="a", processes=1)
    generations.preprocess(21, parent=None)
    assert newest.is_complete


def test_the_fifo_is_open_to_others_only_when_they_are_to_write(tmp_path: Path) -> None:
    async def modes() -> list[int]:
        fifos = [Fifo(tmp_path / str(others), print, open_to_others=others) for others in (False, True)]
        for fifo in fifos:
            fifo.release()
        return [stat.S_IMODE((tmp_path / str(others)).stat().st_mode) & 0o022 for others in (False, True)]

    assert asyncio.run(modes()) == [0, 0o022]
