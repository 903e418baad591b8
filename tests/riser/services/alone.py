"""Runs a program where there is nothing but the loopback interface, and ends whatever it leaves behind.

    python -m tests.riser.services.alone pytest tests/riser/services/test_engines.py

For what binds every address, as Ray does. Root may have a network of its own, others where the kernel lets them have a
user namespace; where neither is allowed the program is not run, and that is said. It has process ids and a directory
for temporary files of its own, too: when it has ended, its last process is killed and its last file removed.
"""

import fcntl
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile

_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1
_WITHIN = "within"


def main(arguments: list[str]) -> int:
    """The exit status of the program; 0 if it could not be run, since nothing is wrong then."""
    # Whoever ends this is to find nothing left; and the kernel lets the first process of a namespace die of no signal
    # that it does not handle.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: sys.exit(128 + number))
    if arguments[0] == _WITHIN:
        return run_within(arguments[1:])
    why_not = try_out()
    if why_not is not None:
        sys.stderr.write(f"NOT RUN, for want of a network namespace: {' '.join(arguments)}\n{why_not}\n")
        return 0
    # Sockets go by the names of files, so this one is to be short.
    with tempfile.TemporaryDirectory(prefix="riser-", ignore_cleanup_errors=True) as directory:
        environment = os.environ | {"TMPDIR": directory, "RAY_TMPDIR": directory}
        command = [*words(), sys.executable, "-m", __spec__.name, _WITHIN, *arguments]
        return subprocess.run(command, env=environment, check=False).returncode


def words() -> list[str]:
    """What to put before a command."""
    root = [] if os.geteuid() == 0 else ["--map-root-user"]
    return ["unshare", *root, "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]


def try_out() -> str | None:
    """Why there can be no such place here; None if there can."""
    try:
        tried = subprocess.run([*words(), "true"], capture_output=True, text=True, check=False)
    except OSError as error:
        return str(error)
    return None if tried.returncode == 0 else tried.stderr.strip() or f"unshare: status {tried.returncode}"


def run_within(command: list[str]) -> int:
    """Start the loopback interface, and be the first process of that place: the one that reaps all others."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, _SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", _IFF_UP))
    first = os.posix_spawnp(command[0], command, os.environ)
    while True:
        pid, status = os.wait()
        if pid == first:
            return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
