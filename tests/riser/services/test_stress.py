"""Many threads of many processes call at once and fork meanwhile; see the program for more of it."""

from .conftest import MAY_FORK_WITH_THREADS
from .stress import run


@MAY_FORK_WITH_THREADS
def test_no_answer_is_mixed_up_or_lost_and_nothing_is_left() -> None:
    assert run(calls=3000, processes=4, threads=4, pool=2) == []
