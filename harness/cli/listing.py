"""`harness list`: the items of a suite, or the implementations, for people or as JSON."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from harness.cli.suites import choose, paths_or_default, refusal
from harness.implementations import available, folders
from harness.load.manifest import load_manifest
from harness.model.source import InvalidInputError
from harness.report.text import printable

if TYPE_CHECKING:
    from pathlib import Path

    from harness.cli.arguments import List
    from harness.model.scenario import Scenario


def list_suite(command: List) -> int:
    """Print one line for each, or one JSON array."""
    rows = _implementations(command) if command.implementations else _items(command)
    if command.json:
        sys.stdout.write(json.dumps([data for _, _, data in rows], indent=2) + "\n")
        return 0
    width = max((len(name) for name, _, _ in rows), default=0)
    sys.stdout.write("".join(printable(f"{name:<{width}}  {about}") + "\n" for name, about, _ in rows))
    return 0


def _items(command: List) -> list[tuple[str, str, dict[str, object]]]:
    return [(item.item, item.title, _item_data(item)) for item in choose(command.choice).items]


def _item_data(item: Scenario) -> dict[str, object]:
    return {
        "item": item.item,
        "scenario": item.path,
        "title": item.title,
        "file": item.location.file,
        "clauses": item.clauses,
        "needs": sorted(item.needs),
        "tags": item.tags,
        "cell": dict(item.cell),
    }


def _implementations(command: List) -> list[tuple[str, str, dict[str, object]]]:
    found = available(folders(paths_or_default(command.choice.paths)))
    return [_implementation(argument, path) for argument, path in found.items()]


def _implementation(argument: str, path: Path) -> tuple[str, str, dict[str, object]]:
    try:
        manifest = load_manifest(path)
    except InvalidInputError as error:
        raise refusal(error.problems) from error
    profiles = sorted(manifest.profiles)
    data: dict[str, object] = {
        "implementation": argument,
        "name": manifest.name,
        "language": manifest.language,
        "homepage": manifest.homepage,
        "profiles": profiles,
        "file": str(path),
        "setup": manifest.setup,
    }
    return argument, f"{manifest.language}: {', '.join(profiles)}   {path}", data
