"""What this machine offers to scenarios, looked at once; `plan` decides by it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from harness.namespaces import why_no_private_log

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Machine:
    """What the machine offers, as far as scenarios ask for it.

    `find_program` gives the path of a program as a shell finds it, or None. `why_no_private_log` says why a program
    cannot have a /dev/log of its own, None where it can. `has_trustme` says whether certificates can be made.
    """

    has_ipv6: bool
    is_root: bool
    find_program: Callable[[str], str | None]
    why_no_private_log: Callable[[], str | None]
    has_trustme: bool


@cache
def this_machine() -> Machine:
    """The machine that the harness runs on; looked at once."""
    return Machine(
        has_ipv6=_can_bind_ipv6(),
        is_root=os.geteuid() == 0,
        find_program=shutil.which,
        why_no_private_log=why_no_private_log,
        has_trustme=importlib.util.find_spec("trustme") is not None,
    )


def _can_bind_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True
