"""The service's end of a connection: it carries out calls, one after the other, in one thread.

    client                    session
    CALL ------------------>  the object's method
         <------------------ BLOCK    the method calls what the client has lent it
    CALL ------------------>          in there the client calls again: carried out inside
         <------------------ RETURN
    RETURN ---------------->
         <------------------ RETURN, RAISE, or STOP

Messages nest strictly, so a call made in a block runs in the thread that waits for the block, and locks that a thread
may take twice can be taken twice. What the client enters with `with` stays entered, in this thread, until the client
leaves it; if the connection ends before that, it is left with `ClientGone`.
"""

import logging
from collections.abc import Generator, Mapping
from pickle import dumps
from types import GeneratorType
from typing import Any, NoReturn

from riser.services.courier import Courier, Packed, Reduced, are_plain, foreign, home, is_plain, kept
from riser.services.errors import ClientGone, MessageTooLargeError, ProtocolError, StaleReference
from riser.services.exports import Exports
from riser.services.faults import Fault, error_of, fault_of
from riser.services.frames import HangupError, Kind, UndecodableError, Wire
from riser.services.lent import FUNCTION_PROXY, LentReference, thread
from riser.services.proxy import ForeignPlace, Proxy, proxy_class
from riser.services.reach import proxy_of
from riser.services.shape import FUNCTION, OPERATORS, Shape, shape_of
from riser.services.travel import Travel, as_argument, refuse, travel_of

_log = logging.getLogger("riser")

_LEASE_SECONDS = 5.0


class BlockStopped(BaseException):
    """Unwinds a service whose block was ended by `StopBlock`; no `except Exception` keeps it."""


class Session(Courier):
    """One connection of one client, in the thread that serves it."""

    def __init__(self, wire: Wire, *, exports: Exports, client: bytes) -> None:
        super().__init__(wire)
        self.client = client
        self._exports = exports
        self._things = exports.things
        self._has_lease = False
        self._shapes: dict[Shape, int] = {}
        """What the client has been told of shapes, and the numbers that stand for them since."""
        self._told: list[Shape] = []
        """Those of the message that is being made."""
        self._granted: list[int] = []
        """The targets that the message that is being made refers to, and afterwards ..."""
        self._untaken: list[int] = []
        """... those of the last message, until the client has shown that it took it."""
        self._entered: list[tuple[int, Any]] = []
        self._driven: dict[int, Generator[Any, Any, Any]] = {}
        self._met: list[tuple[BaseException, int]] = []
        """Exceptions of the client's blocks, and what it calls them."""

    def serve(self) -> None:
        """Carry out calls until the connection ends."""
        outer, thread.session = thread.session, self
        try:
            while self.turn():
                pass
        except Exception as error:  # noqa: BLE001 - the thread ends here, and what the client left has to be undone
            if not isinstance(error, OSError):
                _log.warning("a client was hung up on: %s: %s", type(error).__name__, error)
            self.end(error)
        finally:
            thread.session = outer

    def turn(self) -> bool:
        """Carry out one call; whether another may follow."""
        kind = self.wire.receive()
        if self._untaken:
            self._untaken.clear()
        if kind is Kind.CALL:
            self._call()
            if self._met:
                self._met.clear()
            return True
        if kind is Kind.BYE:
            self._farewell()
            return False
        raise ProtocolError(f"{kind.name} out of turn")

    def await_lease(self) -> None:
        """To be called before the client is made to hold something; see `Exports.await_lease`."""
        if not self._has_lease:
            self._exports.await_lease(self.client, _LEASE_SECONDS)
            self._has_lease = True

    def end(self, reason: Exception) -> None:
        """Undo what the client left: entered context managers, running generators, a reply that it did not take."""
        gone = ClientGone(str(reason) or type(reason).__name__)
        for _, thing in reversed(self._entered):
            _quietly(type(thing).__exit__, thing, ClientGone, gone, None)
        self._entered.clear()
        for target in list(self._driven):
            self._close_generator(target)
        for target in self._untaken:
            self._exports.release(self.client, target)
        self._untaken.clear()

    # Calls

    def _call(self) -> None:
        try:
            call = self.load()
        except UndecodableError as error:
            self._answer_error(error.__cause__ or error)
            return
        try:
            target, method, arguments, named, *functions = call
            if functions:
                self._put_functions(arguments, functions[0])
            result = self._invoke(target, method, arguments, named)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the caller is who has to know
            self._answer_error(error)
            return
        if is_plain(result):
            self.wire.send(Kind.RETURN, dumps(result, 5))
            return
        try:
            packed = self.pack(result)
        except Exception as error:  # noqa: BLE001 - a result that does not pickle is the service's fault, and told
            self._answer_error(error)
            return
        self._send(Kind.RETURN, packed)

    def _put_functions(self, arguments: list[Any], places: list[int]) -> None:
        """Put proxies where the client has put the numbers of functions that it lends."""
        for place in places:
            arguments[place] = FUNCTION_PROXY(LentReference(self.client, arguments[place], FUNCTION.name))

    def _invoke(self, target: int, method: str | None, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        thing = self._things.get(target, self)
        if thing is self:
            raise StaleReference(f"object {target}", "nobody holds it any more")
        if method is None:
            return thing(*arguments, **named)  # type: ignore[operator]  # a front is an object, and may be callable
        if method[0] in "_.":
            return self._special(target, thing, method, arguments)
        if type(thing) is GeneratorType:
            return self._drive(target, thing, method, arguments)
        return getattr(thing, method)(*arguments, **named)

    def _special(self, target: int, thing: Any, method: str, arguments: tuple[Any, ...]) -> Any:
        if method[0] == "." and method[1:2] != "_":
            return getattr(thing, method[1:])
        if method not in OPERATORS:
            raise AttributeError(f"{method!r} of {type(thing).__qualname__!r} object is private")
        if method == "__enter__":
            value = type(thing).__enter__(thing)
            self._entered.append((target, thing))
            return value
        if method == "__exit__":
            return self._leave(target, *arguments)
        if type(thing) is GeneratorType:
            return self._drive(target, thing, method, arguments)
        return getattr(type(thing), method)(thing, *arguments)

    def _leave(self, target: int, fault: tuple[Any, ...] | None) -> bool:
        index = max((index for index, (entered, _) in enumerate(self._entered) if entered == target), default=None)
        if index is None:
            raise RuntimeError("the context manager is not entered here")
        _, thing = self._entered.pop(index)
        if fault is None:
            return bool(type(thing).__exit__(thing, None, None, None))
        error = self._meet_error(Fault(*fault))
        return bool(type(thing).__exit__(thing, type(error), error, error.__traceback__))

    def _drive(self, target: int, generator: Any, method: str, arguments: tuple[Any, ...]) -> Any:
        if self._exports.drivers.setdefault(target, self) is self:
            self._driven[target] = generator
        try:
            return getattr(generator, method)(*arguments)
        finally:
            if generator.gi_frame is None and self._driven.pop(target, None) is not None:
                del self._exports.drivers[target]

    def _close_generator(self, target: int) -> None:
        _quietly(self._driven.pop(target).close)
        self._exports.drivers.pop(target, None)

    def _farewell(self) -> None:
        if not self.wire.is_empty:
            target, holds = self.load()
            if target in self._driven:
                self._close_generator(target)
            self._exports.release(self.client, target, holds)
        self.end(HangupError("the client closed the connection"))

    def _answer_error(self, error: BaseException) -> None:
        if isinstance(error, BlockStopped):
            self.wire.send(Kind.STOP)
            return
        origin = next((number for met, number in self._met if met is error), None)
        fault = fault_of(error, self, origin=origin)
        try:
            packed = self.pack(tuple(fault))
        except MessageTooLargeError:
            packed = self.pack(tuple(fault.shortened()))
        self._send(Kind.RAISE, packed)

    def _send(self, kind: Kind, packed: Packed) -> None:
        self._untaken, self._granted = self._granted, []
        self._told.clear()
        self.send(kind, packed)

    # Blocks

    def call_back(self, target: int, method: str | None, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
        """Call what the client has lent, in the client's thread that waits for this session."""
        if not named and are_plain(arguments):
            packed = Packed(0, (dumps((target, method, arguments, named), 5),))
        else:
            values = tuple(map(as_argument, arguments))
            packed = self.pack((target, method, values, {name: as_argument(named[name]) for name in named}))
        try:
            self._send(Kind.BLOCK, packed)
        except OSError as error:
            self._client_gone(error)
        while True:
            kind = self._receive()
            if kind is not Kind.CALL:
                break
            self._call_inside()
        if kind is Kind.STOP:
            raise BlockStopped
        value = self._load()
        if kind is Kind.RETURN:
            return value
        raise self._meet_error(Fault(*value))

    def _call_inside(self) -> None:
        try:
            self._call()
        except (OSError, ProtocolError) as error:
            self._client_gone(error)

    def _receive(self) -> Kind:
        try:
            kind = self.wire.receive()
        except (OSError, ProtocolError) as error:
            self._client_gone(error)
        self._untaken.clear()
        if kind is Kind.BYE or kind is Kind.BLOCK:
            self._client_gone(ProtocolError(f"{kind.name} out of turn"))
        return kind

    def _load(self) -> Any:
        try:
            return self.load()
        except UndecodableError as error:
            raise (error.__cause__ or error) from None
        except (OSError, ProtocolError) as error:
            self._client_gone(error)

    def _client_gone(self, error: Exception) -> NoReturn:
        raise ClientGone(str(error) or type(error).__name__) from error

    def _meet_error(self, fault: Fault) -> Exception:
        error = error_of(fault, self)
        if fault.origin is not None:
            self._met.append((error, fault.origin))
        return error

    # References

    def refer(self, thing: Any) -> Reduced | Any:
        """Objects that travel by reference, and those that are referred to already, are kept; others are values."""
        kind: type = type(thing)
        match travel_of(kind):
            case Travel.VALUE:
                return NotImplemented if self._exports.target_of(thing) is None else self._keep(thing)
            case Travel.CODE:
                return NotImplemented
            case Travel.REFERENCE:
                return self._keep(thing)
            case Travel.WRAPPED:
                return self._refer_proxy(thing.thing) if isinstance(thing.thing, Proxy) else self._keep(thing.thing)
            case Travel.PROXY:
                return self._refer_proxy(thing)
            case Travel.REFUSED:
                raise refuse(kind, thing, "returned from a service")

    def revoke(self) -> None:
        """Take back what was granted and told for a message that is not sent."""
        for target in self._granted:
            self._exports.release(self.client, target)
        self._granted.clear()
        for shape in self._told:
            del self._shapes[shape]
        self._told.clear()

    def _keep(self, thing: object) -> Reduced:
        self.await_lease()
        target = self._exports.grant(thing, self.client)
        if not self._exports.is_front(target):
            self._granted.append(target)
        shape = shape_of(thing)
        number = self._shapes.get(shape)
        if number is not None:
            return kept, (target, number)
        self._shapes[shape] = number = len(self._shapes)
        self._told.append(shape)
        return kept, (target, number, tuple(shape))

    def _refer_proxy(self, proxy: Proxy) -> Reduced:
        match proxy._riser:  # noqa: SLF001 - what a proxy is to us
            case LentReference() as lent:
                if lent.client != self.client:
                    raise TypeError(f"{proxy!r} is another client's, and only lent")
                return home, (lent.target,)
            case reference:
                return foreign, (tuple(reference.place()), tuple(proxy.riser_shape))

    def meet_lent(self, target: int, shape: tuple[Any, ...] | None) -> object:
        """A proxy of an object of the client."""
        kind = FUNCTION if shape is None else Shape(*shape)
        return proxy_class(kind)(LentReference(self.client, target, kind.name))

    def meet_home(self, target: int) -> object:
        """The object itself."""
        thing = self._things.get(target, self)
        if thing is self:
            raise StaleReference(f"object {target}", "nobody holds it any more")
        return thing

    def meet_foreign(self, place: ForeignPlace, shape: tuple[Any, ...]) -> object:
        """The object itself if it is of this process, or a proxy of a third one's."""
        ours = self._exports.place
        if (place.pool, place.slot) == (ours.pool, ours.slot) and place.incarnation in (None, ours.incarnation):
            return self.meet_home(place.target)
        return proxy_of(place, Shape(*shape))


def _quietly(step: Any, *arguments: Any) -> None:
    try:
        step(*arguments)
    except ClientGone:
        return  # What it was told is what it says.
    except Exception:  # noqa: BLE001 - nobody is left who could be told
        _log.exception("unwinding a call of a client that is gone")
