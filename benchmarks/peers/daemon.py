"""An echo daemon in the foreground:  python daemon.py CHILDREN [ADDRESS]

Prints its address when it is known, which is before it serves.
"""

import socket
import sys

import riser


def main(children: str, address: str = "") -> None:
    """Serve until a signal ends it."""

    def setup(server: riser.SocketServer) -> None:
        server.process_num = int(children)

        @server.dispatch
        def echo(connection: socket.socket) -> None:
            while data := connection.recv(4096):
                connection.sendall(data)

    if not address:
        # A port that was free a moment ago: the daemon opens its socket itself.
        with socket.create_server(("127.0.0.1", 0)) as probe:
            address = f"127.0.0.1:{probe.getsockname()[1]}"
    print(address, flush=True)
    sys.stdout = sys.stderr
    sys.exit(riser.start_daemon(setup, daemonize=False, daemon_name="benchmark", listen_address=address))


if __name__ == "__main__":
    main(*sys.argv[1:])
