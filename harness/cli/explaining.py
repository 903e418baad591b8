"""`harness explain`, `harness schema` and `harness doc`: what the harness says about its own language."""

from __future__ import annotations

import json
import sys
import textwrap
from typing import TYPE_CHECKING, assert_never

from harness.cli.arguments import Page
from harness.cli.refusal import RefusedError
from harness.load.codes import Code
from harness.load.explain import EXPLANATIONS
from harness.selection import hint

if TYPE_CHECKING:
    from harness.cli.arguments import Explain, Show


def explain(command: Explain) -> int:
    """Print what one code means, or a line for each."""
    if command.code is None:
        width = max(len(code) for code in Code)
        lines = [f"{code:<{width}}  {EXPLANATIONS[code].meaning}" for code in Code]
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        return 0
    if command.code not in list(Code):
        raise RefusedError.of(f"there is no code {command.code!r}{hint(command.code, [code.value for code in Code])}")
    explanation = EXPLANATIONS[Code(command.code)]
    parts = [f"{command.code}: {explanation.meaning}"]
    for title, example in (("wrong", explanation.bad), ("right", explanation.good)):
        if example:
            parts.append(f"{title}:\n{textwrap.indent(example.rstrip(), '    ')}")
    sys.stdout.write("\n\n".join(parts) + "\n")
    return 0


def show(command: Show) -> int:
    """Print the schema or the reference."""
    match command.page:
        case Page.SCHEMA:
            from harness.load.schema import scenario_schema

            sys.stdout.write(json.dumps(scenario_schema(), indent=1, ensure_ascii=False) + "\n")
        case Page.DEFAULTS:
            from harness.load.schema import defaults_schema

            sys.stdout.write(json.dumps(defaults_schema(), indent=1, ensure_ascii=False) + "\n")
        case Page.MACROS:
            from harness.load.schema import macros_schema

            sys.stdout.write(json.dumps(macros_schema(), indent=1, ensure_ascii=False) + "\n")
        case Page.DOC:
            from harness.load.reference import reference

            sys.stdout.write(reference())
        case _:
            assert_never(command.page)
    return 0
