"""Where an engine is, and whether it may be spoken to in the clear.

The service processes are sent the pool's key through their engine, so whoever could read along would have it. In the
clear it is sent only where nothing leaves this machine.
"""

import ipaddress
import socket
from urllib.parse import urlsplit


def host_and_port(address: str) -> tuple[str, int] | None:
    """The two halves of `HOST:PORT`; None if that is not what it is."""
    try:
        parts = urlsplit(f"//{address}")
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    return (host, port) if host and port and parts.netloc == address and "@" not in address else None


def stays_here(host: str, port: int) -> bool:
    """Whether all that is sent there stays on the loopback interface; raises OSError if no such host is known."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return all(ipaddress.ip_address(address[0]).is_loopback for *_, address in found)
