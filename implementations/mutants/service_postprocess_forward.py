"""Calls the postprocess of services in the order of registration. Breaks service.callbacks."""

import contextlib
import sys

from riser.services import registry
from riser.testee.__main__ import main


class ForwardStack(contextlib.ExitStack):
    """What was entered first is left first."""

    def __exit__(self, *details: object) -> bool:
        """Leave all of it."""
        self._exit_callbacks.reverse()  # type: ignore[attr-defined]  # it is a deque
        return bool(super().__exit__(*details))  # type: ignore[arg-type]  # as they came


class Patched:
    """The module, with the other stack."""

    ExitStack = ForwardStack
    contextmanager = contextlib.contextmanager


registry.contextlib = Patched  # type: ignore[assignment]  # a mutant patches

sys.exit(main(sys.argv[1:]))
