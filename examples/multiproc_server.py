"""The echo server of simple_server.py, preforked: two child processes of four threads each.

Start it, and look at the parent, its children and their threads in another terminal:

    python examples/multiproc_server.py [PORT]
    pstree -ap
"""

import socket
import sys

import riser

server = riser.SocketServer()
server.process_num = 2


@server.dispatch
def echo(connection: socket.socket) -> None:
    """Send back every line."""
    with connection.makefile("rb") as lines:
        for line in lines:
            connection.sendall(line)


port = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
server.start(socket.create_server(("localhost", port)))
