"""The one way in which a command says that it was asked for something it cannot do."""

from __future__ import annotations


class RefusedError(Exception):
    """Ends a command with exit status 2, before anything is started; the text is what the user reads."""

    @classmethod
    def of(cls, sentence: object) -> RefusedError:
        """A refusal in one sentence."""
        return cls(f"harness: error: {sentence}")
