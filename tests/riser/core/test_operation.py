"""A stop escalates and never relaxes."""

from hypothesis import given
from hypothesis import strategies as st

from riser.core.operation import Operation, StopState, escalate

_ORDER = [StopState.NONE, StopState.GRACEFUL, StopState.FORCED]


def test_term_stops_gracefully_and_int_after_it_makes_the_stop_forced() -> None:
    graceful = escalate(StopState.NONE, Operation.STOP_GRACEFUL)
    assert graceful is StopState.GRACEFUL
    assert escalate(graceful, Operation.STOP_FORCED) is StopState.FORCED


def test_term_after_int_stays_forced() -> None:
    assert escalate(StopState.FORCED, Operation.STOP_GRACEFUL) is StopState.FORCED


def test_states_are_the_texts_that_at_stop_is_given() -> None:
    assert (f"{StopState.GRACEFUL}", f"{StopState.FORCED}") == ("graceful", "forced")


@given(st.lists(st.sampled_from(Operation)))
def test_no_sequence_of_operations_relaxes_a_stop(operations: list[Operation]) -> None:
    state = StopState.NONE
    for operation in operations:
        following = escalate(state, operation)
        assert _ORDER.index(following) >= _ORDER.index(state)
        state = following
