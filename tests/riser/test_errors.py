"""Exceptions compose their sentences from their fields, and survive a pickle as exceptions must."""

import pickle

import pytest

from riser.errors import (
    AddressError,
    AlreadyRunningError,
    CallbackError,
    ChildDiedError,
    ConfigError,
    ListenError,
    QueueClosedError,
    RiserError,
)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ConfigError("thread_num", 0, "a number"), "thread_num: expected a number, got 0"),
        (AddressError("path", "", "a path"), "path: expected a path, got ''"),
        (ListenError("tcp://h:1", "in use"), "cannot listen on tcp://h:1: in use"),
        (AlreadyRunningError("d", "d.pid"), "d daemon is already running (status file: d.pid)"),
        (CallbackError("preprocess", "ValueError: no"), "preprocess failed: ValueError: no"),
        (ChildDiedError("child 0", "exit status 3"), "child 0 ended before it was ready: exit status 3"),
        (QueueClosedError("thread_queue"), "thread_queue is closed"),
    ],
)
def test_an_error_says_what_its_fields_say(error: RiserError, sentence: str) -> None:
    assert str(error) == sentence
    assert str(pickle.loads(pickle.dumps(error))) == sentence
