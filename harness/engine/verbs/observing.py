"""event, events, tree, eventually, log: what is seen of daemons and processes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from harness.engine.actors.daemon import DaemonActor
from harness.engine.actors.program import Reading
from harness.engine.actors.started import StartedActor
from harness.engine.actors.syslog import SyslogActor
from harness.engine.elapsed import elapsed_problem
from harness.engine.lookup import Given
from harness.engine.match import check, describe
from harness.engine.observe import Ending
from harness.engine.shown import show_text
from harness.engine.timeline import Mark
from harness.engine.verdicts import StepErroredError, StepFailedError
from harness.engine.waits import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.engine.actors.reports import Report
    from harness.engine.world import World
    from harness.model.matchers import Matcher
    from harness.model.steps import Event, Events, Eventually, Log, Tree
    from harness.model.values import Name

_SHOWN_EVENTS = 6


async def event(step: Event, world: World) -> Given:
    """Wait for the first event like this that no other step has waited for."""
    daemon = world.actor(step.of, DaemonActor)
    since = None if step.since is None else world.scope.mark(step.since)

    def find() -> Report | None:
        for index, report in enumerate(daemon.reports):
            if index not in daemon.taken and _is_wanted(step, report, world, since=since):
                daemon.taken.add(index)
                return report
        return None

    after = f" after {step.since}" if step.since is not None else ""
    like = "".join(f" with {key} {describe(matcher, world.scope)}" for key, matcher in (step.where or {}).items())
    by = f" of process {describe(step.pid, world.scope)}" if step.pid is not None else ""
    report = await until(
        world.timeline.pulse,
        find,
        limit=world.limit(step),
        waited_for=f"{step.name} event of {daemon.name}{by}{like}{after}",
        dead=daemon.obituary,
        so_far=lambda: _what_came(daemon, since),
    )
    return Given(report.mark, {**report.fields, "pid": report.pid})


async def events(step: Events, world: World) -> Given:
    """Look at the events up to now."""
    daemon = world.actor(step.of, DaemonActor)
    daemon.drain()
    since = None if step.since is None else world.scope.mark(step.since)
    reports = [
        report
        for report in daemon.reports
        if (step.name is None or report.name == step.name)
        and (since is None or report.mark > since)
        and (step.pid is None or check(step.pid, report.pid, world.scope) is None)
    ]
    moment = reports[-1].mark.index - 1 if reports else None
    if step.count is not None:
        problem = check(step.count, len(reports), world.scope)
        if problem is not None:
            what = f"{step.name} events" if step.name is not None else "events"
            raise StepFailedError(f"the number of {what} of {daemon.name}: {problem}", moment=moment)
    if step.order is not None:
        order = _without_repeats([report.name for report in reports])
        if order != list(step.order):
            expected, came = ", ".join(step.order), ", ".join(order) or "none"
            raise StepFailedError(f"the events of {daemon.name} came as {came}; expected {expected}", moment=moment)
    return Given(world.timeline.mark())


async def tree(step: Tree, world: World) -> Given:
    """Look at the processes, as soon as a server serves."""
    daemon = world.actor(step.of, DaemonActor)
    serving = await until(
        world.timeline.pulse,
        lambda: daemon.serving,
        limit=world.limit(step),
        waited_for=f"server of {daemon.name} that serves",
        dead=daemon.obituary,
        so_far=daemon.last_words,
    )
    mark = world.timeline.mark()
    assert daemon.target is not None
    fields = {
        "daemon": daemon.target.pid,
        "server": serving.server,
        "children": daemon.children,
        "all": daemon.processes(),
        "generation": serving.number,
    }
    wanted = {
        "daemon": step.daemon,
        "server": step.server,
        "children": step.children,
        "all": step.all,
        "generation": step.generation,
    }
    for name, matcher in wanted.items():
        problem = None if matcher is None else check(matcher, fields[name], world.scope)
        if problem is not None:
            raise StepFailedError(f"{name} of {daemon.name}: {problem}")
    return Given(mark, fields, fields["all"])


async def eventually(step: Eventually, world: World) -> Given:
    """Wait until all that the step names is true at the same time."""
    began = world.timeline.mark()
    since = None if step.since is None else world.scope.mark(step.since)
    actor = None if step.of is None else world.actors[step.of.path[0]]
    probes = _probes(step, world, since=since)
    if not probes:
        raise StepErroredError("the step says nothing that could come true")
    dead = actor.obituary if isinstance(actor, StartedActor | SyslogActor) else lambda: None
    await until(
        world.timeline.pulse,
        lambda: True if all(probe() is None for probe in probes) else None,
        limit=world.limit(step),
        waited_for=_wanted(step, world),
        dead=dead,
        so_far=lambda: next((problem for probe in probes if (problem := probe()) is not None), None),
    )
    came = world.timeline.mark()
    if step.gone is not None and step.status is not None:
        _check_statuses(step.gone, step.status, world)
    if step.elapsed is not None:
        problem = elapsed_problem(step.elapsed, came, world, since=since or began)
        if problem is not None:
            name = None if step.since is None else str(step.since)
            raise StepFailedError(f"the time until it was true: {problem}", since=name)
    return Given(came)


async def log(step: Log, world: World) -> Given:
    """Look at the output up to now."""
    actor = _writer(step.of, world)
    actor.drain()
    lines = actor.output.since(None if step.since is None else world.scope.mark(step.since))
    words = actor.last_words() or f"{actor.name} wrote nothing"
    mark = world.timeline.mark()
    if step.line is not None:
        wanted = step.line
        mark = _behind_first(wanted, actor, world, since=step.since) or mark
        matching = sum(check(wanted, line, world.scope) is None for line in lines)
        if step.count is None and not matching:
            expected = describe(wanted, world.scope)
            raise StepFailedError(f"no line of {actor.name} as expected ({expected}); {words}")
    else:
        matching = len(lines)
    if step.count is not None:
        problem = check(step.count, matching, world.scope)
        if problem is not None:
            raise StepFailedError(f"the number of such lines of {actor.name}: {problem}; {words}")
    if step.no_line is not None:
        for line in lines:
            if check(step.no_line, line, world.scope) is None:
                unwanted = describe(step.no_line, world.scope)
                raise StepFailedError(f"{actor.name} wrote {show_text(line)}, expected no such line ({unwanted})")
    return Given(mark)


def _behind_first(
    wanted: Matcher, actor: StartedActor | SyslogActor, world: World, *, since: Name | None
) -> Mark | None:
    """The moment just behind the first such line; None where there is none."""
    begin = None if since is None else world.scope.mark(since)
    for line in actor.output.lines:
        if (begin is None or line.mark >= begin) and check(wanted, line.text, world.scope) is None:
            # Later than this line and not later than the next, which may have the same index in a flood.
            return Mark(line.mark.index, math.nextafter(line.mark.at, math.inf))
    return None


def _is_wanted(step: Event, report: Report, world: World, *, since: Mark | None) -> bool:
    if report.name != step.name or (since is not None and not report.mark > since):
        return False
    if step.pid is not None and check(step.pid, report.pid, world.scope) is not None:
        return False
    return all(
        key in report.fields and check(matcher, report.fields[key], world.scope) is None
        for key, matcher in (step.where or {}).items()
    )


def _what_came(daemon: DaemonActor, since: Mark | None) -> str:
    came = [report for report in daemon.reports if since is None or report.mark > since]
    words = daemon.last_words()
    if not came:
        return "no event came" + (f"; {words}" if words else "")
    shown = ", ".join(f"{report.name} ({report.pid})" for report in came[-_SHOWN_EVENTS:])
    return f"there came {'... ' if len(came) > _SHOWN_EVENTS else ''}{shown}" + (f"; {words}" if words else "")


def _without_repeats(names: list[str]) -> list[str]:
    return [name for index, name in enumerate(names) if index == 0 or names[index - 1] != name]


def _wanted(step: Eventually, world: World) -> str:
    """What is waited for, after "no": "line of d as expected ('ready' in it)"."""
    matchers = {
        "operations done": step.done,
        "operations failed": step.failed,
        "line": step.log,
        "children": step.children,
        "server": step.server,
    }
    wanted = [
        f"{name} of {step.of} as expected ({describe(matcher, world.scope)})"
        for name, matcher in matchers.items()
        if matcher is not None
    ]
    return " and ".join([*([f"end of {step.gone}"] if step.gone is not None else []), *wanted])


def _probes(step: Eventually, world: World, *, since: Mark | None) -> list[Callable[[], str | None]]:
    """One function for each thing that must be true: None when it is, else what is otherwise."""
    probes: list[Callable[[], str | None]] = []
    if step.gone is not None:
        gone = step.gone
        pids = _pids(gone, world)
        probes.append(lambda: _still_there(gone, pids, world))
    if step.of is None:
        return probes
    actor = world.actors[step.of.path[0]]

    def look(matcher: Matcher | None, name: str, value: Callable[[], object]) -> None:
        if matcher is not None:
            probes.append(lambda: _prefixed(name, check(matcher, value(), world.scope)))

    look(step.done, "operations done", lambda: actor.published("done"))
    look(step.failed, "operations failed", lambda: actor.published("failed"))
    if step.log is not None:
        probes.append(_look_for_line(_writer(step.of, world), step.log, world, since=since))
    if step.children is not None or step.server is not None:
        daemon = world.actor(step.of, DaemonActor)
        look(step.children, "children", lambda: daemon.children)
        look(step.server, "server", lambda: daemon.server)
    return probes


def _pids(name: Name, world: World) -> list[int]:
    value = world.scope.value(name)
    pids: list[int] = []
    for pid in value if isinstance(value, list) else [value]:
        if not isinstance(pid, int) or isinstance(pid, bool):
            raise StepErroredError(f"{name} is neither a pid nor a list of pids")
        # From here on its pidfd wakes the wait when it ends.
        world.census.see(pid)
        pids.append(pid)
    return pids


def _still_there(name: Name, pids: list[int], world: World) -> str | None:
    left = [pid for pid in pids if (seen := world.census.known(pid)) is not None and not seen.has_ended]
    return f"{', '.join(map(str, left))} of {name} still runs" if left else None


def _check_statuses(name: Name, wanted: Matcher, world: World) -> None:
    for pid in _pids(name, world):
        seen = world.census.known(pid)
        ending = None if seen is None else seen.ending
        if ending is None or ending == Ending(None, None):
            raise StepErroredError(f"nobody could see how {pid} of {name} ended: it was no child of the harness")
        problem = "it has none" if ending.status is None else check(wanted, ending.status, world.scope)
        if problem is not None:
            raise StepFailedError(f"{pid} of {name} {ending}: {problem}")


def _writer(name: Name, world: World) -> StartedActor | SyslogActor:
    """The actor of that name, which the loader has made sure has lines."""
    actor = world.actors[name.path[0]]
    if not isinstance(actor, StartedActor | SyslogActor):
        raise StepErroredError(f"{name} is a {actor.kind}, which writes no lines")
    return actor


def _look_for_line(
    actor: StartedActor | SyslogActor, wanted: Matcher, world: World, *, since: Mark | None
) -> Callable[[], str | None]:
    reading = Reading(actor.output, since)
    expected = None
    found = False

    def probe() -> str | None:
        nonlocal expected, found
        now = describe(wanted, world.scope)
        if now != expected:
            # What the matcher refers to has changed: lines that were not wanted then may be now.
            expected, found = now, False
            reading.rewind()
        found = found or any(check(wanted, line, world.scope) is None for line in reading.new())
        return None if found else actor.last_words() or f"{actor.name} wrote nothing"

    return probe


def _prefixed(name: str, problem: str | None) -> str | None:
    return None if problem is None else f"{name}: {problem}"
