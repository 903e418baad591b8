"""`harness record`: a conversation by hand, between the start of an item and its clean-up, becomes a scenario.

    a scenario that only starts and connects --> its item runs --> at its end a person talks, and entries are noted
        --> steps --> run several times, loosened where they fail --> the file

The item is an ordinary one, so whatever happens, nothing of it is left.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.beginning import check_place, head, manifest_for, run_command
from harness.cli.conversation import Conversation
from harness.cli.refusal import RefusedError
from harness.cli.suites import count, refusal
from harness.cli.transcript import loosened, spelt, step_of
from harness.cli.writing import new_file
from harness.engine.calibration import scale_of
from harness.engine.runner import Engine
from harness.engine.settings import Settings
from harness.judging import outcome_without_running
from harness.load.format import formatted
from harness.load.scenario import read_scenarios
from harness.model.outcome import Verdict
from harness.model.source import InvalidInputError
from harness.report.failure import why

if TYPE_CHECKING:
    from harness.cli.arguments import Record
    from harness.cli.transcript import Entry
    from harness.model.manifest import Manifest
    from harness.model.outcome import Outcome
    from harness.model.scenario import Scenario

_START = 2
"""The steps that come before what was said: start, connect."""
_RUNS = 3
"""How often the scenario has to pass, one time after another."""


def record(command: Record) -> int:
    """Talk, and write what came of it; 1 if the daemon did not start, or the scenario cannot be made to pass."""
    check_place(command.new.path)
    manifest = manifest_for(command.new)
    frame = _frame(command)
    scenario = _read(frame, command)
    if (unable := outcome_without_running(scenario, manifest)) is not None:
        raise RefusedError.of(why(unable).message)
    who = "p" if command.command else "d"
    conversation = Conversation(sys.stdin, sys.stdout, who, file=command.new.path)
    time_scale = scale_of(command.time_scale)
    settings = Settings(time_scale=time_scale, spectator=conversation)
    status, outcome = _talk(scenario, manifest, settings)
    if status is not None:
        sys.stdout.write("interrupted: nothing was written\n")
        return status
    assert outcome is not None
    if conversation.failure is not None or not conversation.has_begun:
        failure = conversation.failure or why(outcome)
        raise RefusedError.of(f"there is nobody to talk to: {failure.message}")
    if not conversation.entries:
        raise RefusedError.of("nothing was said, so there is nothing to write")
    return _write(command, manifest, frame, conversation, time_scale=time_scale)


def _talk(scenario: Scenario, manifest: Manifest, settings: Settings) -> tuple[int | None, Outcome | None]:
    """Run the item; the exit status if it was interrupted, and the outcome if it was not."""

    async def run(engine: Engine) -> Outcome:
        task = asyncio.current_task()
        assert task is not None
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        return await engine.run(scenario, manifest)

    try:
        with Engine(settings) as engine:
            return None, asyncio.run(run(engine))
    except KeyboardInterrupt:
        return 128 + signal.SIGINT, None
    except asyncio.CancelledError:
        return 128 + signal.SIGTERM, None


def _write(command: Record, manifest: Manifest, frame: str, conversation: Conversation, *, time_scale: float) -> int:
    entries, values = list(conversation.entries), conversation.values
    with Engine(Settings(time_scale=time_scale)) as engine:
        while True:
            text = _text(command, frame, entries, values)
            scenario = _read(text, command)
            outcome = _first_red(scenario, manifest, engine)
            if outcome is None:
                break
            failure = why(outcome)
            number = _entry_of(outcome, scenario)
            looser = None if number is None else loosened(entries[number])
            if number is None or looser is None:
                new_file(command.new.path, text)
                sys.stdout.write(f"written, and it does not pass: {failure.location}: {failure.message}\n")
                return 1
            sys.stdout.write(f"not the same every time, and loosened: {failure.message}\n")
            entries[number] = looser
    new_file(command.new.path, text)
    sys.stdout.write(f"written, and it has passed {count(_RUNS, 'time')}: {command.new.path}\n")
    sys.stdout.write(f"to run it: {run_command(command.new)}\n")
    return 0


def _first_red(scenario: Scenario, manifest: Manifest, engine: Engine) -> Outcome | None:
    """The first outcome that is not as it should be; None if it passes as often as it has to."""
    outcomes = (engine.run_one(scenario, manifest) for _ in range(_RUNS))
    return next((outcome for outcome in outcomes if outcome.verdict is not Verdict.PASSED), None)


def _entry_of(outcome: Outcome, scenario: Scenario) -> int | None:
    """The number of the entry whose step failed; None where it is no entry's."""
    line = why(outcome).location.line
    begun = [number for number, step in enumerate(scenario.steps) if step.location.line <= line]
    return begun[-1] - _START if begun and begun[-1] >= _START else None


def _text(command: Record, frame: str, entries: list[Entry], values: dict[str, str]) -> str:
    steps = "".join(f"  - {step_of(entry, values)}\n" for entry in entries)
    return formatted(frame + steps, str(command.new.path))


def _read(text: str, command: Record) -> Scenario:
    path = command.new.path
    try:
        (scenario,) = read_scenarios(text, str(path), name=path.stem)
    except InvalidInputError as error:
        raise refusal(error.problems) from error
    return scenario


def _frame(command: Record) -> str:
    """The scenario up to the steps that were recorded. Raises RefusedError for options that do not go together."""
    title = spelt(f"{command.new.path.stem.replace('-', ' ').replace('_', ' ')}, as it was recorded")
    text = head(command.new, title=title)
    if not command.command:
        if command.connect is not None or command.ready is not None:
            raise RefusedError.of("--connect and --ready are for a COMMAND, which comes after --")
        return f"{text}actors:\n  d: {{daemon: probe}}\n  c: {{client: d}}\nsteps:\n  - start: d\n  - connect: c\n"
    if command.connect is None:
        raise RefusedError.of("where does it listen? --connect HOST:PORT or unix:PATH")
    words = ", ".join(_word(word, command.new.path.parent) for word in command.command)
    address = _quoted(command.connect)
    return (
        f"{text}actors:\n  p:\n    process: [{words}]\n    ready: {_ready(command)}\n  c: {{client: {address}}}\n"
        "steps:\n  - start: p\n  - connect: c\n"
    )


def _ready(command: Record) -> str:
    if command.ready is not None:
        return f"{{log: {_quoted(command.ready.replace('$', '$$'))}}}"
    _, _, port = (command.connect or "").rpartition(":")
    if not port.isdigit():
        # A socket's file is there before anybody listens on it.
        raise RefusedError.of("by which line of its output does it say that it is ready? --ready PATTERN")
    return f"{{port: {port}}}"


def _word(word: str, directory: Path) -> str:
    """A word of the command; a file that is named from here is named from where the scenario is."""
    if "/" in word or Path(word).suffix:
        path = Path(word)
        if path.is_file() and not path.is_absolute():
            return _quoted("${here}/" + os.path.relpath(path, directory))
    return spelt(word)


def _quoted(text: str) -> str:
    """A text with references, as it was given."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
