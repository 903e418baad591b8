"""The daemon's log lines, and that a log that cannot be written harms nobody."""

import errno
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from riser.logs import LOGGER, Seldom, lines_of, open_log


@pytest.fixture(autouse=True)
def restored_logger() -> Iterator[None]:
    handlers, level, propagate = LOGGER.handlers[:], LOGGER.level, LOGGER.propagate
    yield
    LOGGER.handlers[:], LOGGER.propagate = handlers, propagate
    LOGGER.setLevel(level)


def record(message: str, *arguments: object) -> logging.LogRecord:
    return logging.LogRecord("riser", logging.INFO, "", 0, message, arguments, None)


def test_line_has_level_time_pid_and_name(capfd: pytest.CaptureFixture[str]) -> None:
    open_log("steady", background=False, debug=False)
    LOGGER.info("daemon start.")
    line = capfd.readouterr().out
    assert re.fullmatch(
        rf"I, \[\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{6}} #{os.getpid()}\]  INFO -- steady: daemon start\.\n", line
    )


def test_levels_have_risers_names(capfd: pytest.CaptureFixture[str]) -> None:
    open_log("steady", background=False, debug=True)
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL):
        LOGGER.log(level, "x")
    words = [line.split("] ")[1].split(" -- ")[0] for line in capfd.readouterr().out.splitlines()]
    assert words == ["DEBUG", " INFO", " WARN", "ERROR", "FATAL"]


def test_debug_lines_only_when_asked_for(capfd: pytest.CaptureFixture[str]) -> None:
    open_log("steady", background=False, debug=False)
    LOGGER.debug("hidden")
    assert capfd.readouterr().out == ""


def test_parts_of_riser_log_to_the_same_place(capfd: pytest.CaptureFixture[str]) -> None:
    open_log("steady", background=False, debug=False)
    logging.getLogger("riser.server").warning("of a part")
    assert "steady: of a part" in capfd.readouterr().out


def test_text_cannot_forge_a_line() -> None:
    assert lines_of(record("got %s", "a\x1b[2J\rb")) == ["got a\\x1b[2J", "b"]


def test_traceback_becomes_lines() -> None:
    failed = record("failed")
    try:
        int("bad")
    except ValueError:
        failed.exc_info = sys.exc_info()
    lines = lines_of(failed)
    assert lines[0] == "failed"
    assert lines[-1].startswith("ValueError: ")


def test_exception_is_told_also_where_no_source_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_descriptors(*_: object) -> str:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(logging.Formatter, "formatException", no_descriptors)
    failed = record("failed")
    error = ValueError("why")
    failed.exc_info = (ValueError, error, None)
    assert lines_of(failed) == ["failed", "ValueError: why"]


def test_log_that_cannot_be_written_harms_nobody() -> None:
    program = "from riser.logs import LOGGER, open_log; open_log('d', background=False, debug=False); LOGGER.info('x')"
    with Path("/dev/full").open("w") as full:
        assert subprocess.run([sys.executable, "-c", program], stdout=full, check=False, timeout=60).returncode == 0


def test_syslog_that_is_not_there_harms_nobody() -> None:
    program = "from riser.logs import LOGGER, open_log; open_log('d', background=True, debug=False); LOGGER.info('x')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_what_lasts_is_told_once_and_again_when_it_has_been_over_for_a_while(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`server.accept.emfile`."""
    LOGGER.propagate = True
    complaint = Seldom(10.0)
    for clock in (100.0, 105.0, 114.0, 123.9, 134.0):
        monkeypatch.setattr("time.monotonic", lambda clock=clock: clock)
        complaint.warn("at %s", clock)
    assert caplog.messages == ["at 100.0", "at 134.0"]
