"""Known failures: what the manifest foretells must happen just as it says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.model.outcome import Failure, Outcome, Verdict

if TYPE_CHECKING:
    from harness.model.manifest import KnownFailure, Manifest


def judge_known(outcome: Outcome, manifest: Manifest) -> Outcome:
    """XFAILED if it failed as foretold, XPASSED (red) if it passed or failed otherwise; else the outcome as it is.

    A failure may be known of an item (`restart/lossless[tcp,2]`), of a scenario with all its cells, or of a clause.
    """
    known = next((each for each in manifest.known if _concerns(each, outcome)), None)
    if known is None:
        return outcome
    match outcome.verdict:
        case Verdict.FAILED | Verdict.LEAKED if outcome.failure is not None:
            if known.message in outcome.failure.message:
                return replace(outcome, verdict=Verdict.XFAILED, reason=known.reason)
            said = f"it is known to fail with {known.message!r}, but failed otherwise: {outcome.failure.message}"
            return replace(outcome, verdict=Verdict.XPASSED, failure=replace(outcome.failure, message=said))
        case Verdict.PASSED:
            said = f"it is known to fail with {known.message!r}, but passed; {known.location} says otherwise"
            return replace(outcome, verdict=Verdict.XPASSED, failure=Failure(outcome.location, said))
        case _:
            return outcome


def _concerns(known: KnownFailure, outcome: Outcome) -> bool:
    return known.target in (outcome.item, outcome.item.partition("[")[0], *outcome.clauses)
