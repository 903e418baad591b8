"""The three ways in which a step ends its item: the testee is wrong, the adapter or harness is, or a part is missing.

They are exceptions because they leave the verb from any depth. Each carries the sentence for the user.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.model.source import Location


class StepFailedError(Exception):
    """The implementation did not do what the step expects.

    `message` is one sentence: what happened, what was expected. `moment` is the index in the timeline that shows it
    best, `since` the name of the mark that times are counted from, `location` a better place than the step's own.
    """

    def __init__(
        self, message: str, *, moment: int | None = None, since: str | None = None, location: Location | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.moment = moment
        self.since = since
        self.location = location
        self.frames: list[Location] = []
        """Where the macros are used that the step stands in, from the inside out."""


class StepErroredError(Exception):
    """The adapter, the harness or the machine broke: nothing is said about the implementation's behaviour."""

    def __init__(self, message: str, *, moment: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.moment = moment
        self.location: Location | None = None
        self.frames: list[Location] = []
        """As of a failure: the place of a step within another, and where that is used."""


class StepUnsupportedError(Exception):
    """The testee itself says that it does not implement what the item needs."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
