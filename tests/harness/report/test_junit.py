"""JUnit XML: well-formed, counted right, and within what the usual schemas allow."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from harness.report.junit import junit

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.report.run import Run


def test_a_run(whole_run: Run, golden: Callable[[str, str], None]) -> None:
    golden("junit.xml", junit(whole_run))


def test_an_interrupted_run_says_so(interrupted_run: Run) -> None:
    found = ET.fromstring(junit(interrupted_run)).iter("property")
    properties = {each.attrib["name"]: each.attrib["value"] for each in found}
    assert properties["interrupted"] == "true"
    assert properties["not.run"] == "7"


def test_the_suite_counts_what_it_holds(whole_run: Run) -> None:
    suite = ET.fromstring(junit(whole_run))[0]
    held = {"tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped"}
    assert {name: suite.get(name) for name in held} == {
        name: str(sum(1 for _ in suite.iter(tag))) for name, tag in held.items()
    }


def test_text_that_xml_forbids_is_escaped(whole_run: Run) -> None:
    (result,) = whole_run.results[1:2]
    assert result.outcome.failure is not None
    failure = dataclasses.replace(result.outcome.failure, message="\x00 <&> \"'\udc80 ]]> \ufffe")
    evil = dataclasses.replace(result, outcome=dataclasses.replace(result.outcome, failure=failure))
    case = ET.fromstring(junit(dataclasses.replace(whole_run, results=(evil,)))).find(".//failure")
    assert case is not None
    assert r"""\x00 <&> "'\udc80 ]]> \ufffe""" in (case.get("message") or "")
    assert r"""\x00 <&> "'\udc80 ]]> \ufffe""" in (case.text or "")
