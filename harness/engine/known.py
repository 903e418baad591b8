"""Known failures: what the manifest foretells must happen just as it says."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.model.outcome import BY_LUCK, Failure, Outcome, Verdict

if TYPE_CHECKING:
    from harness.model.manifest import KnownFailure, Manifest


def judge_known(outcome: Outcome, manifest: Manifest) -> Outcome:
    """XFAILED if it failed as foretold, XPASSED (red) if it passed or failed otherwise; else the outcome as it is.

    A failure may be known of an item (`restart/lossless[tcp,2]`), of a scenario with all its cells, or of a clause.
    Where several are known of one item, it must fail as one of them says.
    """
    known = [each for each in manifest.known if _concerns(each, outcome)]
    if not known:
        return outcome
    told = " or ".join(repr(each.message) for each in known)
    match outcome.verdict:
        case Verdict.FAILED | Verdict.LEAKED if outcome.failure is not None:
            for each in known:
                if each.message in outcome.failure.message:
                    return replace(outcome, verdict=Verdict.XFAILED, reason=each.reason)
            said = f"it is known to fail with {told}, but failed otherwise: {outcome.failure.message}"
            return replace(outcome, verdict=Verdict.XPASSED, failure=replace(outcome.failure, message=said))
        case Verdict.PASSED if all(each.sometimes for each in known):
            return replace(outcome, verdict=Verdict.XFAILED, reason=f"{BY_LUCK}{known[0].reason}")
        case Verdict.PASSED:
            said = f"it is known to fail with {told}, but passed; {known[0].location} says otherwise"
            return replace(outcome, verdict=Verdict.XPASSED, failure=Failure(outcome.location, said))
        case _:
            return outcome


def _concerns(known: KnownFailure, outcome: Outcome) -> bool:
    if known.target in outcome.clauses:
        return True
    target = ".*".join(map(re.escape, known.target.split("*")))
    return re.fullmatch(rf"{target}(\[.*)?", outcome.item) is not None
