"""What the user of a server has registered, and which failures of it are survived (`callback.raise`)."""

import logging
import socket
from collections.abc import Callable

from riser.core.operation import StopState
from riser.core.record import Record
from riser.core.stats import Report

_log = logging.getLogger("riser")


def _nothing(*_arguments: object) -> None:
    """The callback that was not registered."""


class Callbacks(Record):
    """RISER's eight callbacks; those that run while a server stops or reports are only called through the methods
    here."""

    dispatch: Callable[[socket.socket], object]
    before_start: Callable[[socket.socket], object] = _nothing
    at_fork: Callable[[], object] = _nothing
    at_stop: Callable[[StopState], object] = _nothing
    at_stat: Callable[[Report], object] = _nothing
    preprocess: Callable[[], object] = _nothing
    postprocess: Callable[[], object] = _nothing
    after_stop: Callable[[], object] = _nothing

    def stopping(self, state: StopState) -> None:
        """Call `at_stop`; the stop goes on whatever it raises."""
        _survive("at_stop", lambda: self.at_stop(state))

    def reporting(self, report: Report) -> None:
        """Call `at_stat`; the server serves on whatever it raises."""
        _survive("at_stat", lambda: self.at_stat(report))

    def postprocessing(self) -> None:
        """Call `postprocess`; the stop goes on whatever it raises."""
        _survive("postprocess", self.postprocess)

    def stopped(self) -> None:
        """Call `after_stop`, which nothing can follow but the end."""
        _survive("after_stop", self.after_stop)


def _survive(name: str, call: Callable[[], object]) -> None:
    try:
        call()
    except Exception:  # noqa: BLE001 - whatever a user's callback raises: it is recorded, and the work goes on
        _log.exception("%s failed", name)
