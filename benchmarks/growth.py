"""How cost grows with scenarios, and with what a pool of service processes has: processes, services, keys."""

import functools
from collections.abc import Callable, Iterator

from benchmarks.asking import LOOKS, VARNISHTEST, run_by_varnishtest_seconds, run_seconds, why_absent
from benchmarks.cost import Cost, Points, first, kept, second
from benchmarks.curve import Axis, Curve
from benchmarks.effort import Effort
from benchmarks.figure import OURS
from benchmarks.holding import KIB_EACH, MIB, MILLISECONDS
from benchmarks.programs import python, values_of
from benchmarks.scenarios import check_seconds

SCENARIOS = (10, 30, 100, 300, 1000)
PROCESSES = (1, 2, 4, 8, 16, 32)
SERVICES = (1, 3, 10, 30, 100, 300)
KEYS = (10, 100, 1000, 10_000)


def curves(effort: Effort) -> Iterator[Curve]:
    """All of them."""
    yield from _scenarios(effort)
    yield from _services(effort)


def _scenarios(effort: Effort) -> Iterator[Curve]:
    sizes = effort.steps(*SCENARIOS)
    reason = why_absent(VARNISHTEST)
    yield Curve(
        "scenarios-check",
        "Time to load and check scenarios",
        Axis("scenarios"),
        Axis("seconds"),
        {"harness check": functools.partial(_each, check_seconds, sizes)},
        "Python's start and imports at the left end, then the YAML parser",
        one_more=("ms", 1000.0, "a scenario"),
    )
    runners = {"harness run": run_seconds, VARNISHTEST: run_by_varnishtest_seconds}
    yield Curve(
        "scenarios-run",
        "Time to run scenarios without processes",
        Axis("scenarios"),
        Axis("seconds"),
        {
            name: functools.partial(_each, run, sizes)
            for name, run in runners.items()
            if name != VARNISHTEST or not reason
        },
        "a request each to a server that runs already: what is left is what the engine does around it",
        one_more=("ms", 1000.0, "a scenario"),
        absent={VARNISHTEST: reason} if reason else {},
    )


def _services(effort: Effort) -> Iterator[Curve]:
    looks = min(LOOKS, effort.rounds)
    pool = kept(_pool_of, looks)
    sizes = effort.steps(*PROCESSES)
    yield Curve(
        "processes-memory",
        "Memory of a pool of service processes",
        Axis("service processes"),
        Axis(MIB),
        {OURS: functools.partial(second, pool, sizes)},
        "pages that a service process has written to; the left end has the keeper and its deputy",
        one_more=(*KIB_EACH, "a service process"),
    )
    yield Curve(
        "processes-time",
        "Time until a pool of service processes serves",
        Axis("service processes"),
        Axis(MILLISECONDS),
        {OURS: functools.partial(first, pool, sizes)},
        "forks one after the other, and what a service process does until it listens, on as many cores as there are",
        one_more=("ms", 1.0, "a service process"),
    )
    named = kept(functools.partial(_pool, "services"), looks)
    sizes = effort.steps(*SERVICES)
    yield Curve(
        "services-time",
        "Time until a pool of 2 serves so many services",
        Axis("services"),
        Axis(MILLISECONDS),
        {OURS: functools.partial(first, named, sizes)},
        "the factory of each, and its callbacks",
        one_more=("us", 1000.0, "a service"),
    )
    yield Curve(
        "services-call",
        "A call, by the number of services",
        Axis("services"),
        Axis("microseconds"),
        {OURS: functools.partial(second, named, sizes)},
        "nothing that grows: a name is looked up in a dictionary",
    )
    keyed = kept(functools.partial(_pool, "keys"), looks)
    sizes = effort.steps(*KEYS)
    yield Curve(
        "keys-call",
        "A call of a sticky service, by the number of keys",
        Axis("keys", is_logarithmic=True),
        Axis("microseconds"),
        {
            "with a new key": functools.partial(first, keyed, sizes),
            "with a known key": functools.partial(second, keyed, sizes),
        },
        "nothing that grows: the place of a key is a digest, and nothing is kept for it",
    )


def _each(measured: Callable[[int], float], sizes: tuple[int, ...]) -> Points:
    return ((size, measured(size)) for size in sizes)


def _pool(row: str, number: int) -> Cost:
    return Cost(*values_of(*python("pool.py", row, str(number))))


def _pool_of(processes: int) -> Cost:
    milliseconds, _, mebibytes = values_of(*python("pool.py", "ready", str(processes)))
    return Cost(milliseconds, mebibytes)
