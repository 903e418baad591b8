"""Runs one function of a module of the user's, in a process of its own: the other side of the verb `python`.

    escape.py DIRECTORY MODULE FUNCTION RESULT   < arguments, as JSON
                                      RESULT     > what it gave, or what it raised, as JSON

It is started as a script and imports nothing of the harness. A process of its own can be ended when it takes too long,
may block, and leaves the engine as it was.
"""

from __future__ import annotations

import importlib.util
import json
import linecache
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType


def main(directory: str, name: str, function: str, result: str) -> None:
    """Call it, and write what came of it."""
    sys.dont_write_bytecode = True  # Nothing is left beside the scenario.
    sys.path[0] = directory
    arguments = json.load(sys.stdin)
    try:
        outcome = {"gave": getattr(_module(directory, name), function)(**arguments)}
        text = json.dumps(outcome, allow_nan=False)
    except BaseException as error:  # noqa: BLE001 - whatever it raises is what is reported, SystemExit too
        traceback.print_exc()
        text = json.dumps({"raised": type(error).__name__, "said": _said(error), "at": _place(error)})
    Path(result).write_text(text, encoding="utf-8")


def _module(directory: str, name: str) -> ModuleType:
    path = Path(directory, *name.split(".")).with_suffix(".py")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _frame(error: BaseException) -> traceback.FrameSummary | None:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
    own = [frame for frame in frames if not frame.filename.startswith(("<", sys.prefix, sys.base_prefix))]
    return own[-1] if own else None


def _said(error: BaseException) -> str:
    """What it says; for a bare assertion that is its line."""
    frame = _frame(error)
    if str(error) or not isinstance(error, AssertionError) or frame is None or frame.lineno is None:
        return str(error)
    return linecache.getline(frame.filename, frame.lineno).strip()


def _place(error: BaseException) -> str | None:
    frame = _frame(error)
    return None if frame is None else f"{Path(frame.filename).name}:{frame.lineno}"


if __name__ == "__main__":
    main(*sys.argv[1:])
