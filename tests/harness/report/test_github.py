"""Annotations for build pages."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from harness.report.github import GitHub
from harness.report.run import Run, replay

if TYPE_CHECKING:
    from collections.abc import Callable


def test_each_red_item_is_annotated_at_its_line(whole_run: Run, golden: Callable[[str, str], None]) -> None:
    stream = io.StringIO()
    replay(whole_run, [GitHub(stream)])
    golden("github.txt", stream.getvalue())
