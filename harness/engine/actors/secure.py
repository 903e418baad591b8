"""TLS on a client's socket that never blocks.

    dial -> socket -> shake_hands -> SecureSocket -> Connection

Ciphertext is read one record at a time, first its header and then no more than it says. What comes after it stays in
the kernel, so that the event loop, which asks only the kernel, always hears of it; and a record is deciphered by one
read. Sans-IO TLS (`ssl.MemoryBIO`) instead of `ssl.SSLSocket`, because the latter cannot close only its sending half.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.engine.endpoints import Endpoint, TcpEndpoint
from harness.engine.verdicts import StepErroredError
from harness.engine.waits import Limit, until

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from harness.engine.lookup import Scope
    from harness.engine.timeline import Pulse
    from harness.model.actors import ClientTls

_HEADER = 5
"""Bytes of a record's header, of which the last two tell the length of the rest."""
_PIECE = 16 * 1024
"""Bytes that one record takes."""
_LOOK_AGAIN = 0.05
"""Seconds until a handshake goes on that could not send: its few bytes nearly always find room."""


class HandshakeError(Exception):
    """There is no TLS with this peer; `reason` is a clause that says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Security:
    """How a client means to speak TLS; `server_name` is asked for, and must be in the certificate."""

    context: ssl.SSLContext
    server_name: str | None
    protocols: tuple[str, ...]
    """For ALPN; the peer must choose one of them, unless there are none."""


def security_of(client: str, tls: ClientTls, endpoint: Endpoint, *, scope: Scope, workspace: Path) -> Security:
    """What the scenario asks for, with its files read; their paths are taken from the workspace.

    Raises StepErroredError for files that cannot be used, and for a certificate that could be for anybody.
    """
    name = scope.text(tls.server_name) if tls.server_name is not None else _host(endpoint)
    if name is None and tls.verify:
        raise StepErroredError(f"{client} needs a server_name: {endpoint} has none that a certificate could be for")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # 3.11.2 takes an end without close_notify for one in good order unless told not to; OpenSSL 1 has no such option.
    context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        if tls.ca is not None:
            context.load_verify_locations(workspace / scope.text(tls.ca))
        if tls.certificate is not None:
            key = None if tls.key is None else workspace / scope.text(tls.key)
            context.load_cert_chain(workspace / scope.text(tls.certificate), key, password=_no_password)
        protocols = tuple(scope.text(protocol) for protocol in tls.alpn)
        if protocols:
            context.set_alpn_protocols(list(protocols))
    except (OSError, ValueError) as error:
        raise StepErroredError(f"{client} cannot use its TLS settings: {error}") from error
    return Security(context, name, protocols)


def _host(endpoint: Endpoint) -> str | None:
    return endpoint.host if isinstance(endpoint, TcpEndpoint) else None


def _no_password() -> str:
    # Without it OpenSSL would ask the terminal.
    raise ValueError("the key is encrypted")


def is_alert(error: OSError) -> bool:
    """Whether the peer has said, by an alert, what it does not like."""
    return isinstance(error, ssl.SSLError) and "_ALERT_" in (error.reason or "")


def is_cut(error: ssl.SSLError) -> bool:
    """Whether the connection ended without a close_notify; 3.11.2 has no exception of its own for that."""
    return isinstance(error, ssl.SSLEOFError) or error.reason == "UNEXPECTED_EOF_WHILE_READING"


def tls_reason(error: ssl.SSLError) -> str:
    """What went wrong, in a few words: `alert unknown ca`, `wrong version number`."""
    match error:
        case _ if is_cut(error):
            return "end of file without a TLS close_notify"
        case ssl.SSLCertVerificationError():
            return f"certificate not trusted: {error.verify_message}"
        case _:
            _, alert, name = (error.reason or str(error)).rpartition("_ALERT_")
            return f"{'alert ' if alert else ''}{name.replace('_', ' ').lower()}"


async def shake_hands(
    sock: socket.socket, security: Security, *, pulse: Pulse, limit: Limit, waited_for: str
) -> SecureSocket:
    """TLS over a connected socket, which is closed when this fails.

    Raises HandshakeError when the two cannot agree, StepFailedError when the limit is reached, and StepErroredError for
    a name that no certificate can be for.
    """
    loop = asyncio.get_running_loop()
    try:
        secure = SecureSocket(sock, security)
        loop.add_reader(sock, pulse.beat)
        try:
            await until(pulse, secure.agree, limit=limit, waited_for=waited_for, every=_LOOK_AGAIN)
        finally:
            loop.remove_reader(sock)
    except BaseException:
        sock.close()
        raise
    return secure


class SecureSocket:
    """A socket as far as a connection uses one. What raises BlockingIOError is to be called again as it was."""

    def __init__(self, sock: socket.socket, security: Security) -> None:
        """Raises StepErroredError for a name that no certificate can be for."""
        self._sock = sock
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        try:
            self._tls = security.context.wrap_bio(
                self._incoming, self._outgoing, server_hostname=security.server_name or None
            )
        except ValueError as error:
            raise StepErroredError(f"no certificate is for {security.server_name!r}: {error}") from error
        self._protocols = security.protocols
        self._header = bytearray()
        self._left = 0
        """Bytes of the record under way that have not come."""
        self._sealed = bytearray()
        """Ciphertext that the kernel has not taken."""
        self._taken = 0
        """Bytes of text that `_sealed` stands for, which `send` has not answered for yet."""

    @property
    def family(self) -> int:
        """The family of its addresses."""
        return self._sock.family

    @property
    def protocol(self) -> str | None:
        """What ALPN has agreed on, if anything."""
        return self._tls.selected_alpn_protocol()

    def __str__(self) -> str:
        return " ".join(filter(None, (self._tls.version(), self.protocol)))

    def fileno(self) -> int:
        """The descriptor, for who waits for it."""
        return self._sock.fileno()

    def getsockname(self) -> object:
        """Its own address."""
        return self._sock.getsockname()

    def getpeername(self) -> object:
        """The peer's address. Raises OSError when the peer has gone."""
        return self._sock.getpeername()

    def agree(self) -> bool | None:
        """Go on with the handshake; true when it is over. Raises HandshakeError."""
        try:
            while True:
                try:
                    self._tls.do_handshake()
                except ssl.SSLWantReadError:
                    self._push()
                    self._feed()
                else:
                    self._push()
                    break
        except BlockingIOError:
            return None
        except ssl.SSLError as error:
            if is_cut(error):
                raise HandshakeError("the peer ended the connection in the middle of it") from None
            self._try_to_push()  # An alert that tells the peer why.
            raise HandshakeError(tls_reason(error)) from error
        except ConnectionError as error:
            raise HandshakeError(f"the connection broke: {error.strerror}") from error
        if self._protocols and self.protocol is None:
            raise HandshakeError(f"the peer chose no protocol of {', '.join(self._protocols)}")
        return True

    def recv(self, size: int) -> bytes:
        """Text of one record, `size` being 16 KiB at least; nothing after a close_notify.

        Raises ssl.SSLError for an alert and for an end without a close_notify, OSError as a socket does.
        """
        while True:
            try:
                return self._tls.read(size)
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLZeroReturnError:
                return b""
            finally:
                self._try_to_push()  # TLS answers some records by itself.
            self._feed()

    def send(self, data: bytes | bytearray) -> int:
        """How many bytes have been sent, which the kernel has all of. Raises ssl.SSLError, OSError as a socket does."""
        if not self._taken:
            self._taken = self._tls.write(data[:_PIECE])
        self._push()
        taken, self._taken = self._taken, 0
        return taken

    def shutdown(self, how: int) -> None:
        """Say close_notify, and end that half of the socket. Raises OSError."""
        self._say_goodbye()
        self._sock.shutdown(how)

    def setsockopt(self, level: int, option: int, value: bytes) -> None:
        """Set an option of the socket below."""
        self._sock.setsockopt(level, option, value)

    def close(self) -> None:
        """Say close_notify if it can be said at once, and close."""
        self._say_goodbye()
        self._sock.close()

    def drop(self) -> None:
        """Close without a word."""
        self._sock.close()

    def _say_goodbye(self) -> None:
        # The peer's own close_notify is not waited for.
        with suppress(OSError, ValueError):
            self._tls.unwrap()
        self._try_to_push()

    def _feed(self) -> None:
        data = self._sock.recv(self._left or _HEADER - len(self._header))
        if not data:
            self._incoming.write_eof()
            return
        self._incoming.write(data)
        if self._left:
            self._left -= len(data)
            return
        self._header += data
        if len(self._header) == _HEADER:
            self._left = int.from_bytes(self._header[3:], "big")
            self._header.clear()

    def _push(self) -> None:
        self._sealed += self._outgoing.read()
        while self._sealed:
            del self._sealed[: self._sock.send(self._sealed)]

    def _try_to_push(self) -> None:
        with suppress(OSError):
            self._push()
