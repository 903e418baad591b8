"""What crosses a channel arrives whole: descriptors, orders, credits, failures and the end."""

import os
import socket
from collections.abc import Iterator

import pytest

from riser.channel import ChildEnd, ParentEnd, Sending, channel
from riser.core.balance import MOST_PER_MESSAGE
from riser.core.operation import Operation

from .conftest import open_descriptors

Ends = tuple[ParentEnd, ChildEnd]


@pytest.fixture
def ends() -> Iterator[Ends]:
    parent, child = channel()
    yield parent, child
    parent.close()
    child.close()


def _inode(descriptor: int) -> int:
    return os.fstat(descriptor).st_ino


@pytest.mark.parametrize("count", [1, 2, MOST_PER_MESSAGE])
def test_descriptors_arrive_as_copies_in_their_order(ends: Ends, count: int) -> None:
    parent, child = ends
    sockets = [socket.socket() for _ in range(count)]
    assert parent.send([each.fileno() for each in sockets]) is Sending.SENT
    delivery = child.receive()
    assert [_inode(copy) for copy in delivery.connections] == [_inode(each.fileno()) for each in sockets]
    assert not any(os.get_inheritable(copy) for copy in delivery.connections)
    assert delivery.lost == 0
    child.tell_received()
    assert parent.receive().received == (0,)
    for each in sockets:
        each.close()
    for copy in delivery.connections:
        os.close(copy)


def test_two_messages_are_two_deliveries_and_orders_keep_their_place(ends: Ends) -> None:
    parent, child = ends
    with socket.socket() as one, socket.socket() as two:
        parent.order(Operation.STAT_GET_AND_RESET)
        parent.send([one.fileno()])
        parent.order(Operation.STOP_GRACEFUL)
        parent.send([two.fileno(), one.fileno()])
        parent.complete()
        deliveries = [child.receive() for _ in range(3)]
    assert [len(delivery.connections) for delivery in deliveries] == [1, 2, 0]
    assert [list(delivery.operations) for delivery in deliveries] == [
        [Operation.STAT_GET_AND_RESET],
        [Operation.STOP_GRACEFUL],
        [],
    ]
    assert [delivery.complete for delivery in deliveries] == [False, False, True]
    for delivery in deliveries:
        for copy in delivery.connections:
            os.close(copy)


def test_nothing_to_receive_is_an_empty_delivery(ends: Ends) -> None:
    _, child = ends
    delivery = child.receive()
    assert not delivery.connections
    assert not delivery.ended


def test_words_of_a_child_are_counted_however_they_coalesce(ends: Ends) -> None:
    parent, child = ends
    child.tell_ready()
    for _ in range(5):
        child.tell_finished()
    child.tell_received()
    child.tell_received(lost=2)
    child.tell_leaving()
    news = parent.receive()
    assert (news.ready, news.finished, list(news.received), news.leaving) == (True, 5, [0, 2], True)
    again = parent.receive()
    assert (again.ready, again.finished, list(again.received), again.ended) == (False, 0, [], False)


def test_a_failure_arrives_with_the_name_of_its_callback_among_other_words(ends: Ends) -> None:
    parent, child = ends
    child.tell_finished()
    child.tell_failure("preprocess", ValueError("no x . r a l\nnot even here"))
    child.tell_finished()
    news = parent.receive()
    assert str(news.failure) == "preprocess failed: ValueError: no x . r a l\nnot even here"
    assert news.finished == 2


def test_a_long_failure_is_put_together_from_its_pieces(ends: Ends) -> None:
    parent, child = ends
    child.tell_failure("at_fork", ValueError("y" * 50_000))
    failure = None
    while failure is None:
        failure = parent.receive().failure
    assert failure.reason == "ValueError: " + "y" * 50_000


def test_the_end_is_seen_on_both_sides() -> None:
    parent, child = channel()
    child.close()
    assert not parent.receive().ended  # the parent's own descriptor of that end is still open
    parent.child_is_dead()
    assert parent.receive().ended
    assert parent.send([0]) is Sending.GONE
    assert parent.order(Operation.STOP_FORCED) is Sending.GONE
    parent.close()
    parent, child = channel()
    parent.close()
    assert child.receive().ended
    child.tell_finished()
    child.close()


def test_orders_that_the_line_has_no_room_for_are_owed_and_come_in_their_order(ends: Ends) -> None:
    parent, child = ends
    asked = 1
    while parent.order(Operation.STAT_GET_NO_RESET) is Sending.SENT:
        asked += 1
    assert parent.owes
    assert parent.order(Operation.STOP_GRACEFUL) is Sending.FULL
    assert parent.complete() is Sending.FULL
    with socket.socket() as one:
        assert parent.send([one.fileno()]) is Sending.FULL
    seen: list[Operation] = []
    delivery = child.receive()
    while not delivery.complete:
        seen += delivery.operations
        parent.pay()
        delivery = child.receive()
    seen += delivery.operations
    assert seen == [*[Operation.STAT_GET_NO_RESET] * asked, Operation.STOP_GRACEFUL]
    assert not parent.owes


def test_what_is_taken_back_comes_before_what_is_owed(ends: Ends) -> None:
    parent, child = ends
    asked = 1
    while parent.order(Operation.STAT_GET_NO_RESET) is Sending.SENT:
        asked += 1
    parent.order(Operation.STOP_GRACEFUL)
    assert parent.take_back() == 0
    assert not parent.owes  # As one message they take less room.
    seen: list[Operation] = []
    while (delivery := child.receive()).operations:
        seen += delivery.operations
    assert seen == [*[Operation.STAT_GET_NO_RESET] * asked, Operation.STOP_GRACEFUL]


def test_nothing_is_owed_to_a_child_that_is_dead() -> None:
    parent, child = channel()
    while parent.order(Operation.STAT_STOP) is Sending.SENT:
        pass
    child.close()
    parent.child_is_dead()
    assert parent.pay() is Sending.GONE
    assert not parent.owes
    parent.close()


def test_what_the_child_has_not_read_can_be_taken_back_all_but_the_orders(ends: Ends) -> None:
    parent, child = ends
    with socket.socket() as one, socket.socket() as two:
        before = open_descriptors()
        parent.send([one.fileno()])
        for copy in child.receive().connections:
            os.close(copy)
        parent.order(Operation.STAT_GET_AND_RESET)
        parent.send([one.fileno(), two.fileno()])
        parent.order(Operation.STOP_GRACEFUL)
        parent.send([two.fileno()])
        parent.complete()
        assert parent.take_back() == 3
        assert open_descriptors() <= before
    delivery = child.receive()
    assert list(delivery.operations) == [Operation.STAT_GET_AND_RESET, Operation.STOP_GRACEFUL]
    assert delivery.complete
    assert not delivery.connections
    assert parent.take_back() == 0


def test_a_child_that_does_not_read_fills_the_channel_without_blocking_its_parent(ends: Ends) -> None:
    parent, _ = ends
    with socket.socket() as sent:
        outcomes = {parent.send([sent.fileno()]) for _ in range(2000)}
    assert outcomes == {Sending.SENT, Sending.FULL}
