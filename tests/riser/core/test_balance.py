"""Who gets the next connections, and what a ledger knows of those that were dealt."""

import collections

from hypothesis import given
from hypothesis import strategies as st

from riser.core.balance import MOST_PER_MESSAGE, Ledger, Load, plan
from riser.core.pace import AHEAD_SECONDS, SAMPLE


def _load(
    slot: int,
    unfinished: int,
    *,
    threads: int = 2,
    queue: int = 2,
    ahead: int = 0,
    doubtful: bool = False,
    dealt: int = 0,
) -> Load:
    return Load(
        slot=slot,
        unfinished=unfinished,
        idle=max(threads - unfinished, 0),
        ahead=ahead,
        credits=threads + queue - unfinished,
        doubtful=doubtful,
        dealt=dealt,
    )


def test_the_child_with_fewest_unfinished_gets_the_connection() -> None:
    assert plan([_load(0, 1), _load(1, 0), _load(2, 1)], 1, overflow=0) == {1: 1}


def test_of_equals_the_one_that_has_waited_longest_gets_it() -> None:
    assert plan([_load(0, 0, dealt=7), _load(1, 0, dealt=5)], 1, overflow=0) == {1: 1}


def test_connections_are_spread_over_idle_threads_and_the_rest_stays_in_the_process_queue() -> None:
    assert plan([_load(0, 0), _load(1, 1)], 9, overflow=0) == {0: 2, 1: 1}
    assert plan([_load(0, 2), _load(1, 2)], 9, overflow=0) == {}


def test_what_no_thread_is_idle_for_is_dealt_ahead() -> None:
    assert plan([_load(0, 0, ahead=1), _load(1, 2, ahead=1)], 2, overflow=0) == {0: 2}
    assert plan([_load(0, 0, ahead=1), _load(1, 2, ahead=1)], 9, overflow=0) == {0: 3, 1: 1}
    assert plan([_load(0, 1, ahead=9)], 9, overflow=0) == {0: 3}


def test_a_doubtful_child_is_dealt_nothing_ahead() -> None:
    assert plan([_load(0, 2, ahead=2, doubtful=True), _load(1, 2, ahead=1)], 9, overflow=0) == {1: 1}


def test_what_the_process_queue_cannot_hold_overflows_into_the_thread_queues() -> None:
    assert plan([_load(0, 2), _load(1, 3)], 9, overflow=1) == {0: 1}
    assert plan([_load(0, 2), _load(1, 3)], 9, overflow=9) == {0: 2, 1: 1}
    assert plan([_load(0, 4), _load(1, 4)], 9, overflow=9) == {}


def test_a_doubtful_child_gets_nothing_while_another_has_an_idle_thread_or_will_have_one() -> None:
    assert plan([_load(0, 0, doubtful=True), _load(1, 1)], 1, overflow=0) == {1: 1}
    assert plan([_load(0, 0, doubtful=True), _load(1, 2)], 1, overflow=0) == {}


def test_a_doubtful_child_is_the_last_to_get_what_overflows() -> None:
    assert plan([_load(0, 0, doubtful=True), _load(1, 3)], 3, overflow=3) == {1: 1, 0: 2}


def test_where_all_are_doubtful_they_are_dealt_to() -> None:
    assert plan([_load(0, 0, doubtful=True)], 1, overflow=0) == {0: 1}


def test_a_message_has_no_more_descriptors_than_it_may() -> None:
    assert plan([_load(0, 0, threads=100)], 100, overflow=0) == {0: MOST_PER_MESSAGE}


_LOADS = st.lists(
    st.builds(
        lambda unfinished, doubtful, dealt: (unfinished, doubtful, dealt),
        st.integers(0, 8),
        st.booleans(),
        st.integers(0, 9),
    ),
    max_size=5,
)


@given(_LOADS, st.integers(0, 40), st.integers(-5, 40))
def test_nobody_gets_more_than_credits_and_idle_threads_are_used_while_there_is_anything(
    described: list[tuple[int, bool, int]], pending: int, overflow: int
) -> None:
    loads = [
        _load(slot, unfinished, threads=4, queue=4, doubtful=doubtful, dealt=dealt)
        for slot, (unfinished, doubtful, dealt) in enumerate(described)
    ]
    overflow = min(overflow, pending)
    counts = plan(loads, pending, overflow=overflow)
    assert all(0 < count <= loads[slot].credits for slot, count in counts.items())
    dealt = sum(counts.values())
    assert dealt <= pending
    idle = sum(min(load.idle, MOST_PER_MESSAGE) for load in loads if not load.doubtful)
    assert dealt >= min(pending, idle)
    assert dealt >= min(overflow, sum(load.credits for load in loads))


def test_connections_for_which_threads_are_free_have_begun_when_they_are_received() -> None:
    ledger = Ledger(threads=2, queue=2)
    ledger.sent([10, 11, 12], clock=1.0)
    assert ledger.received() == [10, 11]
    assert (ledger.kept, ledger.unfinished, ledger.credits, ledger.idle) == (1, 3, 1, 0)


def test_the_next_begins_when_one_is_finished() -> None:
    ledger = Ledger(threads=1, queue=2)
    ledger.sent([10, 11, 12], clock=1.0)
    assert ledger.received() == [10]
    assert ledger.finished(1, clock=9.0) == [11]
    assert ledger.finished(2, clock=9.0) == [12]
    assert (ledger.kept, ledger.unfinished, ledger.credits) == (0, 0, 3)


def _serve_one_by_one(ledger: Ledger, *, crowded: bool) -> int:
    """Have it serve one short connection after another; how many it may be sent ahead then."""
    for number in range(2 * SAMPLE):
        ledger.sent([number], clock=number * AHEAD_SECONDS / 4)
        ledger.received()
        ledger.finished(1, clock=(number + 1) * AHEAD_SECONDS / 4, crowded=crowded)
    return ledger.ahead


def test_a_ledger_lets_some_be_sent_ahead_while_others_wait() -> None:
    assert _serve_one_by_one(Ledger(threads=1, queue=9), crowded=True) == 4
    assert _serve_one_by_one(Ledger(threads=1, queue=9), crowded=False) == 0


def test_those_in_the_thread_queue_wait_too() -> None:
    ledger = Ledger(threads=1, queue=9)
    ledger.sent([0, 1], clock=0.0)
    for number in range(2 * SAMPLE):
        ledger.sent([number], clock=number * AHEAD_SECONDS / 4)
        ledger.received()
        ledger.finished(1, clock=(number + 1) * AHEAD_SECONDS / 4)
    assert ledger.ahead == 3


def test_what_was_not_begun_is_reclaimed_in_its_order() -> None:
    ledger = Ledger(threads=1, queue=3)
    ledger.sent([10, 11], clock=1.0)
    ledger.received()
    ledger.sent([12], clock=2.0)
    assert ledger.reclaim() == [11, 12]
    assert ledger.reclaim() == []


def test_a_ledger_knows_since_when_a_message_has_not_been_read() -> None:
    ledger = Ledger(threads=1, queue=3)
    seen = [ledger.unread_since]
    ledger.sent([10], clock=1.0)
    ledger.sent([11], clock=2.0)
    seen.append(ledger.unread_since)
    ledger.received()
    seen.append(ledger.unread_since)
    assert seen == [None, 1.0, 2.0]


def test_what_a_child_has_not_read_is_taken_back_in_its_order() -> None:
    ledger = Ledger(threads=1, queue=9)
    ledger.sent([10, 11], clock=1.0)
    ledger.received()
    ledger.sent([12, 13], clock=2.0)
    ledger.sent([14], clock=3.0)
    assert ledger.taken_back(3) == [12, 13, 14]
    assert (ledger.unread_since, ledger.unfinished, ledger.kept) == (None, 2, 1)
    assert ledger.finished(1, clock=9.0) == [11]


def test_what_a_child_has_no_descriptors_for_comes_back_from_the_end_of_that_message() -> None:
    ledger = Ledger(threads=1, queue=9)
    ledger.sent([10, 11], clock=1.0)
    ledger.received()
    ledger.sent([12, 13, 14], clock=2.0)
    ledger.sent([15], clock=3.0)
    assert ledger.returned(2) == [13, 14]
    assert ledger.received() == []
    assert ledger.unfinished == 4
    assert ledger.reclaim() == [11, 12, 15]


@given(
    st.integers(1, 4),
    st.lists(st.tuples(st.sampled_from(["send", "receive", "finish", "take back"]), st.integers(1, 3))),
)
def test_every_connection_is_begun_or_reclaimed_exactly_once_and_in_order(
    threads: int, script: list[tuple[str, int]]
) -> None:
    ledger = Ledger(threads=threads, queue=5)
    serial = 0
    begun: list[int] = []
    unread: collections.deque[int] = collections.deque()
    in_child = 0
    for action, number in script:
        match action:
            case "send" if ledger.credits >= number:
                ledger.sent(list(range(serial, serial + number)), clock=0.0)
                serial += number
                unread.append(number)
            case "receive" if unread:
                begun += ledger.received()
                in_child += unread.popleft()
            case "finish" if in_child:
                begun += ledger.finished(1, clock=9.0)
                in_child -= 1
            case "take back" if unread:
                taken = ledger.taken_back(unread.pop())
                serial = taken[0]  # dealt again, as if it were new
            case _:
                pass
    assert begun + ledger.reclaim() == list(range(serial))
