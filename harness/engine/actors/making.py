"""From what a scenario declares to what takes part."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from harness.engine.actors.certificate import CertificateActor
from harness.engine.actors.client import ClientActor
from harness.engine.actors.daemon import DaemonActor
from harness.engine.actors.http import HttpActor
from harness.engine.actors.load import LoadActor
from harness.engine.actors.notify import NotifyActor
from harness.engine.actors.process import ProcessActor
from harness.engine.actors.proxy import ProxyActor
from harness.engine.actors.syslog import SyslogActor
from harness.model.actors import (
    Actor,
    Certificate,
    Client,
    Daemon,
    Http,
    Load,
    Notify,
    Process,
    Proxy,
    Syslog,
    Terminal,
)

if TYPE_CHECKING:
    from harness.engine.world import RunningActor, World


def make_actor(model: Actor, world: World) -> RunningActor:  # noqa: C901 - the table of the actors
    """The running half of an actor; nothing is started or opened yet."""
    match model:
        case Daemon():
            return DaemonActor(model, world)
        case Process():
            return ProcessActor(model, world)
        case Terminal():
            from harness.engine.actors.terminal import TerminalActor  # pexpect is for those who have one

            return TerminalActor(model, world)
        case Certificate():
            return CertificateActor(model, world)
        case Client():
            return ClientActor(model, world)
        case Load():
            return LoadActor(model, world)
        case Syslog():
            return SyslogActor(model, world)
        case Notify():
            return NotifyActor(model, world)
        case Http():
            return HttpActor(model, world)
        case Proxy():
            return ProxyActor(model, world)
        case _:
            assert_never(model)
