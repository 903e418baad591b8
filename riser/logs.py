"""The daemon's log: lines on standard output in the foreground, syslog(3) in the background.

    I, [2026-11-24T06:00:00.123456 #4711]  INFO -- simple_daemon: daemon start.

Everything in riser logs to the logger "riser" and its children; `open_log` decides where that goes. Each line is one
write, so lines of the daemon and of its servers do not mix within a line, and a log that cannot be written (a closed
pipe, a full disk, no syslog) never harms the daemon (daemon.log.down).
"""

import contextlib
import logging
import math
import os
import syslog
import time

from riser.core.messages import Level

LOGGER = logging.getLogger("riser")

LEVELS = {
    Level.DEBUG: logging.DEBUG,
    Level.INFO: logging.INFO,
    Level.WARN: logging.WARNING,
    Level.ERROR: logging.ERROR,
    Level.FATAL: logging.CRITICAL,
}
_NAMES = {number: level.value for level, number in LEVELS.items()}
_PRIORITIES = {
    logging.DEBUG: syslog.LOG_DEBUG,
    logging.INFO: syslog.LOG_INFO,
    logging.WARNING: syslog.LOG_WARNING,
    logging.ERROR: syslog.LOG_ERR,
    logging.CRITICAL: syslog.LOG_CRIT,
}
_STANDARD_OUTPUT = 1


def open_log(name: str, *, background: bool, debug: bool) -> None:
    """Send what riser logs to syslog(3) as `name` in the background, to standard output otherwise.

    `debug` adds the debug lines (daemon.log.stdout, daemon.log.syslog). Replaces what an earlier call has set.
    """
    handler: logging.Handler
    if background:
        syslog.openlog(name, syslog.LOG_PID, syslog.LOG_DAEMON)
        handler = _Syslog()
    else:
        handler = _StandardOutput(name)
    LOGGER.handlers[:] = [handler]
    LOGGER.setLevel(logging.DEBUG if debug else logging.INFO)
    LOGGER.propagate = False


def lines_of(record: logging.LogRecord) -> list[str]:
    """The text of a record, a traceback included, as lines without control characters (nobody forges a line)."""
    text = record.getMessage()
    if record.exc_info and (error := record.exc_info[1]) is not None:
        try:
            told = logging.Formatter().formatException(record.exc_info)
        except OSError:  # The source is read for it, by modules that may have to be imported: out of descriptors.
            told = f"{type(error).__name__}: {error}"
        text = f"{text}\n{told}"
    return ["".join(mark if mark.isprintable() else ascii(mark)[1:-1] for mark in line) for line in text.splitlines()]


class Seldom:
    """Warns of what lasts: once when it begins, and again only when it has been over for `seconds`."""

    def __init__(self, seconds: float = 60.0) -> None:
        self._seconds = seconds
        self._silent_until = -math.inf

    def warn(self, message: str, *values: object) -> None:
        """Log a warning, unless it goes without saying."""
        now = time.monotonic()
        if now >= self._silent_until:
            LOGGER.warning(message, *values)
        self._silent_until = now + self._seconds


class _StandardOutput(logging.Handler):
    """One write(2) a line; not sys.stdout, whose buffer a fork would copy."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def emit(self, record: logging.LogRecord) -> None:
        seconds, fraction = divmod(record.created, 1)
        moment = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.localtime(seconds))}.{int(fraction * 1e6):06}"
        level = _NAMES.get(record.levelno, record.levelname)
        head = f"{level[:1]}, [{moment} #{os.getpid()}] {level:>5} -- {self._name}: "
        for line in lines_of(record):
            # Nobody reads, or the disk is full: the line is lost, and the daemon lives.
            with contextlib.suppress(OSError):
                os.write(_STANDARD_OUTPUT, f"{head}{line}\n".encode("utf-8", "backslashreplace"))


class _Syslog(logging.Handler):
    """syslog(3), which drops what it cannot deliver and connects again by itself."""

    def emit(self, record: logging.LogRecord) -> None:
        for line in lines_of(record):
            syslog.syslog(_PRIORITIES.get(record.levelno, syslog.LOG_NOTICE), line)
