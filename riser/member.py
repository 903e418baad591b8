"""One child as its parent sees it: what it has said, what it has been sent, and whether it can take more now."""

import time

from riser.channel import ParentEnd
from riser.core.balance import Ledger, Load
from riser.leash import Leash
from riser.process import Child

_STOPPED_SECONDS = 0.001
"""How long it is believed that a child is stopped, or is not; what it is sent in that time is taken back."""


class Member:
    """One living child as its parent sees it."""

    def __init__(self, slot: int, child: Child, *, channel: ParentEnd, leash: Leash, ledger: Ledger) -> None:
        self.slot = slot
        self.child = child
        self.channel = channel
        self.leash = leash
        self.ledger = ledger
        self.born = time.monotonic()
        self.ready = False
        self.leaving = False
        self.completed = False
        self.blocked_until = 0.0
        self.heard = True
        self.resting_until = 0.0
        self.kill_at: float | None = None
        self.dealt = 0
        self.looked_at = 0.0
        self._asked_at = 0.0
        self._stopped = False

    def unread_until(self, seconds: float) -> float | None:
        """When it will have been too long that a message is unread, and nobody has looked after it; None if none is."""
        since = self.ledger.unread_since
        return None if since is None else max(since, self.looked_at) + seconds

    def load(self, *, now: float, unread_seconds: float) -> Load:
        """What the plan has to know: no credits for a child that cannot take anything now."""
        takes = self.ready and not self.leaving and now >= max(self.blocked_until, self.resting_until)
        unread = self.ledger.unread_since
        return Load(
            slot=self.slot,
            unfinished=self.ledger.unfinished,
            idle=self.ledger.idle,
            ahead=self.ledger.ahead,
            credits=self.ledger.credits if takes else 0,
            doubtful=(unread is not None and now - unread > unread_seconds) or self._is_stopped(now),
            dealt=self.dealt,
        )

    def _is_stopped(self, now: float) -> bool:
        if now - self._asked_at >= _STOPPED_SECONDS:
            self._asked_at = now
            self._stopped = self.child.is_stopped()
        return self._stopped

    def complete(self) -> None:
        """Say, once, that there will be no more connections."""
        if not self.completed:
            self.completed = True
            self.channel.complete()
