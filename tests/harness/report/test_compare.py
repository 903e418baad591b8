"""What differs between two reports, and which differences must not go unnoticed."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from harness.model.outcome import Verdict
from harness.report.compare import Change, IncomparableError, compare, told
from harness.report.run import Footer, Implementation, NotRun, Result, Run
from tests.harness.report.test_survey import of

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.model.outcome import Outcome

P, F, L, X, S, U = (
    Verdict.PASSED, Verdict.FAILED, Verdict.LEAKED, Verdict.XFAILED, Verdict.SKIPPED, Verdict.UNSUPPORTED,
)  # fmt: skip


@pytest.fixture
def run_of(whole_run: Run, outcome_of: Callable[..., Outcome]) -> Callable[..., Run]:
    """A run of items with these verdicts: `stop/a=Verdict.PASSED`, or several for several rounds."""

    def make(**verdicts: Verdict | tuple[Verdict, ...]) -> Run:
        results = [
            Result(outcome_of(f"stop/{name}", verdict), round=number)
            for name, each in verdicts.items()
            for number, verdict in enumerate(each if isinstance(each, tuple) else (each,), 1)
        ]
        return dataclasses.replace(whole_run, results=tuple(results))

    return make


@pytest.mark.parametrize(
    ("old", "new", "change", "bad"),
    [
        (P, F, Change.REGRESSED, True),
        (P, X, Change.REGRESSED, True),
        (P, U, Change.REGRESSED, True),
        (X, L, Change.REGRESSED, True),
        (S, F, Change.REGRESSED, True),
        (F, P, Change.PROGRESSED, False),
        (U, P, Change.PROGRESSED, False),
        (F, X, Change.PROGRESSED, False),
        (P, S, Change.CHANGED, False),
        (F, L, Change.CHANGED, False),
        ((P, P), (P, F), Change.REGRESSED, True),
    ],
)
def test_an_item_has_become_better_or_worse(
    old: Verdict,
    new: Verdict,
    change: Change,
    bad: bool,  # noqa: FBT001  # a table
    run_of: Callable[..., Run],
) -> None:
    comparison = compare(run_of(a=old, b=P), run_of(a=new, b=P))
    assert [each.change for each in comparison.differences] == [change]
    assert comparison.is_bad is bad
    assert comparison.same == 1


def test_items_appear_and_disappear_and_a_new_one_may_be_red(run_of: Callable[..., Run]) -> None:
    comparison = compare(run_of(a=P, gone=F), run_of(a=P, green=P))
    assert {each.item: each.change for each in comparison.differences} == {
        "stop/gone": Change.DISAPPEARED,
        "stop/green": Change.APPEARED,
    }
    assert not comparison.is_bad
    assert compare(run_of(a=P), run_of(a=P, red=F)).is_bad


def test_what_the_later_run_did_not_get_to_has_not_passed(run_of: Callable[..., Run]) -> None:
    late = dataclasses.replace(run_of(a=P), footer=Footer(1.0, interrupted=True, not_run=(NotRun("riser", "stop/b"),)))
    comparison = compare(run_of(a=P, b=P), late)
    assert [each.change for each in comparison.differences] == [Change.NOT_RUN]
    assert comparison.is_bad


def test_two_implementations_are_compared_where_each_run_has_one(run_of: Callable[..., Run]) -> None:
    (difference,) = compare(run_of(a=P), of(run_of(a=F), "other")).differences
    assert (difference.implementation, difference.change) == ("other", Change.REGRESSED)


def test_runs_without_a_common_implementation_are_refused(run_of: Callable[..., Run]) -> None:
    two = run_of(a=P)
    header = dataclasses.replace(two.header, implementations=(Implementation("x", "1"), Implementation("y", "1")))
    with pytest.raises(IncomparableError, match="no implementation is in both: riser; x, y"):
        compare(run_of(a=P), dataclasses.replace(two, header=header))


def test_a_comparison_reads_with_the_regressions_first(run_of: Callable[..., Run]) -> None:
    old, new = run_of(a=P, b=F, c=P, d=P), run_of(a=P, b=P, c=F, e=P)
    new = dataclasses.replace(new, header=dataclasses.replace(new.header, suite_hash="sha256:beef"))
    assert list(told(compare(old, new))) == [
        "regressed    riser:stop/c  passed -> failed",
        "progressed   riser:stop/b  failed -> passed",
        "appeared     riser:stop/e  passed",
        "disappeared  riser:stop/d  passed",
        "1 regressed, 1 progressed, 1 appeared, 1 disappeared, 1 as before; the suites differ",
    ]
