"""The program of simple_services.py without service processes: every call is made in the one server process.

Two numbers are different, `Services(0)` and `process_num = 0`. Start it, and ask it several times:

    python examples/local_services.py [ADDRESS]
    curl http://localhost:8000/any
    curl http://localhost:8000/sticky?foo
"""

import os
import socket
import sys

import riser


def setup(server: riser.SocketServer) -> None:
    """Run in every new server process."""
    services = riser.Services(0)
    services.add_any_process_service("pid_any", os.getpid)
    services.add_single_process_service("pid_single", os.getpid)
    services.add_sticky_process_service("pid_sticky", lambda _key: os.getpid())

    server.process_num = 0
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
        path, _, query = uri.partition("?")
        match path:
            case "/any":
                return f"pid: {services.call_service('pid_any')}\n"
            case "/single":
                return f"pid: {services.call_service('pid_single')}\n"
            case "/sticky":
                key = query or "default"
                return f"key: {key}\npid: {services.call_service('pid_sticky', key)}\n"
            case _:
                return f"unknown path: {path}\n"


sys.exit(
    riser.start_daemon(
        setup,
        daemonize=False,
        daemon_name="local_services",
        listen_address=sys.argv[1] if len(sys.argv) > 1 else "localhost:8000",
    )
)
