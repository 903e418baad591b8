"""JUnit XML, as build servers read it: a test suite for each implementation, a test case for each item.

The file keeps to what the schemas in use have in common (Ant's and Jenkins'): properties on the suite, at most one of
`failure`, `error` and `skipped` in a test case. The verdict itself is the `type` of the first two, and begins the
`message` of the third, which may have no type: a flaky item is among these, for it is neither passed nor failed.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from harness.model.outcome import Outcome, Verdict
from harness.report.beside import beside_block
from harness.report.failure import failure_block, why
from harness.report.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.report.run import Footer, Header, Implementation, Result, Run


def junit(run: Run) -> str:
    """The file that is made of a whole run."""
    return "".join(f"{line}\n" for line in _document(run))


def _document(run: Run) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield "<testsuites>"
    for number, implementation in enumerate(run.header.implementations):
        own = [result for result in run.results if result.outcome.implementation == implementation.name]
        yield from _suite(run.header, implementation, own, number=number, footer=run.footer)
    yield "</testsuites>"


def _suite(
    header: Header, implementation: Implementation, results: list[Result], *, number: int, footer: Footer
) -> Iterator[str]:
    tags = Counter(_tag(result.outcome.verdict) for result in results)
    attributes = {
        "id": str(number),
        "package": header.suite,
        "name": implementation.name,
        "timestamp": header.second.replace(" ", "T"),
        "hostname": "localhost",
        "tests": str(len(results)),
        "failures": str(tags["failure"]),
        "errors": str(tags["error"]),
        "skipped": str(tags["skipped"]),
        "time": f"{sum(result.outcome.seconds for result in results):.3f}",
    }
    yield f"  <testsuite{_attributes(attributes)}>"
    yield "    <properties>"
    for name, value in _properties(header, implementation, footer).items():
        yield f"      <property{_attributes({'name': name, 'value': value})}/>"
    yield "    </properties>"
    for result in results:
        yield from _case(header, result)
    yield "    <system-out/>"
    yield "    <system-err/>"
    yield "  </testsuite>"


def _properties(header: Header, implementation: Implementation, footer: Footer) -> dict[str, str]:
    properties = {
        "implementation": implementation.name,
        "implementation.version": implementation.version,
        "harness.version": header.harness,
        "suite.hash": header.suite_hash,
        "time.scale": header.scale_in_words,
        "python": header.machine.python,
        "kernel": header.machine.kernel,
        "cores": str(header.machine.cores),
    }
    if footer.interrupted:
        properties["interrupted"] = "true"
        properties["not.run"] = str(sum(item.implementation == implementation.name for item in footer.not_run))
    return properties


def _case(header: Header, result: Result) -> Iterator[str]:
    outcome = result.outcome
    topic, _, _ = outcome.item.rpartition("/")
    attributes = {
        "classname": ".".join(part for part in (_class_part(outcome), *topic.split("/")) if part),
        "name": header.name_of(result),
        "time": f"{outcome.seconds:.3f}",
    }
    tag = _tag(outcome.verdict)
    if tag is None:
        yield f"    <testcase{_attributes(attributes)}/>"
        return
    yield f"    <testcase{_attributes(attributes)}>"
    failure = why(outcome)
    if tag == "skipped":
        said = _attributes({"message": f"{outcome.verdict}: {outcome.reason or failure.message}"})
        if outcome.verdict is Verdict.FLAKY:
            yield f"      <skipped{said}>{escape(_block(result, header))}</skipped>"
        else:
            yield f"      <skipped{said}/>"
    else:
        said = _attributes({"type": outcome.verdict, "message": f"{failure.location}: {failure.message}"})
        yield f"      <{tag}{said}>{escape(_block(result, header))}</{tag}>"
    yield "    </testcase>"


def _block(result: Result, header: Header) -> str:
    lines = (*failure_block(result, header), *beside_block(result))
    return "\n".join(line.text for line in lines)


def _class_part(outcome: Outcome) -> str:
    """The implementation's name as one part of a dotted class name."""
    return outcome.implementation.replace(".", "-")


def _tag(verdict: Verdict) -> str | None:
    match verdict:
        case Verdict.PASSED:
            return None
        case Verdict.FAILED | Verdict.LEAKED | Verdict.XPASSED:
            return "failure"
        case Verdict.ERRORED:
            return "error"
        case Verdict.XFAILED | Verdict.FLAKY | Verdict.UNSUPPORTED | Verdict.SKIPPED:
            return "skipped"


def _attributes(values: dict[str, str]) -> str:
    return "".join(f" {name}={quoteattr(printable(value))}" for name, value in values.items())
