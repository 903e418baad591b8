"""What docs/tutorial.md shows is true: each file is saved as its text says, and each command prints what stands there.

The files are saved in their order, under the name that the text before them gives between back quotes.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

from tests.conftest import DEADLINE_SECONDS
from tests.test_readme import without_chance

TUTORIAL = Path(__file__).parents[1] / "docs" / "tutorial.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_whoever_follows_the_tutorial_sees_what_it_shows(tmp_path: Path) -> None:
    text = TUTORIAL.read_text(encoding="utf-8")
    commands = 0
    for block in BLOCK.finditer(text):
        if block[1] == "console":
            command, _, shown = block[2].partition("\n")
            run = subprocess.run(
                [sys.executable, "-m", *shlex.split(command.removeprefix("$ "))],
                cwd=tmp_path,
                capture_output=True,
                encoding="utf-8",
                timeout=DEADLINE_SECONDS,
                check=False,
            )
            assert without_chance(run.stdout) == without_chance(shown), run.stdout + run.stderr
            commands += 1
        else:
            *_, name = re.findall(r"as `([a-z]+\.(?:py|yaml))`", text[: block.start()])
            (tmp_path / name).write_text(block[2], encoding="utf-8")
    assert commands == 3
