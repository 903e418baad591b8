"""How much is measured: everything, a short look that shows that it runs, or what a test can afford."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """The rounds of a figure, the seconds of each load, and the share of whatever is counted that is done."""

    rounds: int
    seconds: float
    share: float

    def count(self, whole: int, *, least: int = 1) -> int:
        """So many calls, requests or scenarios, of `whole` in full."""
        return max(least, int(whole * self.share))

    def steps(self, *sizes: int) -> tuple[int, ...]:
        """The sizes of a curve that are within reach; two at least, as one is no curve."""
        largest = sizes[-1] * self.share
        return tuple(size for number, size in enumerate(sizes) if number < 2 or size <= largest)


FULL = Effort(rounds=5, seconds=1.5, share=1.0)
QUICK = Effort(rounds=1, seconds=0.3, share=0.1)
