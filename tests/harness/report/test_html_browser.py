"""The page in a real browser, where one is installed: on a phone in the dark, and on a desk in the light.

The page has no script; the copy that is tested here gets one, which writes what it measures into the document, and the
browser prints that. A browser that does not work here says nothing about the page: the test is skipped then.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from html import unescape
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET
from xml.sax.saxutils import quoteattr

import pytest

from harness.report.html.page import page
from harness.report.survey import survey
from tests.harness.report.test_html import KILLS
from tests.harness.report.test_survey import of

if TYPE_CHECKING:
    from pathlib import Path

    from harness.report.run import Run

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
LIMIT = 120.0
"""Seconds, many times what it takes."""
MEASURE = """<script>
const seen = {
  elements: document.querySelectorAll("body *").length,
  width: innerWidth,
  needed: document.documentElement.scrollWidth,
  paper: getComputedStyle(document.body).backgroundColor,
  pictures: [...document.querySelectorAll("details[open] svg")].map(svg => svg.getBoundingClientRect().height),
};
parent.document.body.dataset.seen = JSON.stringify(seen);
</script>"""
WINDOW = """<!DOCTYPE html>
<html><head><meta charset="utf-8"><meta name="color-scheme" content="light dark"></head>
<body><iframe width="{width}" height="900" style="border:0" srcdoc={page}></iframe></body></html>
"""
"""A window as narrow as a phone, which no browser opens by itself."""


def measured(html: str, folder: Path, *, width: int, is_dark: bool) -> dict[str, object]:
    """What the browser sees of a page in a window of this width; skips where there is none, or none that works."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip(f"there is no browser here: none of {', '.join(BROWSERS)}")
    watched = quoteattr(html.replace("</body>", f"{MEASURE}</body>"))
    (folder / "page.html").write_text(WINDOW.format(width=width, page=watched), encoding="utf-8")
    command = [
        browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--hide-scrollbars", f"--user-data-dir={folder / 'profile'}", "--window-size=1400,1000",
        f"--blink-settings=preferredColorScheme={0 if is_dark else 1}", "--dump-dom",
        (folder / "page.html").as_uri(),
    ]  # fmt: skip
    environment = {**os.environ, "HOME": str(folder)}
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment,
        start_new_session=True,
    ) as process:  # fmt: skip
        try:
            document, _ = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            document = b""
        finally:
            end(process)
    shown = document.decode(errors="replace")
    if "<iframe" not in shown:
        pytest.skip(f"{browser} does not work here: it ended with status {process.returncode} and showed nothing")
    seen = re.search(r'data-seen="([^"]*)"', shown)
    assert seen is not None, "the page was not read to its end"
    told = json.loads(unescape(seen[1]))
    assert isinstance(told, dict)
    return told


def end(process: subprocess.Popen[bytes]) -> None:
    """End whatever is left of a browser."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


@pytest.mark.parametrize(
    ("width", "is_dark", "paper"), [(390, True, "rgb(20, 22, 24)"), (1280, False, "rgb(250, 250, 248)")]
)
def test_a_browser_shows_the_page_as_it_is_meant(
    whole_run: Run,
    tmp_path: Path,
    width: int,
    is_dark: bool,  # noqa: FBT001  # a table
    paper: str,
) -> None:
    html = page(survey([whole_run, of(whole_run, "other")]), KILLS)
    seen = measured(html, tmp_path, width=width, is_dark=is_dark)
    body = ET.fromstring(html.partition("\n")[2]).find("body")
    assert body is not None
    assert seen["elements"] == sum(1 for _ in body.iter())  # without the body, with the script
    assert seen["width"] == width
    assert seen["needed"] == width, "nothing is wider than the window but what scrolls on its own"
    assert seen["paper"] == paper
    pictures = seen["pictures"]
    assert isinstance(pictures, list)
    assert pictures
    assert all(height > 50 for height in pictures)
