"""What a pool of service processes costs beside its calls, and calls without processes or over TCP."""

import functools
import importlib.util
from collections.abc import Callable, Iterator

from benchmarks.effort import Effort
from benchmarks.figure import OURS, Aim, Figure
from benchmarks.programs import pinned, python, ruby, value_of, values_of, why_no_ruby
from benchmarks.services import DRUBY


def figures(effort: Effort) -> Iterator[Figure]:
    """All of them."""
    yield Figure(
        "pool-ready",
        "a pool of 4 service processes, until all serve",
        "ms",
        {OURS: _value("ready", 4)},
        (Aim(200, 60),),
        "6 forks, of the keeper, its deputy and the 4, which then open their listeners, on as many cores as there are",
    )
    yield Figure(
        "pool-healed",
        "a service process killed, until its successor answers",
        "ms",
        {OURS: _value("healed", 0)},
        (Aim(100, 10),),
        "the end of the dead one, a fork and the factory; the call waits in the socket's queue meanwhile",
    )
    yield Figure(
        "pool-memory",
        "memory of an idle service process (USS)",
        "MiB",
        {OURS: lambda: values_of(*python("pool.py", "ready", "1"))[1]},
        (Aim(3, 1.5),),
        "pages that reference counts have written to: CPython shares no object with its parent that it has looked at",
    )
    yield Figure(
        "service-inside",
        "service call without processes, beyond a plain call",
        "us",
        {OURS: _value("inside", effort.count(100_000))},
        (Aim(2, 0.5),),
        "the service is found by its name for each call; a caller that keeps the object pays nothing",
    )
    yield _over_tcp(effort.count(3000, least=20))


def _over_tcp(calls: int) -> Figure:
    absent = {OURS: "Dask is not installed (extra dask)"} if importlib.util.find_spec("distributed") is None else {}
    if reason := why_no_ruby():
        absent[DRUBY] = reason
    commands = {OURS: python("pool.py", "TCP", str(calls)), DRUBY: ruby("calls.rb", "TCP", str(calls))}
    return Figure(
        "service-tcp",
        "service call over TCP and TLS, placed by an engine (all on one core; dRuby without TLS)",
        "us",
        {peer: functools.partial(_microseconds, command) for peer, command in commands.items() if peer not in absent},
        (Aim(1, 2.5, DRUBY),),
        "as any call of one client, and TLS: four times a record is made or opened",
        less_is_better=True,
        absent=absent,
        most_rounds=3,
    )


def _value(row: str, number: int) -> Callable[[], float | None]:
    return functools.partial(value_of, *python("pool.py", row, str(number)))


def _microseconds(command: tuple[str, ...]) -> float | None:
    seconds = value_of(*pinned(command))
    return None if seconds is None else seconds * 1e6
