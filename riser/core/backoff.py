"""How long a daemon waits before it starts a server again that has died.

The first death is answered at once: most crashes are single, and clients are waiting. From the second on the pause
doubles, so that a server that cannot live costs less and less: 0, 0.1, 0.2, 0.4 ... 30 seconds. That makes eight
starts in the first ten seconds. A server that has served for `HEALTHY_SECONDS` has proved that it can live, and the
count begins anew. (RISER itself starts a dying server again in every polling turn.)
"""

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 30.0
HEALTHY_SECONDS = 2.0


def pause_seconds(failures: int) -> float:
    """The pause after the given number of failures in a row.

    `failures` counts from 1; the answer is between 0 and `LONGEST_PAUSE_SECONDS`.
    """
    if failures < 2:
        return 0.0
    # The exponent is bounded before the power, which would otherwise grow without limit.
    return min(FIRST_PAUSE_SECONDS * 2.0 ** min(failures - 2, 16), LONGEST_PAUSE_SECONDS)


def failures_after(failures: int, *, served_seconds: float) -> int:
    """The number of failures in a row when a server dies that had served for so long."""
    return 1 if served_seconds >= HEALTHY_SECONDS else failures + 1
