"""Many threads of many processes call at once and fork meanwhile, and anyone may be killed; see the programs for more
of it."""

from . import storm, stress
from .conftest import MAY_FORK_WITH_THREADS


@MAY_FORK_WITH_THREADS
def test_no_answer_is_mixed_up_or_lost_and_nothing_is_left() -> None:
    assert stress.run(calls=3000, processes=4, threads=4, pool=2) == []


@MAY_FORK_WITH_THREADS
def test_whoever_is_killed_the_pool_serves_again_and_nobody_is_left() -> None:
    complaints, seconds = storm.run(kills=15, pool=2)
    assert complaints == 0
    assert sum(map(len, seconds.values())) == 16
