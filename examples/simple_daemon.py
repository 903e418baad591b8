"""An echo daemon on localhost:5000, in the background, logging to syslog.

Its pid is in simple_daemon.pid, its log is in the system's:

    python examples/simple_daemon.py [ADDRESS]
    kill -HUP PID       # restart the server; clients in service are served to the end
    kill -TERM PID      # stop
"""

import socket
import sys

import riser


def setup(server: riser.SocketServer) -> None:
    """Run in every new server process."""

    @server.dispatch
    def echo(connection: socket.socket) -> None:
        with connection.makefile("rb") as lines:
            for line in lines:
                connection.sendall(line)


sys.exit(
    riser.start_daemon(
        setup,
        daemonize=True,
        daemon_name="simple_daemon",
        status_file="simple_daemon.pid",
        listen_address=sys.argv[1] if len(sys.argv) > 1 else "localhost:5000",
    )
)
