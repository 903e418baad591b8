"""Many threads of many processes call at once and fork meanwhile, and anyone may be killed; see the programs for more
of it. The same holds for processes that an engine has placed, which are called over TCP."""

import pytest

from riser.services.engines.engine import Engine

from . import storm, stress
from .conftest import MAY_FORK_WITH_THREADS
from .here import HereEngine

pytestmark = MAY_FORK_WITH_THREADS


@pytest.mark.parametrize(("engine", "calls"), [(None, 3000), (HereEngine(), 1000)], ids=["pool", "placed"])
def test_no_answer_is_mixed_up_or_lost_and_nothing_is_left(engine: Engine | None, calls: int) -> None:
    assert stress.run(calls=calls, processes=4, threads=4, pool=2, engine=engine) == []


@pytest.mark.parametrize(("engine", "kills"), [(None, 15), (HereEngine(), 6)], ids=["pool", "placed"])
def test_whoever_is_killed_the_pool_serves_again_and_nobody_is_left(engine: Engine | None, kills: int) -> None:
    complaints, seconds = storm.run(kills=kills, pool=2, engine=engine)
    assert complaints == 0
    assert sum(map(len, seconds.values())) == kills + 1
