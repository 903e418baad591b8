"""What a starting process says to the one that waits for it: ready, or failed and why; whichever comes first."""

from riser.process import ReadyPipe


class FirstWord:
    """The sender's end of a readiness pipe; once a word has been said, later ones are not. None: nobody waits."""

    def __init__(self, pipe: ReadyPipe | None) -> None:
        self._pipe = pipe

    @property
    def is_said(self) -> bool:
        """Whether nobody waits for a word (any more)."""
        return self._pipe is None

    def ready(self) -> None:
        """Say that the start has succeeded."""
        if self._pipe is not None:
            self._pipe.tell_ready()
            self._pipe = None

    def failed(self, reason: str) -> None:
        """Say that it has failed, and why."""
        if self._pipe is not None:
            self._pipe.tell_failure(reason)
            self._pipe = None

    def close(self) -> None:
        """Say nothing: what a process does that has inherited another's pipe."""
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None
