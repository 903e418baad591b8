"""Lets everybody connect to the services. Breaks service.private."""

import sys
from pathlib import Path

from riser.services import site
from riser.testee.__main__ import main

listen = site._listen


def listen_to_all(path: Path) -> object:
    """Open the socket to everybody."""
    listener = listen(path)
    path.chmod(0o666)
    return listener


site._listen = listen_to_all  # type: ignore[assignment]  # a mutant patches

sys.exit(main(sys.argv[1:]))
