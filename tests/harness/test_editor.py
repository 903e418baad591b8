"""What an editor shows while a scenario is typed: the real yaml-language-server completes and marks by our schema.

It runs where that program is found, in PATH or by HARNESS_YAML_LANGUAGE_SERVER; `npm install yaml-language-server` has
it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SERVER = shutil.which(os.environ.get("HARNESS_YAML_LANGUAGE_SERVER", "yaml-language-server"))
SCHEMA = Path(__file__).parents[2] / "harness" / "schema" / "scenario.schema.json"
SECONDS = 120

pytestmark = pytest.mark.skipif(SERVER is None, reason="yaml-language-server is not installed")


class Editor:
    """An editor with one file, as far as the language server is concerned."""

    def __init__(self, program: str, place: Path) -> None:
        self._server = subprocess.Popen(
            [program, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=place, start_new_session=True
        )
        # Reads block: the limit ends the server, and with it the read.
        self._limit = threading.Timer(SECONDS, self._server.kill)
        self._limit.start()
        self._uri = (place / "a.yaml").as_uri()
        self._number = 0
        self._ask("initialize", {"processId": None, "rootUri": place.as_uri(), "capabilities": {}})
        self._tell("initialized", {})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._limit.cancel()
        self._limit.join()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._server.pid, signal.SIGKILL)
        with self._server:
            pass

    def problems(self, text: str) -> list[str]:
        """What it marks: `line: message`, counted from 1."""
        self._open(text)
        told = self._await(lambda message: message.get("method") == "textDocument/publishDiagnostics")
        found = told["params"]["diagnostics"]
        return [f"{problem['range']['start']['line'] + 1}: {problem['message']}" for problem in found]

    def completions(self, text: str) -> set[str]:
        """The words that it offers at the `|` in the text."""
        before, _, after = text.partition("|")
        self._open(before + after)
        line = before.count("\n")
        where = {"line": line, "character": len(before.rpartition("\n")[2])}
        offered = self._ask("textDocument/completion", {"textDocument": {"uri": self._uri}, "position": where})
        return {item["label"] for item in offered["items"]}

    def _open(self, text: str) -> None:
        document = {"uri": self._uri, "languageId": "yaml", "version": 1, "text": text}
        self._tell("textDocument/didOpen", {"textDocument": document})

    def _ask(self, method: str, parameters: dict[str, Any]) -> Any:  # Any: whatever the server answers
        self._number += 1
        number = self._number
        self._send({"id": number, "method": method, "params": parameters})
        return self._await(lambda message: message.get("id") == number and "method" not in message)["result"]

    def _tell(self, method: str, parameters: dict[str, Any]) -> None:
        self._send({"method": method, "params": parameters})

    def _send(self, message: dict[str, Any]) -> None:
        assert self._server.stdin is not None
        data = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._server.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(data), data))
        self._server.stdin.flush()

    def _await(self, is_it: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        while not is_it(message := self._receive()):
            if "method" in message and "id" in message:  # It asks for settings, of which there are none.
                asked = message.get("params") or {}
                self._send({"id": message["id"], "result": [None] * len(asked.get("items", [])) or None})
        return message

    def _receive(self) -> dict[str, Any]:
        assert self._server.stdout is not None
        size = 0
        while line := self._server.stdout.readline().strip():
            name, _, value = line.partition(b":")
            size = int(value) if name.lower() == b"content-length" else size
        assert size, "the server has ended"
        message: dict[str, Any] = json.loads(self._server.stdout.read(size))
        return message


@pytest.fixture
def editor(tmp_path: Path) -> Iterator[Editor]:
    assert SERVER is not None
    with Editor(SERVER, tmp_path) as editor:
        yield editor


HEAD = f"# yaml-language-server: $schema={SCHEMA}\nscenario: an example\n"
ACTORS = HEAD + "actors:\n  d: {daemon: probe}\n  c: {client: d}\n"


def test_a_scenario_without_mistakes_is_not_marked(editor: Editor) -> None:
    assert editor.problems(ACTORS + "steps:\n  - start: d\n  - talk: {to: c, send: echo a}\n    within: 2s\n") == []


def test_a_mistake_is_marked_where_it_stands(editor: Editor) -> None:
    marked = editor.problems(ACTORS + "steps:\n  - start: d\n  - talk: c\n    sned: echo a\n  - conect: c\n")
    lines = {int(line.partition(":")[0]) for line in marked}
    assert {9, 10} <= lines <= {8, 9, 10}, marked
    assert any("conect" in line for line in marked)


def test_the_keys_of_a_file_are_offered(editor: Editor) -> None:
    offered = editor.completions(HEAD + "|\n")
    assert {"actors", "steps", "matrix", "defaults", "finally"} <= offered


def test_kinds_of_actor_and_their_options_are_offered(editor: Editor) -> None:
    offered = editor.completions(HEAD + "actors:\n  d:\n    |\n")
    assert {"daemon", "process", "terminal", "client", "load", "listen"} <= offered


def test_verbs_are_offered(editor: Editor) -> None:
    offered = editor.completions(ACTORS + "steps:\n  - start: d\n  - |\n")
    assert {"talk", "expect", "resize", "python", "eventually"} <= offered


def test_words_of_a_closed_list_are_offered(editor: Editor) -> None:
    offered = editor.completions(ACTORS + "steps:\n  - send:\n      to: t\n      key: |\n")
    assert {"ctrl-c", "ctrl-d", "enter"} <= offered
