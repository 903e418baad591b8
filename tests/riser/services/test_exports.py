"""Objects are held by those who refer to them, so many times, and let go of when nobody does."""

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from riser.services.errors import ClientGone, StaleReference
from riser.services.exports import CONTROL, Exports, Place

PLACE = Place(b"pool", 0, b"incarnation")


class Thing:
    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails
        self.dropped = 0

    def __riser_dropped__(self) -> None:
        self.dropped += 1
        if self.fails:
            raise ValueError("no luck")


@pytest.fixture
def exports() -> Exports:
    exports = Exports(["front"], place=PLACE, control="control")
    exports.open_lease(b"anna")
    exports.open_lease(b"berta")
    return exports


def test_the_control_and_the_fronts_come_first_and_are_always_there(exports: Exports) -> None:
    front = exports.things[1]
    assert (exports.things[CONTROL], front) == ("control", "front")
    assert exports.grant(front, b"anna") == 1
    exports.release(b"anna", 1)
    assert exports.things[1] is front
    assert exports.held_count() == 0


def test_an_object_has_one_number_however_often_it_is_given(exports: Exports) -> None:
    thing = Thing()
    assert exports.grant(thing, b"anna") == exports.grant(thing, b"berta") == exports.target_of(thing) == 2
    assert exports.held_count() == 1


def test_it_lives_until_its_last_holder_has_given_up_all_holds(exports: Exports) -> None:
    thing = Thing()
    for client in (b"anna", b"anna", b"berta"):
        exports.grant(thing, client)
    exports.release(b"anna", 2)
    exports.release(b"berta", 2)
    assert (thing.dropped, exports.held_count()) == (0, 1)
    exports.release(b"anna", 2)
    assert (thing.dropped, exports.held_count(), 2 in exports.things) == (1, 0, False)


def test_numbers_are_never_given_again(exports: Exports) -> None:
    assert exports.grant(Thing(), b"anna") == 2
    exports.release(b"anna", 2)
    assert exports.grant(Thing(), b"anna") == 3


def test_a_client_that_ends_gives_up_everything(exports: Exports) -> None:
    lease = exports.leases[b"anna"]
    things = [Thing() for _ in range(3)]
    for thing in things:
        exports.grant(thing, b"anna")
    exports.grant(things[0], b"berta")
    exports.end_lease(lease)
    exports.end_lease(lease)
    assert [thing.dropped for thing in things] == [0, 1, 1]
    with pytest.raises(ClientGone):
        exports.grant(Thing(), b"anna")
    exports.release(b"anna", 2)
    assert exports.held_count() == 1


def test_a_forked_client_holds_what_it_is_told_once_each(exports: Exports) -> None:
    thing = Thing()
    for _ in range(3):
        exports.grant(thing, b"anna")
    exports.copy_holds(exports.leases[b"anna"], [2, 99], b"child")
    exports.end_lease(exports.leases[b"anna"])
    assert thing.dropped == 0
    exports.release(b"child", 2)
    assert thing.dropped == 1


def test_a_forked_client_that_calls_before_its_lease_has_come_waits_for_it(exports: Exports) -> None:
    with ThreadPoolExecutor(1) as others:
        waiting = others.submit(exports.await_lease, b"child", 30)
        exports.copy_holds(exports.leases[b"anna"], [], b"child")
        waiting.result(30)
    assert exports.grant(Thing(), b"child")
    exports.await_lease(b"nobody", 0)
    with pytest.raises(ClientGone, match="it has no lease"):
        exports.grant(Thing(), b"nobody")


def test_a_third_process_can_hold_what_is_held_and_nothing_else(exports: Exports) -> None:
    thing = Thing()
    exports.grant(thing, b"anna")
    exports.hold(b"berta", 2)
    exports.release(b"anna", 2)
    assert thing.dropped == 0
    exports.release(b"berta", 2)
    with pytest.raises(StaleReference, match="object 2 is stale: nobody holds it any more"):
        exports.hold(b"berta", 2)


def test_what_an_object_raises_when_it_is_let_go_is_logged(exports: Exports, caplog: pytest.LogCaptureFixture) -> None:
    things = [Thing(fails=True), Thing()]
    for thing in things:
        exports.grant(thing, b"anna")
    with caplog.at_level(logging.ERROR, "riser"):
        exports.end_lease(exports.leases[b"anna"])
    assert [thing.dropped for thing in things] == [1, 1]
    assert "no luck" in caplog.text


class Holding(RuleBasedStateMachine):
    """Whatever is granted, released and ended: an object is there exactly as long as somebody holds it."""

    def __init__(self) -> None:
        super().__init__()
        self.exports = Exports([], place=PLACE, control=None)
        self.things = [Thing() for _ in range(3)]
        self.targets: dict[int, int] = {}
        self.holds: dict[tuple[bytes, int], int] = {}
        for client in (b"a", b"b"):
            self.exports.open_lease(client)

    @rule(client=st.sampled_from([b"a", b"b"]), index=st.integers(0, 2))
    def grant(self, client: bytes, index: int) -> None:
        self.targets[index] = self.exports.grant(self.things[index], client)
        self.holds[client, index] = self.holds.get((client, index), 0) + 1

    @rule(client=st.sampled_from([b"a", b"b"]), index=st.integers(0, 2), count=st.integers(1, 3))
    def release(self, client: bytes, index: int, count: int) -> None:
        if self.holds.get((client, index), 0) >= count:
            self.exports.release(client, self.targets[index], count)
            self.holds[client, index] -= count

    @rule(client=st.sampled_from([b"a", b"b"]))
    def end_and_come_again(self, client: bytes) -> None:
        self.exports.end_lease(self.exports.leases[client])
        self.holds = {key: count for key, count in self.holds.items() if key[0] != client}
        self.exports.open_lease(client)

    @invariant()
    def there_while_held(self) -> None:
        for index, thing in enumerate(self.things):
            is_held = any(count for (_, of), count in self.holds.items() if of == index)
            assert (self.exports.target_of(thing) is not None) == is_held
            assert (self.exports.things.get(self.targets.get(index, -1)) is thing) == is_held


TestHolding: Any = Holding.TestCase
TestHolding.settings = settings(max_examples=50, deadline=None)
