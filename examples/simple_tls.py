"""A TLS echo server on localhost:5000, wrapping its sockets in dispatch.

With a certificate for localhost and its key; talk to it in another terminal:

    python examples/simple_tls.py CERTIFICATE KEY [ADDRESS]
    openssl s_client -CAfile CA -connect localhost:5000
"""

import socket
import ssl
import sys

import riser

if len(sys.argv) < 3:
    sys.exit("usage: simple_tls.py CERTIFICATE KEY [ADDRESS]")


def setup(server: riser.SocketServer) -> None:
    """Run in every new server process, so that a replaced certificate is read after a restart."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certfile=sys.argv[1], keyfile=sys.argv[2])

    @server.dispatch
    def echo(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as tls, tls.makefile("rb") as lines:
            for line in lines:
                tls.sendall(line)


sys.exit(
    riser.start_daemon(
        setup,
        daemonize=False,
        daemon_name="simple_tls",
        listen_address=sys.argv[3] if len(sys.argv) > 3 else "localhost:5000",
    )
)
