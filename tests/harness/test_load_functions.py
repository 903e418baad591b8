"""What a module offers to the verb `python` is known without running it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.load.functions import Signature, UnusableError, functions_of

if TYPE_CHECKING:
    from pathlib import Path


def functions(tmp_path: Path, text: str) -> dict[str, Signature | None]:
    path = tmp_path / "checks.py"
    path.write_text(text, encoding="utf-8")
    return dict(functions_of(path))


@pytest.mark.parametrize(
    ("parameters", "signature"),
    [
        ("", Signature((), (), takes_any=False)),
        ("a, b=1", Signature(("a", "b"), ("a",), takes_any=False)),
        ("a, *, b, c=None, **rest", Signature(("a", "b", "c"), ("a", "b"), takes_any=True)),
        ("a, /", None),
    ],
)
def test_a_function_says_what_it_takes(tmp_path: Path, parameters: str, signature: Signature | None) -> None:
    assert functions(tmp_path, f"def look({parameters}): ...\n") == {"look": signature}


def test_what_comes_from_elsewhere_may_take_anything(tmp_path: Path) -> None:
    text = "import json\nfrom os import path as there\nalias = print\n@json.x\ndef wrapped(a): ...\nclass No: ...\n"
    assert functions(tmp_path, text) == dict.fromkeys(["json", "there", "alias", "wrapped"])


def test_a_module_is_not_run_to_be_looked_at(tmp_path: Path) -> None:
    assert list(functions(tmp_path, "1 / 0\ndef look(): ...\n")) == ["look"]


def test_a_module_that_has_changed_is_read_again(tmp_path: Path) -> None:
    assert list(functions(tmp_path, "def one(): ...\n")) == ["one"]
    assert list(functions(tmp_path, "def another(): ...\n")) == ["another"]


@pytest.mark.parametrize("text", ["def look(:\n", "x = '\0'\n", "(" * 10000])
def test_what_is_no_python_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UnusableError, match=r"the module .*/checks\.py is no Python"):
        functions(tmp_path, text)
