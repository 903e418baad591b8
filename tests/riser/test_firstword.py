"""Of what a starting process says, the first word counts."""

import os

from riser.firstword import FirstWord
from riser.process import Readiness, ReadyPipe


def said(*words: str) -> tuple[Readiness, str]:
    """What the one that waits hears."""
    pipe, heard = ReadyPipe(), ReadyPipe()
    # One process plays both: the sender gets a copy of the other's end.
    os.dup2(pipe.fileno(), heard.fileno())
    word = FirstWord(pipe)
    for text in words:
        if text == "ready":
            word.ready()
        else:
            word.failed(text)
    assert word.is_said
    answer = heard.poll()
    heard.close()
    os.close(pipe.fileno())
    return answer


def test_ready_is_heard_and_a_later_failure_is_not() -> None:
    assert said("ready", "too late") == (Readiness.READY, "")


def test_failure_is_heard_with_its_reason() -> None:
    assert said("bad setup", "ready") == (Readiness.FAILED, "bad setup")


def test_nobody_waits() -> None:
    word = FirstWord(None)
    assert word.is_said
    word.ready()
    word.failed("unheard")
    word.close()
