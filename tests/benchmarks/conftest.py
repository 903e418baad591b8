"""What the benchmarks' tests have compiled goes with them: a worker of pytest-xdist ends without its exit functions."""

import shutil
from collections.abc import Iterator

import pytest

from benchmarks.programs import compiled


@pytest.fixture(scope="session", autouse=True)
def nothing_compiled_stays() -> Iterator[None]:
    yield
    if compiled.cache_info().currsize:
        for name in ("flood.c", "peers/limit.c"):
            shutil.rmtree(compiled(name).parent)
