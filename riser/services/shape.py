"""What can be done with an object from afar: its public methods, properties and operators, as plain data.

A shape is taken from the object's class where the object is, and made into a class of proxies where it is referred to.
"""

import types
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import NamedTuple, cast


class Shape(NamedTuple):
    """What an object offers; travels as a plain tuple."""

    name: str
    methods: tuple[str, ...] = ()
    properties: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()
    is_generator: bool = False


OPERATORS = frozenset(
    {
        *("__call__", "__len__", "__length_hint__", "__bool__", "__contains__", "__iter__", "__next__", "__reversed__"),
        *("__getitem__", "__setitem__", "__delitem__", "__enter__", "__exit__", "__hash__"),
        *("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"),
        *("__str__", "__bytes__", "__int__", "__float__", "__complex__", "__index__"),
        *("__neg__", "__pos__", "__abs__", "__invert__", "__round__", "__trunc__", "__floor__", "__ceil__"),
        *(
            f"__{prefix}{name}__"
            for name in (
                *("add", "sub", "mul", "matmul", "truediv", "floordiv", "mod", "pow", "lshift", "rshift"),
                *("and", "or", "xor"),
            )
            for prefix in ("", "r", "i")
        ),
        *("__divmod__", "__rdivmod__"),
    }
)
"""The special methods that are offered when a class has them, and the only names with a leading `_` that are."""

FUNCTION = Shape("function", operators=("__call__",))

FUNCTION_KINDS = frozenset({types.FunctionType, types.BuiltinFunctionType, types.MethodType})
"""The classes of which every instance has that shape."""


def shape_of(thing: object) -> Shape:
    """The shape of this object; that of a module or class consists of its own functions."""
    if type(thing) in FUNCTION_KINDS:
        return FUNCTION
    if isinstance(thing, types.ModuleType):
        return Shape(f"module {thing.__name__}", methods=_public(vars(thing), of=thing))
    if isinstance(thing, type):
        return Shape(f"class {thing.__qualname__}", methods=_public(dir(thing), of=thing), operators=("__call__",))
    shape = shape_of_class(cast("type", type(thing)))
    own = _public(getattr(thing, "__dict__", ()), of=thing)
    return shape._replace(methods=(*shape.methods, *own)) if own else shape


@lru_cache(maxsize=1024)
def shape_of_class(kind: type) -> Shape:
    """The shape of the instances of this class."""
    names = dir(kind)
    return Shape(
        kind.__qualname__,
        methods=_public(names, of=kind),
        properties=tuple(name for name in names if name[0] != "_" and isinstance(getattr(kind, name, None), property)),
        operators=tuple(name for name in names if name in OPERATORS and _has_own(kind, name)),
        is_generator=kind is types.GeneratorType,
    )


def _public(names: Iterable[str], *, of: object) -> tuple[str, ...]:
    return tuple(name for name in names if name[:1] != "_" and callable(getattr(of, name, None)))


def _has_own(kind: type, name: str) -> bool:
    method: Callable[..., object] | None = getattr(kind, name, None)
    return method is not None and method is not getattr(object, name, None)
