"""The same minimal answer over HTTP, from riser or from gunicorn's threads.

    python http.py riser|gunicorn PROCESSES THREADS

Prints its address when it listens.
"""

import socket
import sys
from collections.abc import Callable, Iterable

BODY = b"hello, benchmark\n"


def answer(connection: socket.socket) -> None:
    """Answer requests without a body until the client wants no more."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n" % len(BODY)
    with connection.makefile("rb") as requests:
        while line := requests.readline():
            keep = line.rstrip().endswith(b"HTTP/1.1")
            while (header := requests.readline()) not in (b"\r\n", b""):
                name, _, value = header.partition(b":")
                if name.lower() == b"connection":
                    keep = value.strip().lower() == b"keep-alive"
            connection.sendall(head + (b"\r\n" if keep else b"Connection: close\r\n\r\n") + BODY)
            if not keep:
                return


def application(
    _environment: object, start_response: Callable[[str, list[tuple[str, str]]], object]
) -> Iterable[bytes]:
    """The same for gunicorn."""
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(BODY)))])
    return [BODY]


def main(kind: str, processes: str, threads: str) -> None:
    """Serve until a signal ends it."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    address = f"127.0.0.1:{listener.getsockname()[1]}"
    if kind == "riser":
        import riser

        server = riser.SocketServer()
        server.process_num = int(processes)
        server.thread_num = int(threads)
        server.dispatch(answer)
        print(address, flush=True)
        server.start(listener)
        return
    from gunicorn.app.base import BaseApplication  # type: ignore[import-not-found,import-untyped,unused-ignore]  # a peer

    class Application(BaseApplication):  # type: ignore[misc,unused-ignore]  # as above
        def load_config(self) -> None:
            self.cfg.set("bind", f"fd://{listener.fileno()}")
            self.cfg.set("backlog", 1024)
            self.cfg.set("workers", int(processes))
            self.cfg.set("threads", int(threads))
            self.cfg.set("worker_class", "gthread")
            self.cfg.set("loglevel", "error")
            self.cfg.set("keepalive", 60)
            self.cfg.set("when_ready", lambda _: print(address, flush=True))

        def load(self) -> Callable[..., Iterable[bytes]]:
            return application

    Application().run()


if __name__ == "__main__":
    main(*sys.argv[1:])
