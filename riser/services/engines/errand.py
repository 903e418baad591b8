"""What an engine runs for riser on some machine: one service process, from its beginning to its end.

    engine's worker process --standard input: where to listen, the order; its end means that the worker is gone-->
        service process

The service process is a program of its own, so it has the engine's packages only if its services import them, and
whatever happens to it happens to it alone.
"""

import pickle
import subprocess
import sys

_PROGRAM = "import sys; from riser.services.engines.outpost import main; sys.exit(main())"


def run(order: bytes, host: str) -> str:
    """Start a service process that listens at this address of this machine, and wait for its end; how it ended."""
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM],
        stdin=subprocess.PIPE,
        bufsize=0,
        # Signals for the worker's group are not for its services.
        start_new_session=True,
    ) as process:
        assert process.stdin is not None
        # What can be imported here can be imported there.
        preface = pickle.dumps((sys.path, host, order))
        try:
            process.stdin.write(len(preface).to_bytes(8, "big") + preface)
            status = process.wait()
        except BrokenPipeError:
            status = process.wait()
        finally:
            # Whatever ended the waiting: the service process sees that nobody wants it any more.
            process.stdin.close()
    return f"exit status {status}" if status >= 0 else f"killed by signal {-status}"
