"""A Dask cluster of two workers, each under its nanny, until standard input ends.

    python -m tests.riser.services.dask_cluster DIRECTORY

Prints the address of the scheduler; the workers' files are in the directory.
"""

import logging
import sys


def main(directory: str) -> None:
    from distributed import LocalCluster

    # Workers are killed here, which Dask complains of at length.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        host="127.0.0.1",
        scheduler_port=0,
        dashboard_address=None,
        worker_dashboard_address=None,
        local_directory=directory,
        silence_logs=logging.CRITICAL,
    ) as cluster:
        print(cluster.scheduler_address, flush=True)  # noqa: T201 - as its caller expects
        sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1])
