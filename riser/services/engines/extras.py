"""What engines need beside the standard library, and what is said where it is missing."""

import contextlib
from collections.abc import Iterator

from riser.services.errors import ServiceError


class MissingExtraError(ServiceError):
    """A package that an engine needs is not installed; `extra` names what to install."""

    def __init__(self, extra: str, package: str) -> None:
        super().__init__(extra, package)
        self.extra = extra
        self.package = package

    def __str__(self) -> str:
        return f"{self.package} is not installed: pip install 'riser-harness[{self.extra}]'"


@contextlib.contextmanager
def needs(extra: str) -> Iterator[None]:
    """Imports of what this extra installs; raises `MissingExtraError` where it is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtraError(extra, error.name or "a package") from error
