"""The reference of the language, as Markdown: made of the model's own docstrings and options, as the schema is."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from harness.load.codes import Code
from harness.load.explain import EXPLANATIONS
from harness.load.steps import KINDS
from harness.load.validate import options_of
from harness.model.fields import RESULT_FIELDS
from harness.model.macros import MacroHead
from harness.model.matchers import OPERATORS
from harness.model.scenario import BODY, Head
from harness.model.steps import VERBS, Common
from harness.model.values import Duration

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from harness.load.validate import Option

_INTRODUCTION = """\
# Scenarios: the reference

`harness doc` writes this file from the docstrings of the harness; do not edit it. [tutorial.md](tutorial.md) begins at
the beginning, and [waiting.md](waiting.md) says how steps wait.

A scenario is a YAML file: who takes part (`actors`), and what happens (`steps`), in order. A step has one verb. What
the verb is about stands behind it with the options beside it, or all of them stand in one mapping:

```yml
- talk: c
  send: echo one
  expect: ok one
- talk: {to: c, send: echo one, expect: ok one}
```

`${name.field}` stands for what an actor or a step publishes, `${workspace}` for the item's own directory, `${here}` for
that of the scenario file, `$$` for a dollar. Spans of time have a unit: `250ms`,
`2s`, `1m`, `1h`."""


def reference() -> str:
    """The whole page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _INTRODUCTION
    yield from ("", "## The file", "")
    yield from _table(list(options_of(Head).by_key.values()))
    yield from (f"| `{key}` | {_cell(doc)} |" for key, doc in BODY.items())
    yield from ("", "## Actors", "")
    for word, model in KINDS.items():
        yield from _section(word, model)
        yield from ("", f"Publishes {_listed(model.publishes)}.", "")
    yield from ("## Steps", "", "Every step may have these:", "")
    yield from _table(list(options_of(Common).by_key.values()))
    yield ""
    for word, verb in VERBS.items():
        yield from _section(word, verb, common=set(options_of(Common).by_key))
        yield from ("", f"{_limit(verb)} {_result(verb)}", "")
    yield from (
        "## Defaults",
        "",
        "A file called `defaults.yaml` speaks for the scenarios of its folder and of those below. What is nearest",
        "counts: the actor or step, the file, its folder, the folders above, up to the one with a `clauses.yaml`, or",
        "else the repository's. It may have these keys of a scenario file:",
        "",
        "| key | |",
        "|---|---|",
        "| `tags` | words beside those of the files |",
        "| `needs` | for files that have none |",
        "| `within` | limits for steps that wait; a single span is for every verb and ends those from further above |",
        "| `matrix` | variables; a file has those that it refers to |",
        "| `defaults` | options by kind of actor: `{client: {reads: when_asked}}` |",
        "",
    )
    yield from (
        "## Macros",
        "",
        "A file whose name ends in `macros.yaml` has `macros`, a mapping from names to these:",
        "",
    )
    yield from _table(list(options_of(MacroHead).by_key.values()))
    yield "| `defaults` | values of inputs that need not be given |"
    yield "| `steps` | its steps, in which `${input}` stands for an input |"
    yield from (
        "",
        "## Matchers",
        "",
        "A single value is equality. A mapping has one or more of these, which must all hold:",
    )
    yield from ("", "| operator | holds when |", "|---|---|")
    yield from (f"| `{word}` | {_cell(_sentence(operator))} |" for word, operator in OPERATORS.items())
    yield from (
        "",
        "## Problems",
        "",
        "`harness explain CODE` shows an example of each.",
        "",
        "| code | meaning |",
        "|---|---|",
    )
    yield from (f"| `{code}` | {_cell(EXPLANATIONS[code].meaning)} |" for code in Code)


def _section(word: str, model: type[Any], *, common: Collection[str] = ()) -> Iterator[str]:
    yield from (f"### {word}", "", _doc(model), "")
    options = [option for option in options_of(model).by_key.values() if option.key not in common or option.is_subject]
    yield from _table(options, word=word)


def _table(options: list[Option], *, word: str = "") -> Iterator[str]:
    yield from ("| key | |", "|---|---|")
    for option in options:
        key = (
            f"`{word}`, or `{option.key}` in a mapping"
            if option.is_subject and option.key != word
            else f"`{option.key}`"
        )
        required = " (needed)" if option.is_required and not option.is_subject else ""
        yield f"| {key}{required} | {_cell(option.doc)} |"


def _limit(verb: type[Any]) -> str:
    return "It does not wait." if verb.limit is None else f"It waits {Duration(verb.limit)} at most, by default."


def _result(verb: type[Any]) -> str:
    if verb.gives is None:
        return "It gives nothing that `as` could name."
    fields = RESULT_FIELDS[verb.gives]
    publishes = "whatever fields there are" if fields is None else _listed(fields) if fields else "its outputs"
    return f"`as` names a {verb.gives}, which publishes {publishes}."


def _doc(model: type[Any]) -> str:
    return inspect.getdoc(model) or ""


def _sentence(model: type[Any]) -> str:
    return _doc(model).split("\n\n")[0]


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
