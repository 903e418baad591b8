"""A Ray cluster that speaks TLS, as one has to that is on more than one machine, and that loses one of its machines."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from riser.services.engines.ray import RayEngine
from riser.services.services import Services

from .clusters import is_alive, make_files, parent_of, running
from .conftest import MAY_FORK_WITH_THREADS, eventually, has_heard_of_the_end, make_services
from .ray_cluster import OTHER
from .test_healing import kill

pytestmark = [
    MAY_FORK_WITH_THREADS,
    pytest.mark.skipif(
        os.environ.get("RISER_ENGINE") != "ray", reason="Ray binds every address: that is for tox -e ray"
    ),
]


@pytest.fixture(scope="module")
def placed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A pool of two on two nodes."""
    files = make_files(tmp_path_factory.mktemp("files"))
    environment = {
        "RAY_USE_TLS": "1",
        "RAY_TLS_CA_CERT": files.authority,
        "RAY_TLS_SERVER_CERT": files.certificate,
        "RAY_TLS_SERVER_KEY": files.certificate,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        with running("ray") as address:
            engine = RayEngine(address)
            with make_services(2, engine=engine, start_timeout_seconds=120, connect_timeout_seconds=120) as services:
                yield services


def node_of(pid: int) -> str:
    """How the node was started that a service process is on."""
    return Path(f"/proc/{parent_of(parent_of(pid))}/cmdline").read_text()


def test_processes_are_placed_by_nodes_that_speak_tls(placed: Services) -> None:
    pids = {placed.call_service("pid") for _ in range(200)}
    assert sorted(OTHER in node_of(pid) for pid in pids) == [False, True]
    assert placed.get_service("workshop").repeat(2, lambda number: number + 1) == [1, 2]


def test_the_processes_of_a_node_that_is_gone_are_placed_on_another(placed: Services) -> None:
    fronts = [placed.get_service(name) for name in ("workshop", "other")]
    lost, kept = sorted(fronts, key=lambda front: OTHER not in node_of(front.pid()))
    pid, still = lost.pid(), kept.pid()
    kill(parent_of(parent_of(pid)))
    eventually(lambda: not is_alive(pid), "the service process ended with its node")
    eventually(partial(has_heard_of_the_end, placed, fronts.index(lost)), "its connections have ended")
    assert OTHER not in node_of(lost.pid())
    assert kept.pid() == still
