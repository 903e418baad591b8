"""A web server with several processes that counts its requests in one file, simple_count.sqlite.

The store lives in a service process, so the server's processes do not get into each other's way. Start it, and ask it
several times, also after a restart:

    python examples/simple_count.py [ADDRESS]
    curl http://localhost:8000/
"""

import socket
import sys

from store import Store

import riser


def setup(server: riser.SocketServer) -> None:
    """Run in every new server process."""
    services = riser.Services(1)
    services.add_single_process_service("store", Store("simple_count.sqlite"))

    server.process_num = 2
    server.before_start(lambda _listening: services.start_server())
    server.at_fork(services.detach_server)
    server.preprocess(services.start_client)
    server.after_stop(services.stop_server)

    @server.dispatch
    def serve(connection: socket.socket) -> None:
        with riser.Stream(connection) as stream:
            method, _uri, _version = stream.readline().decode("latin-1").split()
            while stream.readline().strip():
                pass
            if method == "GET":
                stream.write(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n")
                stream.write(f"count: {count()}\n".encode())

    def count() -> int:
        with services.get_service("store").transaction() as numbers:
            numbers["count"] += 1
            return numbers["count"]


sys.exit(
    riser.start_daemon(
        setup,
        daemonize=False,
        daemon_name="simple_count",
        listen_address=sys.argv[1] if len(sys.argv) > 1 else "localhost:8000",
    )
)
