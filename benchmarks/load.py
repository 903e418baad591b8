"""The load: a program of our own in C for raw connections, and wrk, where it is, for HTTP.

Neither is what limits a figure: flood's own loop does some 60,000 connections a second on one core.
"""

import json
import re
import shutil
import subprocess
import time

from benchmarks.programs import LONGEST_SECONDS, compiled


def flood(address: str, *, clients: int, seconds: float, mode: str, rate: float = 0) -> dict[str, float]:
    """Load on an address and what came of it, by name: `operations`, `errors`, `seconds`, and times in microseconds."""
    command = [str(compiled("flood.c")), address, str(clients), str(seconds), mode, str(rate)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + LONGEST_SECONDS)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def good(result: dict[str, float]) -> dict[str, float]:
    """The same; raises RuntimeError if more than one operation in a thousand failed."""
    if result["errors"] * 1000 > result["operations"]:
        raise RuntimeError(f"{result['errors']:.0f} of {result['operations']:.0f} operations failed")
    return result


def requests_per_second(address: str, *, clients: int, seconds: float, keep: bool) -> float:
    """HTTP from wrk, which counts in whole seconds, or from flood where there is no wrk."""
    if shutil.which("wrk") is None:
        done = good(flood(address, clients=clients, seconds=seconds, mode="http-keep" if keep else "http-close"))
        return done["operations"] / done["seconds"]
    command = ["wrk", "-t1", f"-c{clients}", f"-d{max(1, round(seconds))}s", f"http://{address}/"]
    if not keep:
        command[1:1] = ["-H", "Connection: close"]
    text = subprocess.run(command, capture_output=True, text=True, check=True, timeout=LONGEST_SECONDS).stdout
    found = re.search(r"Requests/sec: +([\d.]+)", text)
    if not found or "Non-2xx" in text or "Socket errors" in text:
        raise RuntimeError(f"not every request was answered: {text[-300:]}")
    return float(found[1])


def warm_up(address: str, mode: str) -> None:
    """Load an address for a moment, until it answers: some say where they listen before they serve."""
    deadline = time.monotonic() + LONGEST_SECONDS
    while flood(address, clients=8, seconds=0.1, mode=mode)["operations"] == 0:
        if time.monotonic() > deadline:
            raise RuntimeError(f"nobody answers at {address}")
