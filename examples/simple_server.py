"""An echo server on localhost:5000: one process, four threads.

Start it, and talk to it in another terminal:

    python examples/simple_server.py [PORT]
    nc localhost 5000
"""

import socket
import sys

import riser

server = riser.SocketServer()


@server.dispatch
def echo(connection: socket.socket) -> None:
    """Send back every line."""
    with connection.makefile("rb") as lines:
        for line in lines:
            connection.sendall(line)


port = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
server.start(socket.create_server(("localhost", port)))
