"""A proxy lets go of every connection that has come to it, whenever it is told to."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from harness.engine.actors.proxy import ProxyActor
from harness.model.actors import Listen, Proxy
from tests.harness.talking.conftest import HERE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.talking.conftest import Script, Stage

    Play = Callable[[Script], None]


@pytest.mark.parametrize("turns", range(4))
def test_a_connection_that_comes_as_the_proxy_is_let_go_is_ended(play: Play, turns: int) -> None:
    async def script(stage: Stage) -> None:
        stage.listen()
        proxy = ProxyActor(Proxy("p", HERE, stage.text("d"), listen=Listen.UNIX), stage.world)
        await asyncio.sleep(0)
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(60)
            client.connect(str(proxy.published("path")))
            for _ in range(turns):
                await asyncio.sleep(0)
            await proxy.release()
            with suppress(ConnectionResetError):  # which it is where nobody had accepted it
                assert client.recv(1) == b""

    play(script)
