"""One run of a program: started, its output read line by line, its end known.

    program  --stdout and stderr, one pipe or terminal-->  Output  -->  timeline (What.LOG)
             --pidfd readable-->  reaped, pipe drained, death recorded  -->  whoever waits

Both streams share a pipe, so that their lines keep the order in which they were written. The end of the output is never
waited for: a survivor may hold the pipe open.

Resource limits are set by `sh -c 'ulimit ...; exec "$@"'`, before the program is there, in a millisecond.
`preexec_fn` would run Python between fork and exec, which is not safe beside threads (an xdist worker has one), and
`resource.prlimit` on the new pid comes too late for what the program does first.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import shutil
import subprocess
import tempfile
from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from harness.engine.actors.inherited import GIVING_WORDS
from harness.engine.actors.pty import owning_words, terminal_environment
from harness.engine.observe import COOKIE
from harness.engine.verdicts import StepErroredError
from harness.model.timeline import What

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from harness.engine.actors.inherited import InheritedSocket
    from harness.engine.actors.pty import Pty
    from harness.engine.observe import Seen
    from harness.engine.timeline import Mark
    from harness.engine.world import World
    from harness.model.actors import Limits

_READ_SIZE = 65536
_LONGEST_LINE = 65536
_RECORDED_LINES = 5000
"""Lines of one actor that go to the timeline; what a flood adds can still be looked at with `log`."""
_KEPT_BYTES = 16 * 1024 * 1024
_SERVICE_MANAGER = ("LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
"""What a service manager told the harness is not meant for the programs under test."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of output, without its end, and where in the timeline it came."""

    mark: Mark
    text: str


class Output:
    """What an actor has written, over all its runs; the oldest lines go when there are more than 16 MiB."""

    def __init__(self, actor: str, world: World) -> None:
        self.actor = actor
        """Whose it is, for the timeline."""
        self._timeline = world.timeline
        self._partial = b""
        self._recorded = 0
        self._size = 0
        self.lines: deque[Line] = deque()
        self.count = 0
        """How many lines there have been in all."""

    def feed(self, data: bytes) -> None:
        """Take in what was read; lines are complete at their newline, or when they are very long."""
        *complete, self._partial = (self._partial + data).split(b"\n")
        for line in complete:
            self._add(line)
        if len(self._partial) > _LONGEST_LINE:
            self.finish()

    def finish(self) -> None:
        """A last line without a newline is a line too."""
        if self._partial:
            self._add(self._partial)
            self._partial = b""

    def last(self) -> str:
        """The last line that is not blank; empty where there is none."""
        return next((line.text for line in reversed(self.lines) if line.text.strip()), "")

    def since(self, mark: Mark | None) -> list[str]:
        """The lines that came after a mark, or all."""
        return [line.text for line in self.lines if mark is None or line.mark >= mark]

    def __str__(self) -> str:
        return "\n".join(line.text for line in self.lines)

    def _add(self, raw: bytes) -> None:
        text = raw.removesuffix(b"\r").decode(errors="backslashreplace")
        self.lines.append(Line(self._timeline.mark(), text))
        self.count += 1
        self._size += len(raw)
        while self._size > _KEPT_BYTES:
            self._size -= len(self.lines.popleft().text)
        if self._recorded < _RECORDED_LINES:
            self._timeline.record(self.actor, What.LOG, text)
        elif self._recorded == _RECORDED_LINES:
            self._timeline.record(self.actor, What.NOTE, f"more than {_RECORDED_LINES} lines: the rest is not shown")
        else:
            self._timeline.pulse.beat()
        self._recorded += 1


class Reading:
    """Reads an output from a mark on, each line once: a wait that looks after every line must not read all again."""

    def __init__(self, output: Output, since: Mark | None) -> None:
        self._output = output
        self._since = since
        self._read = 0

    def new(self) -> list[str]:
        """The lines that have come since it was last asked, or rewound."""
        unread = min(self._output.count - self._read, len(self._output.lines))
        self._read = self._output.count
        # From the end of the deque, where its elements are reached at once.
        lines = list(islice(reversed(self._output.lines), unread))
        return [line.text for line in reversed(lines) if self._since is None or line.mark >= self._since]

    def rewind(self) -> None:
        """Begin anew, at the mark."""
        self._read = 0


@dataclass(frozen=True, slots=True)
class Command:
    """What to start: `words` in `directory`, with `environment` on top of the harness's own and `input` to read.

    `prefix` are words of another program that prepares the ground, and then becomes this one.
    """

    words: Sequence[str]
    directory: Path
    environment: Mapping[str, str]
    limits: Limits
    input: str | None = None
    prefix: Sequence[str] = ()
    inherits: InheritedSocket | None = None
    """A socket that it is given, as by a service manager, in place of anything to read."""
    pty: Pty | None = None
    """A terminal for its standard streams, and for its session."""


class Program:
    """A started program. Its process is in the item's census; that reaps it and tells the actor of its end."""

    def __init__(self, actor: str, command: Command, world: World, output: Output) -> None:
        """Raises StepErroredError when it cannot be started."""
        self._output = output
        try:
            reading, writing = os.pipe() if command.pty is None else command.pty.open()
        except OSError as error:
            raise StepErroredError(f"{actor} cannot be given an output: {error.strerror}") from error
        os.set_blocking(reading, False)
        try:
            self.pid = _start(actor, command, world.cookie, writing)
        except OSError as error:
            os.close(reading)
            reason = error.strerror or str(error)
            raise StepErroredError(f"{actor} cannot be started: {command.words[0]}: {reason}") from error
        finally:
            os.close(writing)
        self._pipe: int | None = reading
        self._is_reading = True
        world.timeline.record(actor, What.BIRTH, " ".join(command.words), pid=self.pid)
        self.process: Seen = world.census.add_program(self.pid)
        asyncio.get_running_loop().add_reader(reading, self._on_output)

    @property
    def descriptor(self) -> int | None:
        """What its output is read from; None when it has been let go."""
        return self._pipe

    @property
    def is_mute(self) -> bool:
        """Whether nobody can write to its output any more."""
        return not self._is_reading

    def drain(self) -> None:
        """Take in all output that the kernel has for us now."""
        while self._is_reading and self._read_some():
            pass

    def on_ended(self) -> None:
        """To be called when the census says that the process has ended."""
        self.drain()
        self._output.finish()

    def release(self) -> None:
        """Read what there is, and stop reading. A terminal is hung up by this."""
        self.drain()
        self._stop_reading()
        if self._pipe is not None:
            asyncio.get_running_loop().remove_writer(self._pipe)
            os.close(self._pipe)
            self._pipe = None

    def _on_output(self) -> None:
        # A few reads a turn, so that a flood does not keep the loop from everything else.
        for _ in range(8):
            if not self._read_some():
                return

    def _read_some(self) -> bool:
        assert self._pipe is not None
        try:
            data = os.read(self._pipe, _READ_SIZE)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            data = b""  # This is how a terminal ends.
        if not data:
            self._stop_reading()
            self._output.finish()
            return False
        self._output.feed(data)
        return True

    def _stop_reading(self) -> None:
        if self._pipe is not None and self._is_reading:
            self._is_reading = False
            asyncio.get_running_loop().remove_reader(self._pipe)


def _start(actor: str, command: Command, cookie: str, output: int) -> int:
    """Start it; gives its pid, for the census to reap."""
    environment = {name: value for name, value in os.environ.items() if name not in _SERVICE_MANAGER}
    if command.pty is not None:
        environment = terminal_environment(environment)
    environment.update(command.environment)
    environment[COOKIE] = f"{cookie}:{actor}"
    giving = () if command.inherits is None else GIVING_WORDS
    words = [*command.prefix, *giving, *command.words]
    if command.limits.nofile is not None:
        words = ["/bin/sh", "-c", 'ulimit -n "$0" && exec "$@"', str(command.limits.nofile), *words]
    if command.pty is not None:
        words = [*owning_words(output), *words]
    program = command.words[0]
    if words[0] != program and shutil.which(program, path=environment.get("PATH")) is None:
        # What comes before it would end with 127 then, which means something else to a testee.
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), program)
    with contextlib.ExitStack() as stack:
        standard_input = subprocess.DEVNULL if command.pty is None else output
        if command.inherits is not None:
            standard_input = command.inherits.fileno()
        elif command.input is not None:
            # A file and not a pipe: it never fills up, and its end is its end.
            file = stack.enter_context(tempfile.TemporaryFile())
            file.write(command.input.encode())
            file.seek(0)
            standard_input = file.fileno()
        popen = subprocess.Popen(
            words,
            cwd=command.directory,
            env=environment,
            stdin=standard_input,
            stdout=output,
            stderr=output,
            start_new_session=True,
            restore_signals=True,
        )
    # Not for Popen to reap, nor to complain of when it is let go before the census has heard of the end.
    popen.returncode = 0
    return popen.pid
