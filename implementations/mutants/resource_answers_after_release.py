"""Lets a released handle be used. Breaks resource.after.release."""

import sys

from riser import handle
from riser.testee.__main__ import main


def release_and_go_on(held: handle.Handle[object]) -> None:
    """Give back what stays in hand."""
    held._give_back()


handle.Handle.release = release_and_go_on  # type: ignore[method-assign]  # a mutant patches

sys.exit(main(sys.argv[1:]))
