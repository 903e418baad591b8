"""`python: module:function`: that the function is there, and takes what it is given; nothing of it is run to know that.

The module is a file beside the one that the step stands in: `checks:in_order` is `in_order` of `checks.py`.
"""

from __future__ import annotations

import ast
import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.load.codes import Code
from harness.load.files import read_text
from harness.load.notes import listed, near
from harness.model.source import Problem
from harness.model.steps import Python

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.load.notes import Notes
    from harness.load.steps import Part
    from harness.model.steps import Step

_FORM = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):([A-Za-z_]\w*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Signature:
    """What a function can be given by name, and what of it it needs; `takes_any` with `**` among its parameters."""

    takes: tuple[str, ...]
    needs: tuple[str, ...]
    takes_any: bool


class UnusableError(Exception):
    """A module or function that no step can use; the message is a clause that says why."""


def check_function(part: Part[Step], notes: Notes) -> None:
    """Note a `python` step whose function is not there, or does not take what the step gives."""
    step = part.value
    if not isinstance(step, Python):
        return
    form = _FORM.fullmatch(step.function)
    if form is None:
        example = "`checks:in_order` is the function `in_order` of `checks.py`, beside this file"
        message = f"expected MODULE:FUNCTION, found `{step.function}`"
        notes.add(part.place("python"), Code.UNKNOWN_FUNCTION, message, example)
        return
    path = Path(part.node.file).parent / f"{form[1].replace('.', '/')}.py"
    try:
        functions = functions_of(path)
        if form[2] not in functions:
            others = f"it has {listed(functions, 'and')}" if functions else None
            message = f"there is no function `{form[2]}` in {path}"
            notes.add(part.place("python"), Code.UNKNOWN_FUNCTION, message, near(form[2], functions) or others)
            return
        _check_inputs(part, step, functions[form[2]], notes)
    except UnusableError as error:
        notes.add(part.place("python"), Code.UNKNOWN_FUNCTION, str(error))


def functions_of(path: Path) -> Mapping[str, Signature | None]:
    """The functions of a module by their names; None for what comes from elsewhere. Raises UnusableError."""
    try:
        status = path.stat()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UnusableError(f"the module {path} cannot be read: {reason}") from None
    return _functions_of(path, (status.st_mtime_ns, status.st_size))


@functools.lru_cache(maxsize=256)
def _functions_of(path: Path, stamp: tuple[int, int]) -> Mapping[str, Signature | None]:
    """`stamp` changes when the file does."""
    del stamp
    text = read_text(path)
    if isinstance(text, Problem):
        raise UnusableError(f"the module {path} cannot be read: {text.message}")
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        where = f" in line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        said = error.msg if isinstance(error, SyntaxError) else str(error)
        raise UnusableError(f"the module {path} is no Python{where}: {said}") from None
    return dict(_bound(module))


def _bound(module: ast.Module) -> Iterator[tuple[str, Signature | None]]:
    for node in module.body:
        match node:
            case ast.FunctionDef(name=name, args=arguments, decorator_list=[]):
                yield name, _signature(arguments)
            case ast.FunctionDef(name=name):  # A decorator may have changed what it takes.
                yield name, None
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                yield from ((each.asname or each.name, None) for each in names)
            case ast.Assign(targets=targets):
                yield from ((target.id, None) for target in targets if isinstance(target, ast.Name))
            case _:
                pass


def _signature(arguments: ast.arguments) -> Signature | None:
    if arguments.posonlyargs:
        return None  # What cannot be given by name fails when it is run.
    by_position = [each.arg for each in arguments.args]
    needed = by_position[: len(by_position) - len(arguments.defaults)]
    by_name = [each.arg for each in arguments.kwonlyargs]
    needed += [name for name, default in zip(by_name, arguments.kw_defaults, strict=True) if default is None]
    return Signature((*by_position, *by_name), tuple(needed), arguments.kwarg is not None)


def _check_inputs(part: Part[Step], step: Python, signature: Signature | None, notes: Notes) -> None:
    if signature is None:
        return
    given = step.inputs or {}
    unknown = [name for name in given if name not in signature.takes and not signature.takes_any]
    for name in unknown:
        others = f"it takes {listed(signature.takes, 'and')}" if signature.takes else "it takes nothing"
        message = f"`{step.function}` does not take `{name}`"
        notes.add(part.place("with"), Code.WRONG_INPUTS, message, near(name, signature.takes) or others)
    missing = [name for name in signature.needs if name not in given]
    if missing and not unknown:
        message = f"`{step.function}` needs {listed(missing, 'and')}"
        hint = f"`with: {{{missing[0]}: ...}}` gives it"
        notes.add(part.place("with"), Code.WRONG_INPUTS, message, hint)
