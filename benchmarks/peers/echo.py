"""A server that gives back each line, on CPython's library or on riser: what the benchmark of connections talks to.

    python echo.py riser|threading|forking [PROCESSES THREADS [QUEUE]]

Prints its address when it listens. QUEUE is how many connections may wait for a process.
"""

import os
import socket
import socketserver
import sys
import time

WORK_SECONDS = float(os.environ.get("WORK_SECONDS", "0"))


def echo(connection: socket.socket) -> None:
    """Give back what comes until the peer has said all; each time after so much work, if there is to be some."""
    while data := connection.recv(4096):
        if WORK_SECONDS:
            time.sleep(WORK_SECONDS)
        connection.sendall(data)


class Handler(socketserver.BaseRequestHandler):
    """The same for `socketserver`."""

    def handle(self) -> None:
        echo(self.request)


class Threading(socketserver.ThreadingTCPServer):
    """With the backlog that riser asks for, so that no connection is refused for want of it."""

    request_queue_size = 1024
    daemon_threads = True


class Forking(socketserver.ForkingTCPServer):
    """The same."""

    request_queue_size = 1024
    max_children = 64


def main(kind: str, processes: str = "2", threads: str = "4", queue: str = "20") -> None:
    """Serve until a signal ends it."""
    if kind == "riser":
        import riser

        server = riser.SocketServer()
        server.process_num = int(processes)
        server.thread_num = int(threads)
        server.process_queue_size = int(queue)
        server.dispatch(echo)
        listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        print(f"127.0.0.1:{listener.getsockname()[1]}", flush=True)
        server.start(listener)
        return
    with {"threading": Threading, "forking": Forking}[kind](("127.0.0.1", 0), Handler) as peer:
        print(f"127.0.0.1:{peer.server_address[1]}", flush=True)
        peer.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
