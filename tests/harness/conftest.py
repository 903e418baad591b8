"""An engine, and ways to run scenario texts on small testees that are written where they are used."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

from harness.engine.observe import children_of
from harness.engine.runner import Engine
from harness.engine.settings import Settings
from harness.load.scenario import read_scenarios
from harness.model.manifest import KnownFailure, Manifest, Profile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.model.outcome import Outcome
    from harness.model.scenario import Scenario

SMALL = Path(__file__).parent / "testees" / "small.py"
"""A testee in few lines, which does wrong what FAULTS in its environment asks for."""
PYTHON = (sys.executable, "-I", "-S")


def small_manifest(*command: str, known: tuple[KnownFailure, ...] = ()) -> Manifest:
    """An implementation that offers all profiles: the small testee, or another command."""
    return Manifest(
        name="small",
        language="python",
        version="1",
        homepage="",
        command=command or (*PYTHON, str(SMALL)),
        profiles=frozenset(Profile),
        directory=str(SMALL.parent),
        known=known,
    )


def read_one(text: str) -> Scenario:
    """The one item of a scenario text without its head, which is two lines, or three for a daemon."""
    head = "scenario: a test\nclauses: [test.engine]\n"
    if "mode: daemon" in text:
        head += "needs: [daemon]\n"
    (scenario,) = read_scenarios(head + textwrap.dedent(text).lstrip("\n"), "test.yaml", name="test")
    return scenario


class Run(Protocol):
    """Runs the item of a scenario text, on the small testee or another command."""

    def __call__(
        self,
        text: str,
        *command: str,
        time_scale: float = 1.0,
        keep: bool = False,
        known: tuple[KnownFailure, ...] = (),
    ) -> Outcome:
        """Give what came of it."""


@pytest.fixture
def read() -> Callable[[str], Scenario]:
    """Reads the one item of a text of actors and steps."""
    return read_one


@pytest.fixture
def small() -> Manifest:
    """The small testee as an implementation."""
    return small_manifest()


@pytest.fixture
def root() -> Iterator[Path]:
    """A directory for workspaces; pytest's own have long paths, and those of Unix sockets must be short."""
    with tempfile.TemporaryDirectory(prefix="t-") as directory:
        yield Path(directory)


@pytest.fixture
def run(root: Path) -> Iterator[Run]:
    """Runs items; afterwards no child of this process is left that was not there before, and no open descriptor."""
    children, descriptors = children_of(os.getpid()), _open_descriptors()

    def run_text(
        text: str,
        *command: str,
        time_scale: float = 1.0,
        keep: bool = False,
        known: tuple[KnownFailure, ...] = (),
    ) -> Outcome:
        with Engine(Settings(time_scale=time_scale, keep=keep, root=root)) as engine:
            return engine.run_one(read_one(text), small_manifest(*command, known=known))

    yield run_text
    assert set(children_of(os.getpid())) <= set(children)
    assert _open_descriptors() <= descriptors


def _open_descriptors() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir() if path.exists()}


@pytest.fixture
def free_port() -> Iterator[int]:
    """A TCP port of 127.0.0.1 that is given to nobody else, for programs that cannot be given port 0.

    Whoever sets SO_REUSEADDR, as nearly all do, may listen there all the same.
    """
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        yield port
