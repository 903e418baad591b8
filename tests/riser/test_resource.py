"""Resource, ResourceSet and their handles: one behaviour a test, then random lives, then real threads."""

import collections
import contextlib
import copy
import pickle
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from riser.errors import ConfigError
from riser.handle import Handle, ReleasedError
from riser.resource import Builder, RecursiveUseError, Resource, ResourceSet
from riser.services.shape import shape_of
from riser.services.travel import DROPPED, Travel, travel_of

DEADLINE_SECONDS = 30.0


class Thing:
    """An object that knows its key and notes what happens to it."""

    def __init__(self, key: object = None) -> None:
        self.key = key
        self.value = 0
        self.alive = True

    def add(self, amount: int, *, times: int = 1) -> int:
        self.value += amount * times
        return self.value

    @property
    def doubled(self) -> int:
        return self.value * 2

    def chained(self) -> "Thing":
        return self

    def release(self) -> str:
        return "the object's own"


class Works:
    """A create and a destroy function that keep a diary, and fail when told to."""

    def __init__(self) -> None:
        self.diary: list[tuple[str, object]] = []
        self.fail_create = False
        self.fail_destroy = False

    def create(self, key: object = None) -> Thing:
        self.diary.append(("create", key))
        if self.fail_create:
            raise LookupError("no thing today")
        return Thing(key)

    def destroy(self, thing: Thing) -> None:
        self.diary.append(("destroy", thing.key))
        thing.alive = False
        if self.fail_destroy:
            raise OSError("it sticks")


@pytest.fixture
def works() -> Works:
    return Works()


@pytest.fixture
def things(works: Works) -> ResourceSet[str, Thing]:
    return ResourceSet(works.create, works.destroy)


# resource.first.last, resource.set.keys


def test_nothing_is_made_before_the_first_use(works: Works, things: ResourceSet[str, Thing]) -> None:
    assert (works.diary, things.key_count(), things.has_object("alice")) == ([], 0, False)


def test_users_of_a_key_share_one_object(works: Works, things: ResourceSet[str, Thing]) -> None:
    with things("alice") as one, things("alice") as other:
        one.add(3)
        assert other.value == 3
        assert things.ref_count("alice") == 2
    assert works.diary == [("create", "alice"), ("destroy", "alice")]


def test_each_key_has_its_own_object(works: Works, things: ResourceSet[str, Thing]) -> None:
    with things("alice") as alice, things("bob") as bob:
        assert (alice.key, bob.key, things.key_count()) == ("alice", "bob", 2)
    assert works.diary == [("create", "alice"), ("create", "bob"), ("destroy", "bob"), ("destroy", "alice")]


def test_the_object_lives_until_the_last_release(things: ResourceSet[str, Thing]) -> None:
    one, other = things("alice"), things("alice")
    one.release()
    assert (other.alive, things.ref_count("alice"), things.has_object("alice")) == (True, 1, True)
    other.release()
    assert (things.ref_count("alice"), things.has_object("alice"), things.key_count()) == (0, False, 0)


def test_the_next_use_after_the_last_release_makes_a_new_object(works: Works, things: ResourceSet[str, Thing]) -> None:
    with things("alice") as first:
        first.add(1)
    with things("alice") as second:
        assert second.value == 0
    assert [what for what, _ in works.diary] == ["create", "destroy"] * 2


def test_a_set_forgets_keys_that_nobody_uses(things: ResourceSet[str, Thing]) -> None:
    for number in range(100):
        things(str(number)).release()
    assert not things._table


def test_a_function_is_called_with_the_object_and_its_result_returned(
    works: Works, things: ResourceSet[str, Thing]
) -> None:
    assert things("alice", lambda thing: thing.add(5)) == 5
    assert works.diary == [("create", "alice"), ("destroy", "alice")]


def test_a_function_that_raises_releases_too(works: Works, things: ResourceSet[str, Thing]) -> None:
    with pytest.raises(ZeroDivisionError):
        things("alice", lambda thing: thing.value / 0)
    assert works.diary == [("create", "alice"), ("destroy", "alice")]


def test_the_unkeyed_resource_is_made_shared_and_destroyed_alike(works: Works) -> None:
    resource = Resource(works.create, works.destroy)
    assert (resource.ref_count(), resource.has_object()) == (0, False)
    with resource() as one, resource() as other:
        one.add(2)
        assert (other.value, resource.ref_count(), resource.has_object()) == (2, 2, True)
    assert resource(lambda thing: thing.value) == 0
    assert [what for what, _ in works.diary] == ["create", "destroy"] * 2


def test_without_a_destroy_function_objects_are_just_dropped() -> None:
    with ResourceSet(Thing)("alice") as thing:
        assert thing.alive


# The README's way of building


def test_a_set_is_built_with_decorators() -> None:
    diary = []

    def define(builder: Builder[[str], Thing]) -> None:
        @builder.at_create
        def create(key: str) -> Thing:
            return Thing(key)

        @builder.at_destroy
        def destroy(thing: Thing) -> None:
            diary.append(thing.key)

        builder.alias_unref("close")

    things: ResourceSet[str, Thing] = ResourceSet.build(define)
    handle = things("alice")
    assert handle.key == "alice"
    handle.close()
    assert diary == ["alice"]


def test_a_resource_is_built_by_calls() -> None:
    def define(builder: Builder[[], list[int]]) -> None:
        builder.at_create(list)
        builder.at_destroy(lambda numbers: numbers.clear())

    with Resource.build(define)() as numbers:
        numbers.append(1)
        assert numbers == [1]


@pytest.mark.parametrize("kind", [Resource, ResourceSet])
def test_a_build_without_at_create_is_refused_by_name(kind: type[Resource[Thing]]) -> None:
    with pytest.raises(ConfigError, match="at_create: expected a function"):
        kind.build(lambda _builder: None)


# resource.create.error, resource.destroy.error


def test_a_failing_create_reaches_the_user_and_leaves_no_reference(
    works: Works, things: ResourceSet[str, Thing]
) -> None:
    works.fail_create = True
    with pytest.raises(LookupError, match="no thing today"):
        things("alice")
    assert (things.ref_count("alice"), things.key_count(), things._table) == (0, 0, {})


def test_the_next_use_after_a_failing_create_tries_again(works: Works, things: ResourceSet[str, Thing]) -> None:
    works.fail_create = True
    with pytest.raises(LookupError):
        things("alice")
    works.fail_create = False
    with things("alice") as thing:
        assert thing.alive


def test_whoever_waits_for_a_failing_create_tries_again_in_turn() -> None:
    """Three wait while the first create runs; it and the second fail, and then the third create serves the rest."""
    outcomes = collections.deque([False, False, True])
    all_wait = threading.Event()

    def create(_key: str) -> Thing:
        assert all_wait.wait(DEADLINE_SECONDS)
        if not outcomes.popleft():
            raise LookupError("no thing today")
        return Thing()

    things = ResourceSet(create)

    def use(_: int) -> Handle[Thing] | None:
        try:
            return things("alice")
        except LookupError:
            return None

    with ThreadPoolExecutor(4) as pool:
        users = pool.map(use, range(4))
        await_claims(things, "alice", 4)
        all_wait.set()
        handles = [handle for handle in users if handle is not None]
    assert (len(handles), things.ref_count("alice"), len(outcomes)) == (2, 2, 0)
    for handle in handles:
        handle.release()
    assert not things._table


def test_a_failing_destroy_reaches_the_last_user_and_still_releases(
    works: Works, things: ResourceSet[str, Thing]
) -> None:
    works.fail_destroy = True
    one, last = things("alice"), things("alice")
    one.release()
    with pytest.raises(OSError, match="it sticks"):
        last.release()
    assert (things.ref_count("alice"), things._table) == (0, {})
    with pytest.raises(ReleasedError):
        last.add(1)


def test_after_a_failing_destroy_the_next_use_makes_a_new_object(works: Works, things: ResourceSet[str, Thing]) -> None:
    works.fail_destroy = True
    with pytest.raises(OSError, match="it sticks"), things("alice"):
        pass
    works.fail_destroy = False
    with things("alice") as thing:
        assert thing.alive


@pytest.mark.parametrize("moment", ["create", "destroy"])
def test_a_key_used_by_its_own_functions_is_an_error_and_no_deadlock(moment: str) -> None:
    things: ResourceSet[str, Thing]

    def work(_: object) -> Thing:
        with things("alice"):
            raise AssertionError("unreachable")

    things = ResourceSet(work) if moment == "create" else ResourceSet(Thing, work)
    with (
        pytest.raises(RecursiveUseError, match="resource 'alice' is used by its own create or destroy"),
        things("alice"),
    ):
        pass
    assert not things._table


def test_a_create_function_may_use_another_key() -> None:
    things: ResourceSet[str, Thing]

    def create(key: str) -> Thing:
        if key == "child":
            with things("parent") as parent:
                parent.add(1)
        return Thing(key)

    things = ResourceSet(create)
    with things("parent") as parent, things("child"):
        assert parent.value == 1


# Threads


def await_claims(things: ResourceSet[Any, Any], key: object, count: int) -> None:
    """Wait until so many hold or want the key; there is no descriptor for this, so the thread gives way in between."""
    waiting = threading.Event()
    for _ in range(int(DEADLINE_SECONDS * 1000)):
        entry = things._table.get(key)
        if entry is not None and entry.claims >= count:
            return
        waiting.wait(0.001)
    pytest.fail(f"fewer than {count} came for {key!r}")


def test_one_create_serves_all_who_come_at_once() -> None:
    made = []
    all_wait = threading.Event()

    def create(key: str) -> Thing:
        assert all_wait.wait(DEADLINE_SECONDS)
        made.append(key)
        return Thing(key)

    things = ResourceSet(create)
    with ThreadPoolExecutor(8) as pool:
        users = pool.map(lambda _: things("alice"), range(8))
        await_claims(things, "alice", 8)
        all_wait.set()
        handles = list(users)
    assert (made, things.ref_count("alice")) == (["alice"], 8)
    for handle in handles:
        handle.release()


@pytest.mark.parametrize("moment", ["create", "destroy"])
def test_a_slow_key_makes_no_other_wait(moment: str) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def work(key: str) -> None:
        if key == "slow":
            begun.set()
            assert go_on.wait(DEADLINE_SECONDS)

    def create(key: str) -> Thing:
        if moment == "create":
            work(key)
        return Thing(key)

    def destroy(thing: Thing) -> None:
        if moment == "destroy":
            work(str(thing.key))

    things = ResourceSet(create, destroy)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(lambda: things("slow", lambda thing: thing.key))
        try:
            assert begun.wait(DEADLINE_SECONDS)
            assert things("quick", lambda thing: thing.key) == "quick"
            assert (things.has_object("slow"), slow.done()) == (False, False)
        finally:
            go_on.set()
        assert slow.result(DEADLINE_SECONDS) == "slow"


def test_an_object_is_not_made_before_the_one_before_it_is_gone() -> None:
    destroying, go_on = threading.Event(), threading.Event()
    alive: set[Thing] = set()

    def create(key: str) -> Thing:
        assert not alive
        thing = Thing(key)
        alive.add(thing)
        return thing

    def destroy(thing: Thing) -> None:
        destroying.set()
        assert go_on.wait(DEADLINE_SECONDS)
        alive.remove(thing)

    things = ResourceSet(create, destroy)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(things("alice").release)
        assert destroying.wait(DEADLINE_SECONDS)
        second = pool.submit(things, "alice", lambda thing: thing.alive)
        await_claims(things, "alice", 2)
        go_on.set()
        first.result(DEADLINE_SECONDS)
        assert second.result(DEADLINE_SECONDS)


def test_a_handle_released_by_many_threads_at_once_counts_once(works: Works, things: ResourceSet[str, Thing]) -> None:
    with things("alice"):
        for _ in range(200):
            handle = things("alice")
            start = threading.Barrier(4)

            def release(handle: Handle[Thing] = handle, start: threading.Barrier = start) -> None:
                start.wait(DEADLINE_SECONDS)
                handle.release()

            with ThreadPoolExecutor(4) as pool:
                for done in [pool.submit(release) for _ in range(4)]:
                    done.result(DEADLINE_SECONDS)
            assert things.ref_count("alice") == 1
    assert works.diary == [("create", "alice"), ("destroy", "alice")]


def test_many_threads_on_few_keys_never_meet_a_dead_or_second_object() -> None:
    """Every thread holds random keys, while one create in ten and one destroy in ten fail."""
    keys = "abc"
    alive: collections.Counter[str] = collections.Counter()
    made: collections.Counter[str] = collections.Counter()
    ended: collections.Counter[str] = collections.Counter()
    trouble: list[str] = []

    # A key's functions run one at a time, so these counters need no lock: that is what is tested.
    def create(key: str) -> Thing:
        if random.random() < 0.1:
            raise LookupError(key)
        alive[key] += 1
        made[key] += 1
        if alive[key] != 1:
            trouble.append(f"{alive[key]} objects of {key}")
        return Thing(key)

    def destroy(thing: Thing) -> None:
        thing.alive = False
        alive[str(thing.key)] -= 1
        ended[str(thing.key)] += 1
        if random.random() < 0.1:
            raise OSError(thing.key)

    things = ResourceSet(create, destroy)

    def live(seed: int) -> int:
        chance = random.Random(seed)
        served = 0
        for _ in range(600):
            key = chance.choice(keys)
            with contextlib.suppress(LookupError, OSError), contextlib.ExitStack() as held:
                for _ in range(chance.randint(1, 3)):
                    thing = held.enter_context(things(key))
                    if thing.key != key or not thing.alive:
                        trouble.append(f"a dead or wrong object for {key}")
                    served += 1
        return served

    with ThreadPoolExecutor(8) as pool:
        served = sum(pool.map(live, range(8)))
    assert not trouble
    assert served > 2000
    assert made == ended
    assert not +alive
    assert not things._table


# resource.after.release, and the handle otherwise


@pytest.fixture
def handle(things: ResourceSet[str, Thing]) -> Iterator[Handle[Thing]]:
    handle = things("alice")
    yield handle
    handle.release()


@pytest.mark.parametrize(
    "use",
    [
        pytest.param(lambda handle: handle.add(1), id="method"),
        pytest.param(lambda handle: handle.value, id="attribute"),
        pytest.param(lambda handle: handle.doubled, id="property"),
        pytest.param(lambda handle: setattr(handle, "value", 1), id="assignment"),
        pytest.param(lambda handle: delattr(handle, "value"), id="deletion"),
        pytest.param(lambda handle: handle == 1, id="operator"),
        pytest.param(str, id="text"),
        pytest.param("{}".format, id="format"),
        pytest.param(lambda handle: handle.__enter__(), id="with"),
    ],
)
def test_a_released_handle_refuses_every_use(handle: Handle[Thing], use: Callable[[Handle[Thing]], object]) -> None:
    handle.release()
    with pytest.raises(ReleasedError, match="this handle of resource 'alice' has been released") as caught:
        use(handle)
    assert caught.value.key == "alice"


def test_a_handle_of_the_unkeyed_resource_refuses_in_its_own_words() -> None:
    handle = Resource(Thing)()
    handle.release()
    with pytest.raises(ReleasedError, match="this handle of the resource has been released"):
        handle.add(1)


def test_a_method_taken_before_the_release_refuses_after_it(handle: Handle[Thing]) -> None:
    add = handle.add
    handle.release()
    with pytest.raises(ReleasedError):
        add(1)


def test_releasing_again_has_no_effect(things: ResourceSet[str, Thing]) -> None:
    one, other = things("alice"), things("alice")
    one.release()
    one.release()
    assert things.ref_count("alice") == 1
    other.release()


def test_a_released_handle_does_not_touch_the_next_object(things: ResourceSet[str, Thing]) -> None:
    old = things("alice")
    old.release()
    with things("alice"):
        old.release()
        with pytest.raises(ReleasedError):
            old.add(1)
        assert things.ref_count("alice") == 1


def test_methods_get_their_arguments_and_keywords(handle: Handle[Thing]) -> None:
    assert handle.add(2, times=3) == 6


def test_attributes_are_read_set_and_deleted_on_the_object(things: ResourceSet[str, Thing]) -> None:
    with things("alice") as one, things("alice") as other:
        one.value = 7
        assert other.value == 7
        del one.value
        assert not hasattr(other, "value")


def test_operators_are_the_objects() -> None:
    with Resource(lambda: {"count": 1})() as table:
        table["count"] += 1
        del table["count"]
        table |= {"more": 2}
        assert ("more" in table, len(table), list(table), bool(table)) == (True, 1, ["more"], True)
        assert table == {"more": 2}
        assert str(table) == f"{table}" == "{'more': 2}"


def test_what_returns_the_object_returns_the_handle(handle: Handle[Thing]) -> None:
    assert handle.chained() is handle


def test_an_operator_in_place_keeps_the_handle() -> None:
    with Resource[list[int]](list)() as numbers:
        kept = numbers
        numbers += [1]
        assert numbers is kept


def test_release_is_the_handles_own(works: Works, handle: Handle[Thing]) -> None:
    assert handle.release() is None  # type: ignore[func-returns-value]  # Thing.release would return text
    assert works.diary[-1] == ("destroy", "alice")


def test_a_handle_shows_what_it_holds_and_whether(handle: Handle[Thing]) -> None:
    with Resource(lambda: [1])() as numbers:
        assert repr(numbers) == "<handle of the resource: [1]>"
    handle.release()
    assert repr(handle) == "<released handle of resource 'alice'>"


@pytest.mark.parametrize("multiply", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_handle_is_not_multiplied(handle: Handle[Thing], multiply: Callable[[object], object]) -> None:
    with pytest.raises(TypeError, match="a handle of resource 'alice' cannot be copied or pickled"):
        multiply(handle)


def test_a_handle_that_is_dropped_unreleased_is_warned_about(things: ResourceSet[str, Thing]) -> None:
    handles = [things("alice")]
    with pytest.warns(ResourceWarning, match="unreleased handle of resource 'alice'"):
        handles.clear()


def test_its_class_shows_a_service_what_a_handle_offers(handle: Handle[Thing]) -> None:
    assert {name for name in dir(type(handle)) if not name.startswith("_")} == {"add", "chained", "doubled", "release"}


def test_properties_are_the_objects(handle: Handle[Thing]) -> None:
    handle.add(2)
    assert handle.doubled == 4


# With services: what they see of a handle, without a process


def test_handles_and_resources_travel_by_reference(things: ResourceSet[str, Thing], handle: Handle[Thing]) -> None:
    kinds: list[type] = [type(things), Resource, type(handle)]
    assert [travel_of(kind) for kind in kinds] == [Travel.REFERENCE] * 3


def test_a_handle_that_no_client_has_any_more_is_released(works: Works, handle: Handle[Thing]) -> None:
    getattr(handle, DROPPED)()
    assert works.diary[-1] == ("destroy", "alice")


def test_a_proxy_of_a_handle_has_what_the_object_has(handle: Handle[Thing]) -> None:
    shape = shape_of(handle)
    assert (set(shape.methods), set(shape.properties)) == ({"add", "chained", "release"}, {"doubled"})
    assert {"__enter__", "__exit__"} <= set(shape.operators)


# Random lives


class Life(RuleBasedStateMachine):
    """Handles come and go, creates and destroys fail at will, and counts and diary agree with a model throughout."""

    def __init__(self) -> None:
        super().__init__()
        self.works = Works()
        self.things: ResourceSet[str, Thing] = ResourceSet(self.works.create, self.works.destroy)
        self.held: dict[str, list[Handle[Thing]]] = {key: [] for key in "abc"}
        self.expected: list[tuple[str, object]] = []

    @rule(key=st.sampled_from("abc"), fail=st.booleans())
    def use(self, key: str, *, fail: bool) -> None:
        self.works.fail_create = fail
        first = not self.held[key]
        if first:
            self.expected.append(("create", key))
        if first and fail:
            with pytest.raises(LookupError):
                self.things(key)
        else:
            self.held[key].append(self.things(key))

    @precondition(lambda self: any(self.held.values()))
    @rule(data=st.data(), fail=st.booleans())
    def release(self, data: st.DataObject, *, fail: bool) -> None:
        key = data.draw(st.sampled_from([key for key, handles in self.held.items() if handles]))
        handles = self.held[key]
        handle = handles.pop(data.draw(st.integers(0, len(handles) - 1)))
        self.works.fail_destroy = fail
        last = not handles
        if last:
            self.expected.append(("destroy", key))
        with pytest.raises(OSError, match="it sticks") if last and fail else contextlib.nullcontext():
            handle.release()
        handle.release()

    @invariant()
    def counts_agree(self) -> None:
        assert self.works.diary == self.expected
        assert self.things.key_count() == sum(bool(handles) for handles in self.held.values())
        for key, handles in self.held.items():
            assert self.things.ref_count(key) == len(handles)
            assert all(handle.alive and handle.key == key for handle in handles)

    def teardown(self) -> None:
        self.works.fail_destroy = False
        for handles in self.held.values():
            for handle in handles:
                handle.release()
        assert not self.things._table


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
