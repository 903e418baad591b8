"""The client's end of a connection: it makes calls, and runs what it has lent while it waits for them.

    call     CALL -> ... RETURN                 the thread that calls waits here,
             CALL -> ... BLOCK                  and here it runs the blocks of its call
                         RETURN -> ... RETURN

One call is in flight at a time, except that a block may make calls itself; those go over the same connection and are
answered before the block is. A link whose call has not come to its end cannot be used again, since an answer may be
on the way that nobody waits for: `in_step` says whether it can.
"""

from collections.abc import Callable, Mapping
from pickle import dumps
from typing import TYPE_CHECKING, Any, Protocol

from riser.services.courier import Courier, Packed, Reduced, are_plain, foreign, home, is_plain, lent
from riser.services.errors import ProtocolError, StaleReference, StopBlock
from riser.services.faults import Fault, error_of, fault_of
from riser.services.frames import REFERENCES, Kind, UndecodableError, Wire
from riser.services.proxy import ForeignPlace, Proxy, Reference, proxy_class
from riser.services.reach import proxy_of
from riser.services.shape import FUNCTION, FUNCTION_KINDS, Shape, shape_of
from riser.services.travel import Travel, as_argument, refuse, travel_of

if TYPE_CHECKING:
    from itertools import count

    from riser.services.limits import Limit


class UnsentError(Exception):
    """The call did not reach the service whole, and was not begun; its `__cause__` says why."""


class LostError(Exception):
    """The connection failed after the call was sent; its `__cause__` says how."""


class Holder(Protocol):
    """The client process, as a link needs it: what has been lent, and what stands for the service's objects."""

    lent: dict[int, object]
    lent_numbers: "count[int]"

    def is_home(self, reference: Reference) -> int | None:
        """The target of an object of the service process at the other end; None if it is another's."""

    def stand_in(self, target: int, shape: type[Proxy]) -> Proxy:
        """The proxy of an object there, which has been sent once more."""

    def around_block(self, link: "Link") -> "Callable[[], None]":
        """Bind the link to this thread while a block runs in it; returns what ends that."""


class Link(Courier):
    """One connection to a service process."""

    def __init__(self, wire: Wire, holder: Holder) -> None:
        super().__init__(wire)
        self.in_step = True
        """Whether the next thing on this connection is a call."""
        self.is_closed = False
        self.bindings = 0
        """How many `with`s and blocks keep it to one thread; see `Slot`."""
        self.holder = holder
        self._shapes: list[type[Proxy]] = []
        self._lending: list[int] = []
        self._kept_lent: list[int] = []
        self._met: list[Proxy] = []
        self._faults: dict[int, BaseException] = {}

    def call(
        self,
        target: int,
        method: str | None,
        arguments: tuple[Any, ...],
        named: Mapping[str, Any],
        *,
        limit: "Limit | None" = None,
    ) -> Any:
        """What the object's method returns, or raises.

        Raises `UnsentError` and `LostError`; what else it raises while `in_step` comes from the service or from
        pickling the arguments.
        """
        if not named:
            if are_plain(arguments):
                return self._make_call(Packed(0, (dumps((target, method, arguments, named), 5),)), limit)
            functions = [place for place, argument in enumerate(arguments) if type(argument) in FUNCTION_KINDS]
            if functions and all(type(argument) in FUNCTION_KINDS or is_plain(argument) for argument in arguments):
                return self._call_with_functions(target, method, arguments, functions=functions, limit=limit)
        return self._call_with_values(target, method, arguments, named, limit=limit)

    def bye(self, target: int = 0, holds: int = 0) -> None:
        """Close the connection in order; with `holds`, give up that many holds of an object.

        It never waits, so that it can be called when a proxy ceases to exist.
        """
        if self.in_step and not self.is_closed:
            self.wire.send_at_once(Kind.BYE, dumps((target, holds), 5) if holds else b"")
        self.close()

    def close(self) -> None:
        """Close the connection as it is."""
        if not self.is_closed:
            self.is_closed = True
            self.in_step = False
            self.wire.close()
            self.forget_lent()

    def abandon(self) -> None:
        """Let go of a connection that is the parent process's."""
        self.is_closed = True
        self.in_step = False
        self.wire.abandon()

    def forget_lent(self) -> None:
        """Forget what was lent for as long as the link was bound."""
        self._forget(self._kept_lent)
        self._kept_lent = []

    def remember(self, error: BaseException) -> int:
        """The number by which the service knows an exception, until `forget_fault`."""
        number = next(self.holder.lent_numbers)
        self._faults[number] = error
        return number

    def forget_fault(self, number: int) -> None:
        """Forget an exception."""
        self._faults.pop(number, None)

    def fault(self, error: BaseException, number: int) -> tuple[Any, ...]:
        """The exception as the service is told of it."""
        return tuple(fault_of(error, self, origin=number))

    # Calls

    def _call_with_functions(
        self,
        target: int,
        method: str | None,
        arguments: tuple[Any, ...],
        *,
        functions: list[int],
        limit: "Limit | None",
    ) -> Any:
        """The most common call with a block: the numbers of what is lent stand at the places of the functions."""
        outer, self._lending = self._lending, []
        try:
            values = list(arguments)
            for place in functions:
                values[place] = self._lend_number(arguments[place])
            packed = Packed(0, (dumps((target, method, values, {}, functions), 5),))
            result = self._make_call(packed, limit)
            self._keep_lent()
            return result
        finally:
            self._forget(self._lending)
            self._lending = outer
            self._met.clear()

    def _call_with_values(
        self,
        target: int,
        method: str | None,
        arguments: tuple[Any, ...],
        named: Mapping[str, Any],
        *,
        limit: "Limit | None",
    ) -> Any:
        outer, self._lending = self._lending, []
        try:
            values = tuple(map(as_argument, arguments))
            packed = self.pack((target, method, values, {name: as_argument(named[name]) for name in named}))
            result = self._make_call(packed, limit)
            self._keep_lent()
            return result
        finally:
            self._forget(self._lending)
            self._lending = outer
            self._met.clear()

    def _make_call(self, packed: Packed, limit: "Limit | None") -> Any:
        if limit is not None:
            self.wire.limit_time(limit.deadline)
        self.in_step = False
        try:
            self.send(Kind.CALL, packed)
        except OSError as error:
            raise UnsentError from error
        if limit is None:
            return self._exchange()
        try:
            return self._exchange()
        finally:
            if self.in_step:
                self.wire.limit_time(None)

    def _exchange(self) -> Any:
        """Wait for the answer to the call that was sent, and run its blocks until then."""
        stop: BaseException | None = None
        numbers: list[int] = []
        try:
            while True:
                kind = self._receive()
                if kind is Kind.RETURN:
                    value = self._load()
                    if stop is None:
                        return value
                    break
                if kind is Kind.BLOCK:
                    stop = self._run_block(numbers) or stop
                    continue
                if kind is Kind.RAISE:
                    self._raise(Fault(*self._load()))
                if kind is Kind.STOP and stop is not None:
                    self.in_step = True
                    break
                raise LostError from ProtocolError(f"{kind.name} out of turn")
        finally:
            for number in numbers:
                del self._faults[number]
        if isinstance(stop, StopBlock):
            return stop.value
        raise stop

    def _receive(self) -> Kind:
        try:
            return self.wire.receive()
        except (OSError, ProtocolError) as error:
            raise LostError from error

    def _load(self) -> Any:
        try:
            value = self.load() if self.wire.flags & REFERENCES else self.wire.load()
        except UndecodableError as error:
            self.in_step = True
            raise (error.__cause__ or error) from None
        except (OSError, ProtocolError) as error:
            raise LostError from error
        self.in_step = True
        return value

    def _raise(self, fault: Fault) -> None:
        error = None if fault.origin is None else self._faults.get(fault.origin)
        raise error_of(fault, self) if error is None else error

    def _run_block(self, numbers: list[int]) -> BaseException | None:
        """Run what the service calls, and answer it; what ended the whole call, if that is what it did."""
        try:
            target, method, arguments, named = self._load()
        except LostError:
            raise
        except Exception as error:  # noqa: BLE001 - the service's arguments cannot be loaded: that is for it to know
            self._answer_error(error, numbers)
            return None
        self.in_step = False
        done = self.holder.around_block(self)
        try:
            result = self._run(target, method, arguments, named)
        except Exception as error:  # noqa: BLE001 - it goes the way of an exception in a block, through the service
            self._answer_error(error, numbers)
            return None
        except BaseException as error:  # noqa: BLE001 - StopBlock, KeyboardInterrupt: the call ends, here it goes on
            self._answer(Kind.STOP, Packed(0, (b"",)))
            return error
        finally:
            done()
            self.in_step = False
        self._answer_value(result, numbers)
        return None

    def _run(self, target: int, method: str | None, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        try:
            thing: Any = self.holder.lent[target]
        except KeyError:
            raise StaleReference("what a client had lent", "the call that lent it is over") from None
        if method is None:
            return thing(*arguments, **named)
        if method[0] == ".":
            return getattr(thing, method[1:])
        if method[0] == "_":
            return getattr(type(thing), method)(thing, *arguments)
        return getattr(thing, method)(*arguments, **named)

    def _answer_value(self, result: object, numbers: list[int]) -> None:
        try:
            packed = Packed(0, (dumps(result, 5),)) if is_plain(result) else self.pack(result)
        except Exception as error:  # noqa: BLE001 - a value that does not pickle is the block's fault
            self._answer_error(error, numbers)
            return
        self._answer(Kind.RETURN, packed)

    def _answer_error(self, error: BaseException, numbers: list[int]) -> None:
        number = self.remember(error)
        numbers.append(number)
        self._answer(Kind.RAISE, self.pack(self.fault(error, number)))

    def _answer(self, kind: Kind, packed: Packed) -> None:
        self.in_step = False
        try:
            self.send(kind, packed)
        except OSError as error:
            raise LostError from error

    # References

    def refer(self, thing: Any) -> Reduced | Any:
        """Objects that travel by reference are lent; those of the service go home; others are values."""
        kind: type = type(thing)
        match travel_of(kind):
            case Travel.VALUE | Travel.CODE:
                return NotImplemented
            case Travel.REFERENCE:
                return self._lend(thing)
            case Travel.WRAPPED:
                return self._refer_proxy(thing.thing) if isinstance(thing.thing, Proxy) else self._lend(thing.thing)
            case Travel.PROXY:
                return self._refer_proxy(thing)
            case Travel.REFUSED:
                raise refuse(kind, thing, "sent to a service")

    def meet_kept(self, target: int, shape_id: int, shape: tuple[Any, ...] | None) -> object:
        """A proxy of an object of the service."""
        if shape is not None:
            self._shapes.append(proxy_class(Shape(*shape)))
        proxy = self.holder.stand_in(target, self._shapes[shape_id])
        if self._lending:
            self._met.append(proxy)
        return proxy

    def meet_home(self, target: int) -> object:
        """What this process has lent."""
        try:
            return self.holder.lent[target]
        except KeyError:
            raise StaleReference("what this process had lent", "the call that lent it is over") from None

    def meet_foreign(self, place: ForeignPlace, shape: tuple[Any, ...]) -> object:
        """A proxy of a third process's object."""
        return proxy_of(place, Shape(*shape))

    def _refer_proxy(self, proxy: Proxy) -> Reduced:
        reference = proxy._riser  # noqa: SLF001 - what a proxy is to us
        target = self.holder.is_home(reference)
        if target is not None:
            return home, (target,)
        try:
            place = reference.place()
        except TypeError:
            return self._lend(proxy)
        return foreign, (tuple(place), tuple(proxy.riser_shape))

    def _lend_number(self, thing: object) -> int:
        number = next(self.holder.lent_numbers)
        self.holder.lent[number] = thing
        self._lending.append(number)
        return number

    def _lend(self, thing: object) -> Reduced:
        number = self._lend_number(thing)
        shape = thing.riser_shape if isinstance(thing, Proxy) else shape_of(thing)
        return lent, (number,) if shape is FUNCTION else (number, tuple(shape))

    def _keep_lent(self) -> None:
        """What the call has lent stays lent while objects that it returned live, or while the link is bound."""
        if not self._lending:
            return
        if self._met:
            loan = Loan(self.holder.lent, self._lending)
            for proxy in self._met:
                proxy._riser.keep(loan)  # type: ignore[attr-defined]  # noqa: SLF001 - stand_in made it
            self._lending = []
        elif self.bindings:
            self._kept_lent += self._lending
            self._lending = []

    def _forget(self, numbers: list[int]) -> None:
        for number in numbers:
            self.holder.lent.pop(number, None)


class Loan:
    """What was lent by a call whose result may use it: for as long as the proxies live that keep this."""

    def __init__(self, lent_things: dict[int, object], numbers: list[int]) -> None:
        self._lent = lent_things
        self._numbers = numbers

    def __del__(self) -> None:
        for number in self._numbers:
            self._lent.pop(number, None)
