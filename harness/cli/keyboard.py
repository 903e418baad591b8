"""What a person types, or a pipe or a file holds, line by line, while the event loop goes on."""

from __future__ import annotations

import asyncio
import os
from typing import IO


class Keyboard:
    """Reads lines from a stream's descriptor; the stream itself is not used any more."""

    def __init__(self, stream: IO[str]) -> None:
        self._descriptor = stream.fileno()
        self._typed = b""
        self._has_ended = False

    async def line(self) -> str | None:
        """The next line without its end; None when there is none any more."""
        while b"\n" not in self._typed and not self._has_ended:
            await self._readable()
            data = os.read(self._descriptor, 4096)
            self._typed += data
            self._has_ended = not data
        if not self._typed:
            return None
        line, _, self._typed = self._typed.partition(b"\n")
        return line.removesuffix(b"\r").decode(errors="replace")

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        ready = loop.create_future()

        def wake() -> None:
            if not ready.done():
                ready.set_result(None)

        try:
            loop.add_reader(self._descriptor, wake)
        except PermissionError:  # a file, which never lets anybody wait
            return
        try:
            await ready
        finally:
            loop.remove_reader(self._descriptor)
