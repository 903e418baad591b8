"""What riser needs of an engine: to have processes started somewhere on its cluster, and to be told of their end."""

from collections.abc import Callable
from typing import ClassVar, Protocol


class Cluster(Protocol):
    """A connection to an engine's cluster, in the connector process."""

    host: str
    """The address of this machine that the machines of the cluster reach."""

    def place(self, slot: int, order: bytes, ended: Callable[[str], None]) -> None:
        """Have `errand.run` called with the order on some machine, in turn by slot.

        `ended` is called from any thread when that has ended, or its machine was lost, with what is known of it.
        Raises whatever the engine does.
        """

    def close(self) -> None:
        """End the connection, and with it whatever was placed."""


class Engine(Protocol):
    """Which cluster it is; a value, which can be had without the engine's packages."""

    extra: ClassVar[str]
    """The extra that installs what it needs."""

    def connect(self) -> Cluster:
        """The cluster; called in the connector process, where the engine is imported.

        Raises `MissingExtraError`, `ConfigError` if what is sent through the engine could be read on the way, and what
        the engine does if there is no such cluster.
        """
