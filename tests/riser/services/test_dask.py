"""A Dask cluster that speaks TLS, as one has to that is on more than one machine."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from riser.services.engines.dask import DaskEngine
from riser.services.errors import ServiceUnavailableError

from .clusters import Files, make_files, running
from .conftest import MAY_FORK_WITH_THREADS, make_services
from .dask_cluster import security_of

pytestmark = MAY_FORK_WITH_THREADS


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return make_files(tmp_path_factory.mktemp("files"))


@pytest.fixture(scope="module")
def address(files: Files) -> Iterator[str]:
    """Of the scheduler."""
    with running("dask", *files) as address:
        yield address


def test_processes_are_placed_by_a_scheduler_that_speaks_tls(address: str, files: Files) -> None:
    assert address.startswith("tls://127.0.0.1:")
    engine = DaskEngine(address, security=partial(security_of, *files))
    with make_services(2, engine=engine, start_timeout_seconds=120, connect_timeout_seconds=120) as services:
        assert len({services.call_service("pid") for _ in range(200)}) == 2
        assert services.get_service("workshop").repeat(2, lambda number: number + 1) == [1, 2]


def test_a_scheduler_that_has_another_certificate_is_sent_nothing(address: str, tmp_path: Path) -> None:
    engine = DaskEngine(address, security=partial(security_of, *make_files(tmp_path)))
    with pytest.raises(ServiceUnavailableError, match="certificate"):
        make_services(1, engine=engine, start_timeout_seconds=30).start_server()
