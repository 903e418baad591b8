"""A Dask cluster of two workers, each under its nanny, until standard input ends.

    python -m tests.riser.services.dask_cluster DIRECTORY [CA CERTIFICATE]

Prints the address of the scheduler; the workers' files are in the directory. With the files of an authority and of a
certificate and its key everybody speaks TLS.
"""

import logging
import sys
from typing import Any


def main(directory: str, *files: str) -> None:
    from distributed import LocalCluster

    # Workers are killed here, which Dask complains of at length.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        host="127.0.0.1",
        protocol="tls" if files else "tcp",
        security=security_of(*files) if files else None,
        scheduler_port=0,
        dashboard_address=None,
        worker_dashboard_address=None,
        local_directory=directory,
        silence_logs=logging.CRITICAL,
    ) as cluster:
        print(cluster.scheduler_address, flush=True)  # noqa: T201 - as its caller expects
        sys.stdin.read()


def security_of(authority: str, certificate: str) -> Any:
    """How Dask is to speak TLS with these."""
    from distributed.security import Security

    roles = {
        f"tls_{role}_{what}": certificate for role in ("client", "scheduler", "worker") for what in ("cert", "key")
    }
    return Security(tls_ca_file=authority, require_encryption=True, **roles)


if __name__ == "__main__":
    main(*sys.argv[1:])
