"""How many connections a child may be sent ahead of its threads, so that in a storm none of them waits for the parent.

A connection that waits in the parent can go to whoever has an idle thread first; one in a child's thread queue cannot.
But a thread that has to wait for the parent's answer after each connection costs two changes of process where there
are hundreds a millisecond. So a child gets as many ahead as it finishes in `AHEAD_SECONDS`: nothing where a dispatch
takes long, a few where it is short, and a message then carries several at once.

Only a storm counts: `SAMPLE` connections in a row at the end of which others waited. Each time that nobody waits the
number is halved: a lull in a storm costs little, and what a few clients see is soon exact (`server.balance`).
"""

AHEAD_SECONDS = 0.002
"""How long a connection waits in a thread queue because of this, in the mean."""
SAMPLE = 32


class Pace:
    """How fast one child works while connections wait for its threads."""

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._ahead = 0
        self._finished = 0
        self._since = 0.0

    def finished(self, connections: int, *, crowded: bool, clock: float) -> None:
        """So many more are finished; `crowded` if others wait."""
        if not crowded:
            self._ahead //= 2
            self._finished = 0
            self._since = clock
            return
        self._finished += connections
        if self._finished >= SAMPLE:
            seconds = max(clock - self._since, 1e-6)
            self._ahead = min(int(AHEAD_SECONDS * self._finished / seconds), self._most)
            self._finished = 0
            self._since = clock

    def ahead(self, waiting: int) -> int:
        """How many more may wait in the child when `waiting` do: none as long as it still has half of what it may."""
        return self._ahead - waiting if waiting * 2 <= self._ahead else 0
