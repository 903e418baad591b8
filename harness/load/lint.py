"""What is well formed and makes no sense: steps that check nothing, options that contradict or do nothing.

Each verb has one method that knows its options. Matchers are weighed where they are read, see `weigh`.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import fields
from typing import TYPE_CHECKING, assert_never

from harness.load.codes import Code
from harness.load.notes import Notes, listed
from harness.load.steps import Broken, Part, flattened
from harness.load.validate import options_of
from harness.model.actors import (
    Actor,
    Certificate,
    Client,
    ClientTls,
    Daemon,
    Handler,
    KeepAlive,
    Load,
    Process,
    Terminal,
)
from harness.model.fields import doc_of, is_subject, key_of
from harness.model.matchers import Equals, Matcher
from harness.model.steps import (
    VERBS,
    Answer,
    Background,
    Barrier,
    Cancel,
    Check,
    Close,
    Common,
    Configure,
    Connect,
    Connected,
    Disturbance,
    Event,
    Events,
    Eventually,
    Exit,
    Expect,
    Fault,
    File,
    Latency,
    Launch,
    Log,
    Mark,
    Never,
    Notified,
    Parallel,
    Pause,
    Python,
    Request,
    Resize,
    Response,
    Send,
    Signal,
    Start,
    Step,
    Stop,
    Talk,
    Throughout,
    Tree,
    Use,
    Wait,
    Write,
    every_step,
)
from harness.model.values import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_MODE = re.compile(r"0?[0-7]{3}|[0-7]{4}")


def lint_actor(part: Part[Actor], notes: Notes) -> None:
    """Note what makes no sense in an actor, whatever the steps are."""
    match part.value:
        case Load() as load:
            _lint_load(part, load, notes)
            if load.tls is not None:
                _lint_tls(part, load.tls, notes)
        case Certificate(names=()):
            message = "a certificate is for somebody, and its list is empty"
            notes.add(part.place("certificate"), Code.EMPTY_VALUE, message)
        case Daemon(keep_alive=KeepAlive(), handler=handler) if handler is not Handler.HTTP:
            message = f"`keep_alive` is about the handler `http`, and this is `{handler}`"
            notes.add(part.place("keep_alive"), Code.NO_EFFECT, message)
        case Client(tls=ClientTls() as tls):
            _lint_tls(part, tls, notes)
        case Process(command=()) | Terminal(command=()) as actor:
            message = f"a {actor.kind} needs a program, and its list is empty"
            notes.add(part.place(actor.kind), Code.EMPTY_VALUE, message)
        case _:
            pass


def _lint_tls(part: Part[Actor], tls: ClientTls, notes: Notes) -> None:
    if tls.key is not None and tls.certificate is None:
        notes.add(part.place("key"), Code.NO_EFFECT, "`key` goes with `certificate`, which is not given")
    if tls.verify and tls.ca is None:
        hint = "`ca` names a file of authorities; `verify: false` trusts everybody"
        kind = "load" if isinstance(part.value, Load) else "client"
        message = f"this {kind} trusts nobody: its `tls` needs `ca`"
        notes.add(part.place("tls"), Code.MISSING_KEY, message, hint)
    if not tls.verify and tls.ca is not None:
        message = "`verify: false` trusts everybody, so `ca` does nothing"
        notes.add(part.place("ca"), Code.CONTRADICTION, message)


def _lint_load(part: Part[Actor], load: Load, notes: Notes) -> None:
    if load.send is None and load.get is None:
        notes.add(part.place(None), Code.MISSING_KEY, "a `load` needs `send` or `get`")
    elif load.send is not None and load.get is not None:
        notes.add(part.place("get"), Code.CONTRADICTION, "`send` and `get` exclude each other")
    _lint_line(part, "send", load.send, notes)
    if load.get is None:
        _lint_line(part, "expect", load.expect, notes)
    elif any(mark.isspace() for mark in str(load.get)):
        notes.add(part.place("get"), Code.NEVER_TRUE, "a path has no white space, and this breaks the request")


def lint_step(part: Part[Step], notes: Notes) -> None:
    """Note what makes no sense in a step, whatever its subject is."""
    if not isinstance(part.value, Broken):
        _Linter(part, notes).lint(part.value)


def lint_places(part: Part[Step], notes: Notes) -> None:
    """Note barriers that hold nobody, or everybody for ever, and what stands in a `parallel` that may not."""
    match part.value:
        case Parallel(branches=branches):
            barriers = [each for each in flattened([part]) if isinstance(each.value, Barrier)]
            for each in flattened(part.blocks[0] if part.blocks else ()):
                if isinstance(each.value, Parallel):
                    notes.add(each.node, Code.MISPLACED_VERB, "a `parallel` has no other within it")
            _lint_barriers(barriers, branches, notes)
            if len(branches) < 2:
                notes.add(part.place("parallel"), Code.NO_EFFECT, "one branch alone is parallel to nothing")
        case Barrier():
            message = "a `barrier` stands in a branch of a `parallel`, and here is nobody to wait for"
            notes.add(part.node, Code.MISPLACED_VERB, message)
        case _:
            for block in part.blocks:
                for inner in block:
                    lint_places(inner, notes)


def _lint_barriers(barriers: list[Part[Step]], branches: Mapping[str, tuple[Step, ...]], notes: Notes) -> None:
    names = [[step.name for step in every_step(branch) if isinstance(step, Barrier)] for branch in branches.values()]
    for part in barriers:
        assert isinstance(part.value, Barrier)
        name = part.value.name
        counts = [branch.count(name) for branch in names if name in branch]
        if len(counts) < 2:
            message = f"one branch alone has the barrier `{name}`, so it waits for nobody"
            notes.add(part.node, Code.NO_EFFECT, message)
        elif max(counts) > 1:
            message = f"a branch comes to the barrier `{name}` twice, and it opens once"
            notes.add(part.node, Code.NEVER_TRUE, message)


def _lint_line(part: Part[Actor] | Part[Step], key: str, line: Text | Matcher | None, notes: Notes) -> None:
    text = line.operand.text if isinstance(line, Equals) else line
    if isinstance(text, Text) and "\n" in str(text):
        notes.add(part.place(key), Code.NEVER_TRUE, "a line has no line end within it", "one line at a time")


def _given(step: Step) -> list[str]:
    """The keys of the verb's own options, its subject left out, that have been given."""
    return [key_of(spec) for spec in _OWN[type(step)] if getattr(step, spec.name) is not spec.default]


_COMMON = options_of(Common).by_key
_OWN = {
    verb: [
        spec
        for spec in fields(verb)
        if doc_of(spec) is not None and not is_subject(spec) and key_of(spec) not in _COMMON
    ]
    for verb in VERBS.values()
}
_VERB_OF = {model: verb for verb, model in VERBS.items()}


class _Linter:
    """Looks at one step."""

    def __init__(self, part: Part[Step], notes: Notes) -> None:
        self._part = part
        self._notes = notes

    def lint(self, step: Step) -> None:  # noqa: C901 - the table of the verbs
        """What holds for every verb, and for this one."""
        self._common(step)
        match step:
            case Exit():
                self._exclude(step, ("status", "signal"), "a process ends with a status or by a signal")
                self._need_with(step, "since", "elapsed")
            case Signal():
                self._one_of(step, ("action", "signal"))
            case Send():
                self._one_of(step, ("line", "text", "key"))
                _lint_line(self._part, "line", step.line, self._notes)
                if step.text is not None and step.text.parts == ("",):
                    self._note("text", Code.NO_EFFECT, "an empty text sends nothing")
            case Expect():
                self._check_something(step)
                _lint_line(self._part, "line", step.line, self._notes)
                self._expect(step)
                self._need_with(step, "since", "elapsed")
            case Talk():
                _lint_line(self._part, "send", step.send, self._notes)
                _lint_line(self._part, "expect", step.expect, self._notes)
            case Notified():
                if not step.where:
                    self._note("where", Code.NOTHING_CHECKED, "any message would do: `where` names no variable")
            case Events():
                self._events(step)
            case Eventually():
                self._eventually(step)
            case Log():
                self._check_something(step, besides=("since", "count"))
                self._need_with(step, "count", "line")
            case File():
                self._check_something(step)
                if step.exists is False and len(_given(step)) > 1:
                    self._note("exists", Code.CONTRADICTION, "a file that does not exist has nothing to look at")
            case Check():
                self._check(step)
            case Pause():
                self._pause(step)
            case Never():
                self._check_something(step, besides=("since", "until", "where"))
                self._need_with(step, "where", "event")
                self._span(step)
            case Throughout():
                self._check_something(step, besides=("since", "until"))
                self._span(step)
            case Fault():
                self._fault(step)
            case Write():
                self._write(step)
            case Connect():
                self._connect(step)
            case Request():
                self._request(step)
            case Response():
                self._answer(step.expect)
                self._need_with(step, "since", "elapsed")
            case Configure():
                if not _given(step):
                    self._note(None, Code.NO_EFFECT, "this `configure` changes nothing")
            case (
                Start() | Launch() | Stop() | Close() | Event() | Tree() | Background() | Wait() | Cancel()
                | Mark() | Parallel() | Barrier() | Use() | Resize() | Python()
            ):  # fmt: skip
                pass
            case _:
                assert_never(step)

    def _note(self, key: str | None, code: Code, message: str, hint: str | None = None) -> None:
        self._notes.add(self._part.place(key), code, message, hint)

    def _common(self, step: Step) -> None:
        verb = _VERB_OF[type(step)]
        if step.as_name is not None and step.gives is None:
            self._note("as", Code.NO_EFFECT, f"`{verb}` gives nothing that `as` could name")
        if step.within is not None and step.limit is None:
            self._note("within", Code.NO_EFFECT, f"`{verb}` does not wait, so `within` does nothing")
        elif step.within is not None and step.within.seconds <= 0:
            self._note("within", Code.OUT_OF_RANGE, "a time limit is more than nothing")

    def _check_something(self, step: Step, besides: tuple[str, ...] = ("since", "elapsed")) -> None:
        if not set(_given(step)) - set(besides):
            verb = _VERB_OF[type(step)]
            options = options_of(type(step)).by_key.values()
            words = [o.key for o in options if not o.is_subject and o.key not in (*_COMMON, *besides)]
            self._note(None, Code.NOTHING_CHECKED, f"this `{verb}` checks nothing", f"give it {listed(words)}")

    def _one_of(self, step: Step, keys: tuple[str, ...]) -> None:
        given = set(_given(step)) & set(keys)
        if not given:
            self._note(None, Code.MISSING_KEY, f"`{_VERB_OF[type(step)]}` needs {listed(keys)}")
        for pair in itertools.combinations(keys, 2):
            self._exclude(step, pair, f"{listed(pair, 'and')} exclude each other")

    def _expect(self, step: Expect) -> None:
        self._exclude(step, ("line", "end"), "`line` waits for a line, and `end` says that none comes")
        for pair in (("text", "pattern"), ("line", "text"), ("line", "pattern"), ("text", "end"), ("pattern", "end")):
            self._exclude(step, pair, f"{listed(pair, 'and')} exclude each other")
        if step.text is not None and step.text.parts == ("",):
            self._note("text", Code.ALWAYS_TRUE, "an empty text is shown at once, whatever the terminal shows")

    def _exclude(self, step: Step, keys: tuple[str, str], message: str) -> None:
        if set(keys) <= set(_given(step)):
            self._note(keys[1], Code.CONTRADICTION, message)

    def _need_with(self, step: Step, key: str, other: str) -> None:
        given = _given(step)
        if key in given and other not in given:
            self._note(key, Code.NO_EFFECT, f"`{key}` goes with `{other}`, which is not given")

    def _write(self, step: Write) -> None:
        self._one_of(step, ("content", "copy"))
        if step.mode is not None and not _MODE.fullmatch(step.mode):
            message = f'expected permissions as four octal digits such as "0640", found `{step.mode}`'
            self._note("mode", Code.BAD_MODE, message)

    def _connect(self, step: Connect) -> None:
        if step.reason is not None and step.expect is not Connected.REJECTED:
            self._note("reason", Code.NO_EFFECT, "`reason` goes with `expect: rejected`, which is not given")

    def _events(self, step: Events) -> None:
        self._check_something(step, besides=("since", "name", "pid"))
        order = step.order or ()
        if step.name is not None and step.order is not None:
            self._note("order", Code.CONTRADICTION, "`order` is about several names, and `name` leaves one")
        if step.order == ():
            self._note("order", Code.NO_EFFECT, "`order` is an empty list; `count: 0` says that there are none")
        for name, following in itertools.pairwise(order):
            if name == following:
                message = f"`order` counts `{name}` once, however often it comes in a row"
                self._note("order", Code.NEVER_TRUE, message)

    def _eventually(self, step: Eventually) -> None:
        self._check_something(step)
        others = set(_given(step)) - {"gone", "status", "since", "elapsed"}
        if step.gone is not None and (step.of is not None or others):
            message = "`gone` names what must be gone, and goes with no other subject or condition"
            self._note("gone", Code.CONTRADICTION, message)
        if step.gone is None and step.of is None:
            self._note(None, Code.MISSING_KEY, "`eventually` needs `of`, or `gone`")
        self._need_with(step, "status", "gone")

    def _fault(self, step: Fault) -> None:
        given = _given(step)
        if step.do is Disturbance.TRICKLE and step.rate is None:
            self._note(None, Code.MISSING_KEY, "`trickle` needs `rate`, the bytes a second")
        for key, only in (("rate", Disturbance.TRICKLE), ("count", Disturbance.GARBLE)):
            if key in given and step.do is not only:
                self._note(key, Code.NO_EFFECT, f"`{key}` goes with `{only}`, and this is `{step.do}`")
        if step.do in (Disturbance.RESUME, Disturbance.GONE):
            for key in {"direction", "after"} & set(given):
                self._note(key, Code.NO_EFFECT, f"`{step.do}` is at once, and about the whole")

    def _pause(self, step: Pause) -> None:
        if step.time.seconds <= 0:
            self._note(None, Code.NO_EFFECT, "this `pause` lets no time pass")
        if not step.because.strip():
            self._note("because", Code.EMPTY_VALUE, "expected why nothing can be waited for, found nothing")

    def _span(self, step: Never | Throughout) -> None:
        if step.until is not None and step.until.path == step.since.path:
            self._note("until", Code.ALWAYS_TRUE, "the time from a mark to itself has nothing in it")

    def _request(self, step: Request) -> None:
        if not _TOKEN.fullmatch(step.method):
            self._note("method", Code.UNKNOWN_VALUE, f"expected a method such as GET, found `{step.method}`")
        for key, text in {"path": step.path, **(step.headers or {})}.items():
            if any(mark in str(text) for mark in "\r\n") or (key == "path" and " " in str(text)):
                self._note(key, Code.NEVER_TRUE, f"`{key}` stands in one line of the request, and this breaks it")
        if not step.wait:
            for key in {"expect", "elapsed"} & set(_given(step)):
                message = f"`{key}` is about the response, and this step does not wait for it"
                self._note(key, Code.NO_EFFECT, message, "a `response` step may have it")
        self._answer(step.expect)

    def _answer(self, expect: Answer | None) -> None:
        if expect == Answer():
            self._note("expect", Code.NOTHING_CHECKED, "this `expect` checks nothing")

    def _check(self, step: Check) -> None:
        self._check_something(step)
        if step.longest_gap is not None and step.longest_gap.under.seconds <= 0:
            self._note("longest_gap", Code.NEVER_TRUE, "a gap is never below zero, so this never holds")
        if step.latency == Latency():
            self._note("latency", Code.NOTHING_CHECKED, "this `latency` checks nothing")
