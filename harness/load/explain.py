"""What each code of a problem means, with an example of the mistake and of what was meant.

An example that begins with `- ` is steps, which stand behind the `FRAME`; any other is a whole file. A test holds each
of them to its code: the one has the problem, the other has not.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from harness.load.codes import Code

FRAME = """\
scenario: an example
actors:
  d: {daemon: probe}
  c: {client: d}
  load: {load: d, send: echo x, expect: ok x, operations: 10}
steps:
  - start: d
    as: up
  - connect: c
  - background: load
"""
_FILE = "scenario: an example\nactors: {d: {daemon: echo}}\nsteps:\n  - start: d\n"


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a code means; the examples are empty where a few lines cannot show it."""

    meaning: str
    bad: str = ""
    good: str = ""


def in_frame(example: str) -> str:
    """The example as a whole file."""
    return FRAME + textwrap.indent(example, "  ") if example.startswith("- ") else example


_E = Explanation

EXPLANATIONS: dict[Code, Explanation] = {
    Code.UNREADABLE: _E("The file is not there, may not be read, or is no regular file."),
    Code.NOT_UTF8: _E("The file has a byte that is not UTF-8, which is the encoding of every scenario."),
    Code.TOO_LARGE: _E("The file is larger than a scenario can sensibly be; it is not read to its end."),
    Code.NO_SCENARIOS: _E(
        "A directory has no scenario, or a file ends in .yml and would never be run: scenarios end in .yaml."
    ),
    Code.DUPLICATE_ITEM: _E("Two files give items of the same id, so that nobody could select one of them."),
    Code.SYNTAX: _E("The text is no YAML.", "scenario: [an example\n", _FILE),
    Code.TAB: _E("A tab stands where YAML takes spaces only.", "scenario: x\nactors:\n\td: {daemon: echo}\n", _FILE),
    Code.CHARACTER: _E(
        "A character may not stand in YAML as it is; between double quotes an escape stands for it.",
        "scenario: a\x07bell\n",
        'scenario: "a\\abell"\n' + _FILE.partition("\n")[2],
    ),
    Code.EMPTY_FILE: _E("There is nothing in the file but comments.", "# to be written\n", _FILE),
    Code.SECOND_DOCUMENT: _E("A file is one scenario; `---` begins a second document.", _FILE + "---\n" + _FILE, _FILE),
    Code.DIRECTIVE: _E("Directives (`%YAML`, `%TAG`) have no use here.", "%YAML 1.2\n---\n" + _FILE, _FILE),
    Code.TOO_DEEP: _E("Mappings and lists are nested deeper than any scenario needs."),
    Code.TOO_MANY: _E("The file has more values than any scenario needs."),
    Code.ALIAS: _E(
        "Anchors and aliases are not taken: what is shared stands in `matrix` or in a macro.",
        "scenario: &a an example\nactors: {d: {daemon: echo}}\nsteps: [{start: d}]\ntags: [*a]\n",
        _FILE,
    ),
    Code.TAG: _E("Tags (`!!str`) are not taken; quotes make text of anything.", "scenario: !!str 1\n", _FILE),
    Code.MERGE_KEY: _E("`<<` is not taken.", "scenario: x\n<<: {a: b}\n", _FILE),
    Code.KEY_TYPE: _E("A key is text.", "scenario: x\n[a, b]: c\n", _FILE),
    Code.DUPLICATE_KEY: _E(
        "A key stands twice in one mapping, and only one could count.", _FILE + "scenario: another\n", _FILE
    ),
    Code.WRONG_TYPE: _E(
        "There is a list where a mapping is expected, a text where a number is, and so on.",
        "- signal: {to: d, signal: HUP, times: often}",
        "- signal: {to: d, signal: HUP, times: 3}",
    ),
    Code.EMPTY_VALUE: _E("A key has no value.", "- connect:", "- close: c"),
    Code.UNKNOWN_KEY: _E(
        "A key is none of those that may stand there; the hint names the nearest.",
        "- talk: c\n  send: echo a\n  expects: ok a",
        "- talk: c\n  send: echo a\n  expect: ok a",
    ),
    Code.MISSING_KEY: _E("A key is missing that must be there.", "- talk: c", "- talk: {to: c, send: echo a}"),
    Code.UNKNOWN_VALUE: _E(
        "A word is none of a closed list.",
        "- signal: {to: d, action: restart}",
        "- signal: {to: d, action: restart_graceful}",
    ),
    Code.OUT_OF_RANGE: _E(
        "A number is too small or too large.",
        "- signal: {to: d, signal: HUP, times: 0}",
        "- signal: {to: d, signal: HUP, times: 1}",
    ),
    Code.BAD_NUMBER: _E(
        "A number is none that JSON has.",
        "- configure: {of: d, server: {thread_num: .inf}}",
        "- configure: {of: d, server: {thread_num: 4}}",
    ),
    Code.BAD_DURATION: _E(
        "A span of time always has a unit: ms, s, m or h.",
        "- talk: {to: c, send: echo a}\n  within: 5",
        "- talk: {to: c, send: echo a}\n  within: 5s",
    ),
    Code.BAD_NAME: _E("A name has letters, digits, `-` and `_`.", "- close: a client", "- close: c"),
    Code.BAD_REFERENCE: _E(
        "A reference is `${name}`, `${name.field}` or `${name.field:-default}`; `$$` is a dollar.",
        '- send: {to: c, line: "costs $5"}',
        '- send: {to: c, line: "costs $$5"}',
    ),
    Code.BAD_PATTERN: _E(
        "A regular expression is none, or matches the empty string and with it every text.",
        '- log: {of: d, line: {matches: "x*"}}',
        '- log: {of: d, line: {matches: "x+"}}',
    ),
    Code.UNKNOWN_OPERATOR: _E(
        "A matcher has an operator that there is not.",
        "- log: {of: d, line: {includes: ready}}",
        "- log: {of: d, line: {contains: ready}}",
    ),
    Code.BAD_ADDRESS: _E(
        "What a client speaks to is a daemon, HOST:PORT or unix:PATH.",
        'scenario: x\nactors: {c: {client: "localhost:http"}}\nsteps: [{connect: c}]\n',
        'scenario: x\nactors: {c: {client: "localhost:80"}}\nsteps: [{connect: c}]\n',
    ),
    Code.BAD_MODE: _E(
        "Permissions are four octal digits, between quotes.",
        '- write: {path: a, content: b, mode: "rw"}',
        '- write: {path: a, content: b, mode: "0640"}',
    ),
    Code.ACTOR_KIND: _E(
        "An actor has the key of exactly one kind: daemon, process, client, load, ...",
        "scenario: x\nactors: {d: {deamon: echo}}\nsteps: [{start: d}]\n",
        _FILE,
    ),
    Code.NO_VERB: _E("A step has one verb, and this has none that is known.", "- conect: c", "- close: c"),
    Code.TWO_VERBS: _E("A step has one verb.", "- stop: d\n  close: c", "- close: c\n- stop: d"),
    Code.MISPLACED_VERB: _E(
        "A `barrier` stands in a branch of a `parallel`, and a `parallel` not within another.",
        "- barrier: both",
        "- parallel:\n    one: [{barrier: both}]\n    two: [{barrier: both}]",
    ),
    Code.MISPLACED_OPTION: _E(
        "The options of a verb stand beside it, or within its mapping, and not in both places.",
        "- talk: {to: c, send: echo a}\n  expect: ok a",
        "- talk: {to: c, send: echo a, expect: ok a}",
    ),
    Code.BAD_MATRIX: _E(
        "A matrix has too many cells, or a value that cannot be part of an item's name.",
        'matrix: {a: ["x,y"]}\n' + _FILE.replace("echo", '"${a}"'),
        "matrix: {a: [echo, probe]}\n" + _FILE.replace("echo", '"${a}"'),
    ),
    Code.UNUSED_VARIABLE: _E(
        "Nothing refers to a variable of the matrix, so its cells would be the same.",
        "matrix: {a: [echo, probe]}\n" + _FILE,
        "matrix: {a: [echo, probe]}\n" + _FILE.replace("echo", '"${a}"'),
    ),
    Code.UNKNOWN_CLAUSE: _E("A scenario names a clause that the suite's clauses.yaml does not have."),
    Code.DUPLICATE_VALUE: _E(
        "A value stands twice in a list of which each value counts once.",
        "matrix: {a: [echo, echo]}\n" + _FILE.replace("echo", '"${a}"'),
        "matrix: {a: [echo, probe]}\n" + _FILE.replace("echo", '"${a}"'),
    ),
    Code.UNKNOWN_MACRO: _E(
        "`use` names a file of macros that cannot be read, a macro that is not in it, or one that uses itself."
        " It is written `use: shared.macros.yaml#name`."
    ),
    Code.WRONG_INPUTS: _E(
        "A macro is given something that it does not take, or is not given what it needs: its file says, under `inputs`"
        " and `defaults`. The same of a function and its parameters."
    ),
    Code.UNKNOWN_FUNCTION: _E(
        "`python` names a module that cannot be read or is no Python, or a function that is not in it. It is written"
        " `python: checks:in_order`, for the function `in_order` of `checks.py` beside the file."
    ),
    Code.DUPLICATE_NAME: _E(
        "A name is given twice, or has a meaning already.",
        "- mark: up",
        "- mark: later\n- never: {of: d, event: at_stop, since: later}",
    ),
    Code.UNDEFINED_NAME: _E("Nothing has that name.", "- close: client", "- close: c"),
    Code.TOO_EARLY: _E(
        "A name is used before the step that gives it, or in another branch.",
        "- never: {of: d, event: at_stop, since: quiet}\n- mark: quiet",
        "- mark: quiet\n- never: {of: d, event: at_stop, since: quiet}",
    ),
    Code.UNKNOWN_FIELD: _E(
        "What has the name does not publish such a field.",
        '- send: {to: c, line: "${d.process}"}',
        '- send: {to: c, line: "${d.pid}"}',
    ),
    Code.WRONG_KIND: _E("A name stands for something else than is needed there.", "- connect: d", "- close: c"),
    Code.UNUSED_ACTOR: _E(
        "No step uses an actor.",
        _FILE.replace("echo}", "echo}, c: {client: d}"),
        _FILE.replace("echo}", "echo}, c: {client: d}") + "  - connect: c\n",
    ),
    Code.NOT_STARTED: _E(
        "A step needs a daemon or process that no step has started by then.",
        "scenario: x\nactors: {d: {daemon: echo}}\nsteps:\n  - stop: d\n",
        "scenario: x\nactors: {d: {daemon: echo}}\nsteps:\n  - start: d\n  - stop: d\n",
    ),
    Code.NOT_CONNECTED: _E(
        "A step needs a connection that no step has opened by then, or that one has closed.",
        "- close: c\n- talk: {to: c, send: echo a}",
        "- talk: {to: c, send: echo a}\n- close: c",
    ),
    Code.NOT_RUNNING: _E(
        "A step looks at a load that no `background` has begun by then.",
        "scenario: x\nactors: {d: {daemon: echo}, l: {load: d, send: a, expect: a, operations: 1}}\n"
        "steps: [{start: d}, {wait: l}]\n",
        "scenario: x\nactors: {d: {daemon: echo}, l: {load: d, send: a, expect: a, operations: 1}}\n"
        "steps: [{start: d}, {background: l}, {wait: l}]\n",
    ),
    Code.NOTHING_CHECKED: _E(
        "A step that looks at something does not say what it must be, so it could not fail.",
        "- log: d",
        "- log: {of: d, line: {contains: ready}}",
    ),
    Code.CONTRADICTION: _E(
        "Two options exclude each other.",
        "- exit: {of: d, status: 0, signal: KILL}",
        "- exit: {of: d, signal: KILL}",
    ),
    Code.ALWAYS_TRUE: _E(
        "A matcher or a step holds whatever happens.",
        "- log: {of: d, line: {contains: ''}}",
        "- log: {of: d, line: {contains: ready}}",
    ),
    Code.NEVER_TRUE: _E(
        "A matcher or a step cannot hold whatever happens.",
        "- check: {of: load, done: {over: 5, under: 3}}",
        "- check: {of: load, done: {over: 3, under: 5}}",
    ),
    Code.NO_EFFECT: _E(
        "An option or a step does nothing.",
        "- log: {of: d, line: ready, within: 5s}",
        "- eventually: {of: d, log: ready, within: 5s}",
    ),
}
