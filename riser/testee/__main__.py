"""`python -m riser.testee CONFIG.json`; exits with the daemon's or server's status, 2 or 127 without starting one."""

import sys

from riser.daemon import start_daemon
from riser.errors import RiserError
from riser.listener import Listener, read_address
from riser.logs import open_log
from riser.server import SocketServer
from riser.testee.callbacks import set_up
from riser.testee.config import TesteeConfig, TesteeError, read_config


def main(arguments: list[str]) -> int:
    """Run the testee that the one argument describes; the exit status."""
    if len(arguments) != 1:
        return _refuse("usage: python -m riser.testee CONFIG.json", TesteeError.status)
    path = arguments[0]
    try:
        config = read_config(path)
        return _run_daemon(path, config) if config.mode == "daemon" else _run_server(config)
    except TesteeError as error:
        return _refuse(str(error), error.status)
    except RiserError as error:
        return _refuse(str(error), 1)


def _run_daemon(path: str, config: TesteeConfig) -> int:
    def listen_address() -> object:
        return read_config(path).daemon.get("listen_address")

    def setup(server: SocketServer) -> None:
        set_up(server, read_config(path))

    return start_daemon(setup, **{**config.daemon, "listen_address": listen_address})


def _run_server(config: TesteeConfig) -> int:
    open_log("riser", background=False, debug=False)
    server = SocketServer()
    set_up(server, config)
    listener = Listener.open(read_address(config.daemon.get("listen_address")))
    try:
        server.setup(listener.socket)
        server.start(listener.socket)
    finally:
        listener.remove()
        listener.close()
    return 0


def _refuse(message: str, status: int) -> int:
    sys.stderr.write(f"riser.testee: {message}\n")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
