"""A right file becomes the values that it says; what has no golden file about how it is read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.load.codes import Code
from harness.load.scenario import load_scenarios, read_scenarios
from harness.model.actors import Client, Daemon, Handler, Listen, Load, Process
from harness.model.manifest import Action, Profile
from harness.model.matchers import All, AtLeast, AtMost, Equals, Fields, Length, Not, NotIn, SameAs
from harness.model.source import InvalidInputError, Location, Problem
from harness.model.steps import Check, Eventually, Exit, Expect, Log, Signal, Start, Talk, Tree
from harness.model.values import Duration, Name, Pattern, Reference, Scalar, SignalName, Text

if TYPE_CHECKING:
    from harness.model.scenario import Scenario

patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Machines that do much else are slow at times."""

SUITE = Path(__file__).parents[2] / "scenarios"

RESTART = """\
scenario: a graceful restart never drops a client
clauses: [restart.graceful, restart.lossless]
needs: [daemon]
tags: [slow]
within: 3s
matrix:
  listen: [tcp, unix]
  processes: [0, 2]
actors:
  d:    {daemon: probe, listen: "${listen}", server: {process_num: "${processes}"}}
  old:  {client: d}
  load: {load: d, clients: 8, send: "echo ${n}", expect: "ok ${n}"}
steps:
  - start: d
  - tree: d
    as: before
  - connect: old
  - talk: old
    send: echo one
    expect: ok one
  - background: load
  - eventually: {of: load, done: {at_least: 50}}
  - signal: {to: d, action: restart_graceful}
    as: hup
  - event: {of: d, name: preprocess, since: hup}
  - tree: d
    server: {not_in: before}
  - close: old
  - eventually: {gone: before.server}
  - cancel: load
  - check: load
    failed: 0
    longest_gap: {under: 250ms, since: hup}
finally:
  - log: d
    no_line: {contains: Traceback}
"""


def read(text: str) -> tuple[Scenario, ...]:
    return read_scenarios(text, "file.yaml", name="topic/file")


def one_step(step: str, actors: str = "d: {daemon: probe}") -> object:
    (scenario,) = read(f"scenario: a step\nactors:\n  {actors}\nsteps:\n  - start: d\n  - {step}\n")
    return scenario.steps[1]


def text_at(text: str, line: int, column: int) -> Text:
    return Text((text,), Location("file.yaml", line, column))


def test_a_file_makes_one_item_for_each_cell_of_its_matrix() -> None:
    assert [scenario.item for scenario in read(RESTART)] == [
        "topic/file[tcp,0]",
        "topic/file[tcp,2]",
        "topic/file[unix,0]",
        "topic/file[unix,2]",
    ]


def test_the_head_of_a_file_is_read() -> None:
    first, *_ = read(RESTART)
    assert first.title == "a graceful restart never drops a client"
    assert first.clauses == ("restart.graceful", "restart.lossless")
    assert first.needs == {Profile.DAEMON}
    assert first.tags == ("slow",)
    assert first.within == Duration(3.0)
    assert first.cell == (("listen", "tcp"), ("processes", "0"))
    assert first.location == Location("file.yaml", 1, 1)


def test_a_scenario_needs_the_core_profile_by_default() -> None:
    (scenario,) = read("scenario: x\nactors: {d: {daemon: echo}}\nsteps: [{start: d}]\n")
    assert scenario.needs == {Profile.CORE}


def test_actors_are_read() -> None:
    *_, last = read(RESTART)
    daemon, client, load = last.actors
    assert isinstance(daemon, Daemon)
    assert (daemon.name, daemon.handler, daemon.listen, daemon.server) == (
        "d",
        Handler.PROBE,
        Listen.UNIX,
        {"process_num": 2},
    )
    assert client == Client("old", Location("file.yaml", 11, 3), text_at("d", 11, 18))
    assert isinstance(load, Load)
    assert (load.clients, str(load.send)) == (8, "echo ${n}")
    assert load.send is not None
    assert load.send.parts == ("echo ", Reference(("n",), Location("file.yaml", 12, 43)))


def test_steps_are_read_in_both_forms() -> None:
    first, *_ = read(RESTART)
    assert first.steps[0] == Start(Location("file.yaml", 14, 5), of=Name(("d",), Location("file.yaml", 14, 12)))
    talk = first.steps[3]
    assert isinstance(talk, Talk)
    assert talk.expect == Equals(Scalar(text_at("ok one", 20, 13), "ok one"))
    signal = first.steps[6]
    assert isinstance(signal, Signal)
    assert (signal.to.path, signal.action, signal.as_name) == (("d",), Action.RESTART_GRACEFUL, "hup")
    eventually = first.steps[5]
    assert isinstance(eventually, Eventually)
    assert eventually.done == AtLeast(50.0)
    check = first.steps[12]
    assert isinstance(check, Check)
    assert check.longest_gap is not None
    assert check.longest_gap.under == Duration(0.25)


def test_steps_under_finally_are_kept_apart() -> None:
    first, *_ = read(RESTART)
    assert [type(step) for step in first.always] == [Log]


def test_what_no_variable_touches_is_read_once() -> None:
    first, second, *_ = read(RESTART)
    assert first.steps[3] is second.steps[3]
    assert first.actors[0] is not second.actors[0]


def test_options_called_like_verbs_are_options() -> None:
    exit_step = one_step("{exit: d, signal: KILL}")
    assert isinstance(exit_step, Exit)
    assert exit_step.signal == SignalName("KILL")
    eventually = one_step("{eventually: d, log: {matches: ready}}")
    assert isinstance(eventually, Eventually)
    assert eventually.log is not None


def test_matchers_are_read() -> None:
    tree = one_step(
        "{tree: d, daemon: {same_as: d.pid}, server: {not: {not_in: d.children}}, "
        "children: {length: {at_least: 1, at_most: 3}}}"
    )
    assert isinstance(tree, Tree)
    assert isinstance(tree.daemon, SameAs)
    assert tree.daemon.operand.path == ("d", "pid")
    assert isinstance(tree.server, Not)
    assert isinstance(tree.server.operand, NotIn)
    assert tree.children == Length(All((AtLeast(1.0), AtMost(3.0))))


def test_a_mapping_of_fields_is_read() -> None:
    step = one_step("{events: d, count: {fields: {a: 1, b: {contains: x}}}}")
    matcher = getattr(step, "count", None)
    assert isinstance(matcher, Fields)
    assert [key for key, _ in matcher.operand] == ["a", "b"]


def test_a_comparison_keeps_the_authors_characters_and_the_value() -> None:
    actors = "{d: {daemon: probe}, c: {client: d}}"
    for written, value in (("1.20", 1.2), ("yes", "yes"), ('"1.20"', "1.20"), ("0x10", 16), ("true", True)):
        (scenario,) = read(
            f"scenario: x\nactors: {actors}\nsteps:\n  - start: d\n  - connect: c\n  - expect: c\n    line: {written}\n"
        )
        expect = scenario.steps[2]
        assert isinstance(expect, Expect)
        assert isinstance(expect.line, Equals)
        assert str(expect.line.operand.text) == written.strip('"')
        assert expect.line.operand.value == value


def test_a_whole_value_keeps_its_type_and_a_part_becomes_text() -> None:
    scenarios = read(
        "scenario: x\nmatrix: {v: [1, '2', true]}\n"
        'actors: {d: {daemon: probe, server: {whole: "${v}", part: "${v}0"}}}\nsteps: [{start: d}]\n'
    )
    servers = [actor.server for scenario in scenarios for actor in scenario.actors if isinstance(actor, Daemon)]
    assert servers == [
        {"whole": 1, "part": "10"},
        {"whole": "2", "part": "20"},
        {"whole": True, "part": "true0"},
    ]


def test_a_dollar_is_written_twice() -> None:
    (scenario,) = read(
        "scenario: x\nactors: {d: {daemon: probe}, c: {client: d}}\nsteps:\n"
        '  - start: d\n  - connect: c\n  - talk: c\n    send: "$$${d.pid}$$"\n'
    )
    talk = scenario.steps[2]
    assert isinstance(talk, Talk)
    assert talk.send.parts == ("$", Reference(("d", "pid"), Location("file.yaml", 7, 14)), "$")


def test_a_reference_may_have_a_default() -> None:
    (scenario,) = read(
        "scenario: x\nactors: {d: {daemon: probe}, c: {client: d}}\nsteps:\n"
        '  - start: d\n  - connect: c\n  - talk: c\n    send: "${d.path:-no path}"\n'
    )
    talk = scenario.steps[2]
    assert isinstance(talk, Talk)
    assert talk.send.whole == Reference(("d", "path"), Location("file.yaml", 7, 12), "no path")


def test_a_process_is_read() -> None:
    (scenario,) = read(
        'scenario: x\nactors:\n  p: {process: [nginx, -c, "${workspace}/conf"], ready: {log: started, port: 80}}\n'
        "steps:\n  - start: p\n"
    )
    (process,) = scenario.actors
    assert isinstance(process, Process)
    assert [str(word) for word in process.command] == ["nginx", "-c", "${workspace}/conf"]
    assert (process.ready.log, process.ready.port) == (Pattern("started"), 80)


def test_an_event_publishes_any_field_and_every_result_is_a_moment() -> None:
    read(
        "scenario: x\nactors: {d: {daemon: probe}, c: {client: d}}\nsteps:\n"
        "  - start: d\n    as: up\n"
        "  - event: {of: d, name: at_stat, since: up}\n    as: stat\n"
        "  - connect: c\n"
        '  - talk: c\n    send: "${stat.stat.thread_queue.push_count} ${up.at} ${stat.at}"\n    as: reply\n'
        "  - expect: c\n    end: closed\n    since: reply\n    elapsed: {under: 1s}\n"
    )


def test_actors_may_refer_to_each_other() -> None:
    read(
        "scenario: x\n"
        'actors: {d: {daemon: probe}, p: {process: [x, "${d.address}"], ready: {log: y}}}\n'
        "steps: [{start: d}, {start: p}]\n"
    )


def test_a_problem_of_some_cells_names_the_first() -> None:
    with pytest.raises(InvalidInputError) as caught:
        read('scenario: x\nmatrix: {times: [1, 0, 2]}\nactors: {d: {daemon: probe}}\nsteps:\n  - start: d\n'
             '  - signal: {to: d, signal: HUP, times: "${times}"}\n')  # fmt: skip
    (problem,) = caught.value.problems
    assert problem.message.endswith("(in the cell [0])")


def test_a_problem_of_all_cells_is_told_once_and_names_none() -> None:
    with pytest.raises(InvalidInputError) as caught:
        read('scenario: x\nmatrix: {listen: [tcp, unix]}\nactors: {d: {daemon: probe, listen: "${listen}"}}\n'
             "steps:\n  - start: e\n")  # fmt: skip
    (problem,) = caught.value.problems
    assert problem.message == "nothing is called `e`"


def test_problems_come_in_the_order_of_the_file() -> None:
    with pytest.raises(InvalidInputError) as caught:
        read("scenario: x\nactors: {d: {daemon: prob}}\nsteps:\n  - stat: d\n  - start: e\nmore: 1\nmore: 2\n")
    lines = [problem.location.line for problem in caught.value.problems]
    assert lines == sorted(lines)
    assert set(lines) == {2, 4, 5, 6, 7}


@pytest.mark.parametrize("path", sorted(SUITE.glob("*/*.yaml")), ids=lambda path: path.stem)
def test_every_scenario_of_the_suite_is_right(path: Path) -> None:
    assert load_scenarios(path, root=SUITE)


LINES = RESTART.splitlines()
LINE = st.integers(0, len(LINES) - 1)
DAMAGE = st.one_of(
    st.tuples(LINE, st.just("")),
    st.tuples(LINE, st.sampled_from(["LINE\nLINE", "  LINE", "LINE: x", "LINE}", "- LINE", "x: LINE", "LINE []"])),
    st.tuples(LINE, st.sampled_from(["  - tree: hup", "  e: {client: old}", "    since: before", "  listen: []"])),
    st.tuples(LINE, st.sampled_from(['    send: "${before.server.x} $"', "    expect: {length: {each: {under: 2}}}"])),
)


def damaged(damages: list[tuple[int, str]]) -> str:
    lines = list(LINES)
    for number, pattern in damages:
        lines[number] = pattern.replace("LINE", lines[number])
    return "\n".join(lines)


def problems_of(text: str) -> tuple[Problem, ...]:
    try:
        return () if read(text) else (Problem(Location("file.yaml", 0, 0), "", "neither items nor problems"),)
    except InvalidInputError as error:
        return error.problems


@patient
@given(st.lists(DAMAGE, min_size=1, max_size=5))
def test_a_damaged_file_is_read_or_refused_with_places_in_it(damages: list[tuple[int, str]]) -> None:
    text = damaged(damages)
    for problem in problems_of(text):
        assert problem.code in set(Code)
        assert 1 <= problem.location.line <= text.count("\n") + 2
        assert problem.location.column >= 1
