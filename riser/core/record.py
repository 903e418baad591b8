"""Records: values with named fields that do not change.

They are what `@dataclass(frozen=True)` would make of the same classes. That writes source for each class and compiles
it whenever it is imported, which for the records of this package is a third of the time that a server takes to start.
"""

from typing import Any, ClassVar, TypeVar, dataclass_transform


@dataclass_transform(frozen_default=True)
class Record:
    """The fields that its class annotates, in their order; what has a value in the class has that by default.

    Equal to another of the same class with equal fields. Raises TypeError when it is made with other fields than
    those, and AttributeError when one is assigned to. A class may check its fields in `__post_init__`.
    """

    __match_args__: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        cls.__match_args__ = tuple(cls.__annotations__)  # type: ignore[misc]  # allowed in a body only, for want of a reason

    def __init__(self, *values: Any, **named: Any) -> None:
        cls = type(self)
        fields = cls.__match_args__
        given = dict(zip(fields, values, strict=False))
        if len(values) > len(fields) or not given.keys().isdisjoint(named):
            raise TypeError(f"{cls.__name__}: too many values for {', '.join(fields) or 'no fields'}")
        given |= named
        try:
            self.__dict__.update((name, given.pop(name) if name in given else cls.__dict__[name]) for name in fields)
        except KeyError as missing:
            raise TypeError(f"{cls.__name__}: the field {missing.args[0]} is missing") from None
        if given:
            raise TypeError(f"{cls.__name__} has no field {next(iter(given))}")
        self.__post_init__()

    def __post_init__(self) -> None:
        """Nothing to check."""

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} does not change: {name} cannot be set")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} does not change: {name} cannot be deleted")

    def __eq__(self, other: object) -> bool:
        return self.__dict__ == other.__dict__ if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash((type(self), *self.__dict__.values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.__dict__.items())})"


# Here, because a bound that is still a text is compiled, and that is the first thing of a server that would be.
AnyRecord = TypeVar("AnyRecord", bound=Record)


def replace(record: AnyRecord, **changes: object) -> AnyRecord:
    """The same record with other values in some fields; raises TypeError for one that it has not."""
    return type(record)(**{**record.__dict__, **changes})
