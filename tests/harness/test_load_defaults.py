"""What files and folders say for all: the nearest counts, and a mistake is told in the file that it stands in."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.load.scenario import load_scenarios
from harness.load.suite import load_suite
from harness.model.actors import Client, Daemon, Listen, Load, Reads
from harness.model.manifest import Profile
from harness.model.source import InvalidInputError

if TYPE_CHECKING:
    from harness.model.scenario import Scenario

SCENARIO = """
    scenario: an example
    actors:
      d: {daemon: probe}
      c: {client: d}
    steps:
      - start: d
      - connect: c
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A suite's folder within others; what stands above it does not count."""
    (tmp_path / "defaults.yaml").write_text("tags: [beyond]\n", encoding="utf-8")
    place = tmp_path / "suite" / "topic"
    place.mkdir(parents=True)
    (tmp_path / "suite" / ".git").mkdir()
    return place


def write(path: Path, text: str) -> Path:
    path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
    return path


def load(place: Path, text: str = SCENARIO) -> tuple[Scenario, ...]:
    return load_scenarios(write(place / "a.yaml", text), root=place)


def told(place: Path, text: str = SCENARIO) -> list[str]:
    with pytest.raises(InvalidInputError) as caught:
        load(place, text)
    problems = caught.value.problems
    return [f"{Path(p.location.file).name}:{p.location.line}:{p.location.column}: {p.message}" for p in problems]


def test_a_folder_says_what_its_files_do_not(place: Path) -> None:
    write(place.parent / "defaults.yaml", "needs: [daemon]\ntags: [far]\ndefaults: {daemon: {listen: unix}}\n")
    write(place / "defaults.yaml", "tags: [near, far]\ndefaults: {client: {reads: when_asked}}\n")
    (scenario,) = load(place)
    assert scenario.needs == {Profile.DAEMON}
    assert scenario.tags == ("far", "near")
    daemon, client = scenario.actors
    assert isinstance(daemon, Daemon)
    assert daemon.listen is Listen.UNIX
    assert isinstance(client, Client)
    assert client.reads is Reads.WHEN_ASKED


def test_the_nearest_counts(place: Path) -> None:
    write(place.parent / "defaults.yaml", "needs: [daemon]\ndefaults: {load: {clients: 1, pause: 1s, within: 9s}}\n")
    write(place / "defaults.yaml", "defaults: {load: {clients: 2, pause: 2s}}\n")
    (scenario,) = load(
        place,
        """
        scenario: an example
        needs: [core]
        defaults: {load: {clients: 3}}
        actors:
          d: {daemon: probe}
          one: {load: d, send: a, expect: a, operations: 1}
          two: {load: d, send: a, expect: a, operations: 1, clients: 4}
        steps:
          - start: d
          - background: one
          - background: two
        """,
    )
    loads = [actor for actor in scenario.actors if isinstance(actor, Load)]
    assert [(load.clients, str(load.pause), str(load.within)) for load in loads] == [(3, "2s", "9s"), (4, "2s", "9s")]
    assert scenario.needs == {Profile.CORE}


@pytest.mark.parametrize(
    ("far", "near", "own", "limits"),
    [
        ("5s", "{start: 20s}", "", {"every": 5, "start": 20}),
        ("{start: 20s}", "5s", "", {"every": 5}),
        ("{start: 20s, talk: 1s}", "{every: 5s, talk: 2s}", "", {"every": 5, "talk": 2}),
        ("{start: 20s}", "{talk: 2s}", "{talk: 3s}", {"start": 20, "talk": 3}),
        ("1s", "2s", "3s", {"every": 3}),
    ],
)
def test_time_limits_are_those_of_the_nearest_that_has_one(
    place: Path, far: str, near: str, own: str, limits: dict[str, float]
) -> None:
    write(place.parent / "defaults.yaml", f"within: {far}\n")
    write(place / "defaults.yaml", f"within: {near}\n")
    (scenario,) = load(place, textwrap.dedent(SCENARIO) + (f"within: {own}\n" if own else ""))
    got = {verb: limit.seconds for verb, limit in scenario.limits if verb != "every"}
    if scenario.within is not None:
        got["every"] = scenario.within.seconds
    assert got == limits


def test_a_file_has_the_variables_of_its_folder_that_it_refers_to(place: Path) -> None:
    write(place / "defaults.yaml", "matrix: {listen: [tcp, unix], processes: [0, 2], other: [a, b]}\n")
    assert [scenario.item for scenario in load(place)] == ["a"]
    text = SCENARIO.replace("{daemon: probe}", '{daemon: probe, listen: "${listen}"}')
    assert [scenario.item for scenario in load(place, text)] == ["a[tcp]", "a[unix]"]
    text += "    matrix: {listen: [tcp6]}\n"
    assert [scenario.item for scenario in load(place, text)] == ["a[tcp6]"]


def test_a_variable_may_stand_in_defaults(place: Path) -> None:
    write(place / "defaults.yaml", 'matrix: {listen: [tcp, unix]}\ndefaults: {daemon: {listen: "${listen}"}}\n')
    daemons = [scenario.actors[0] for scenario in load(place)]
    assert [daemon.listen for daemon in daemons if isinstance(daemon, Daemon)] == [Listen.TCP, Listen.UNIX]


def test_a_mistake_is_told_once_and_where_it_stands(place: Path) -> None:
    write(place / "defaults.yaml", "defaults:\n  client: {reads: slowly}\n")
    text = SCENARIO.replace("    steps:", "      e: {client: d}\n    steps:") + "      - connect: e\n"
    assert told(place, text) == ["defaults.yaml:2:19: `slowly` is not known here"]


def test_a_folder_has_no_options_but_its_own(place: Path) -> None:
    write(place / "defaults.yaml", "within: {tolk: 1s}\nsteps: []\ntag: [a]\n")
    assert told(place) == [
        "defaults.yaml:1:10: `tolk` is not a verb",
        "defaults.yaml:2:1: `steps` is not an option of a folder's defaults",
        "defaults.yaml:3:1: `tag` is not an option of a folder's defaults",
    ]


@pytest.mark.parametrize("text", ["- a\n", "tags: [a\n", "\tx\n", ""])
def test_a_folder_whose_defaults_cannot_be_read_is_refused(place: Path, text: str) -> None:
    write(place / "defaults.yaml", text)
    assert all(line.startswith("defaults.yaml:") for line in told(place))


def test_defaults_are_no_scenario_and_are_checked_with_a_suite(place: Path) -> None:
    write(place / "a.yaml", SCENARIO)
    write(place / "defaults.yaml", "tags: [slow]\n")
    suite = load_suite([place])
    assert [scenario.tags for scenario in suite.scenarios] == [("slow",)]
    assert suite.problems == ()
    write(place / "defaults.yaml", "tgas: [slow]\n")
    assert len(load_suite([place]).problems) == 1
