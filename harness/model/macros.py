"""The head of a macro: what it takes and what it gives."""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.fields import option


@dataclass(frozen=True, slots=True)
class MacroHead:
    """The keys of a macro, beside `defaults` (values of inputs that need not be given) and `steps`."""

    does: str | None = option("what its steps do, as a sentence", default=None)
    inputs: tuple[str, ...] = option("the names of the values that it takes", default=())
    outputs: tuple[str, ...] = option("the names that its steps give and that its user may use", default=())
