"""A web server with several processes that counts requests by key, each key in a file of its own.

A store exists while somebody uses its key, always in the same one of four service processes. Start it, and ask it
several times:

    python examples/simple_key_count.py [ADDRESS]
    curl http://localhost:8000/
    curl http://localhost:8000/?foo
"""

import socket
import sys
from urllib.parse import quote

from store import Store

import riser

KEY_CHARACTERS = 100


def open_store(key: str) -> Store:
    """The store of a key; it has its file open in transactions only, so nothing is to be done at its end."""
    return Store(f"simple_key_count-{quote(key, safe='')}.sqlite")


def setup(server: riser.SocketServer) -> None:
    """Run in every new server process."""
    services = riser.Services(4)
    services.add_sticky_process_service("store", riser.ResourceSet(open_store))

    server.process_num = 2
    server.before_start(lambda _listening: services.start_server())
    server.at_fork(services.detach_server)
    server.preprocess(services.start_client)
    server.after_stop(services.stop_server)

    @server.dispatch
    def serve(connection: socket.socket) -> None:
        with riser.Stream(connection) as stream:
            method, uri, _version = stream.readline().decode("latin-1").split()
            while stream.readline().strip():
                pass
            if method == "GET":
                stream.write(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n")
                stream.write(answer(uri).encode())

    def answer(uri: str) -> str:
        _path, _, query = uri.partition("?")
        key = query[:KEY_CHARACTERS] or "default"
        with services.call_service("store", key) as store, store.transaction() as numbers:
            numbers["count"] += 1
            return f"key: {key}\ncount: {numbers['count']}\n"


sys.exit(
    riser.start_daemon(
        setup,
        daemonize=False,
        daemon_name="simple_key_count",
        listen_address=sys.argv[1] if len(sys.argv) > 1 else "localhost:8000",
    )
)
