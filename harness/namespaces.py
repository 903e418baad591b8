"""A private /dev/log for one program: a mount namespace in which /dev has another `log`, and everything else as it is.

syslog(3) knows one path, and it belongs to the machine. So the program is started through `unshare`, and sees, in place
of /dev, a small file system of links: `log` leads to a socket of the harness's, every other name to the real /dev. The
program keeps its pid, its parent and its user; nobody else sees the mounts, which end with the last process in it.

Root may do that directly. Others may where the kernel lets them have a user namespace: in an outer one they may mount,
in an inner one they are themselves again. Where neither is allowed, as in most containers, nothing stands in for it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

_MOUNT = """\
set -e
mount -t tmpfs -o mode=0755 none "$1"
mkdir "$1/.machine"
mount --rbind /dev "$1/.machine"
(cd "$1"; ln -s .machine/* .; rm -f log; ln -s "$2" log)
mount --rbind "$1" /dev
shift 2
exec "$@"
"""
_TRY_SECONDS = 10.0


def with_private_log(directory: Path, log: Path) -> tuple[str, ...]:
    """The words to put before a command, so that its /dev/log is `log`; `directory` is an empty one to mount on."""
    within = ("/bin/sh", "-c", _MOUNT, "sh", str(directory), str(log))
    if os.geteuid() == 0:
        return ("unshare", "--mount", *within)
    again = ("unshare", "--user", f"--map-user={os.getuid()}", f"--map-group={os.getgid()}")
    return ("unshare", "--user", "--map-root-user", "--mount", *within, *again)


@cache
def why_no_private_log() -> str | None:
    """Why no program can be given a /dev/log of its own here, as a clause; None where one can. Tried out once."""
    for program in ("unshare", "mount"):
        if shutil.which(program) is None:
            return f"there is no program `{program}`"
    with tempfile.TemporaryDirectory(prefix="h-") as name:
        command = [*with_private_log(Path(name), Path(name, "none")), "readlink", "/dev/log"]
        try:
            tried = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_TRY_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            return f"an attempt took more than {_TRY_SECONDS:g} s"
    if tried.returncode:
        last = tried.stderr.strip().rpartition("\n")[2]
        return last or f"an attempt ended with status {tried.returncode}"
    return None
