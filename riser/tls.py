"""TLS for a dispatch: a context from files, a handshake with a limit, and certificates that can be replaced.

    tls = riser.Tls(certificate="server.pem", key="server.key")

    @server.dispatch
    def echo(connection):
        with tls.serving(connection) as secure:
            ...

`ssl.SSLContext.wrap_socket` in a dispatch works as well. This adds three things: a client that never shakes hands gives
its thread back, one port can have several names, and `reload` takes new certificates. A daemon has no need of the last:
its setup runs again after HUP.
"""

import contextlib
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from socket import socket

from riser.connection import end_tls
from riser.errors import ConfigError

HANDSHAKE_SECONDS = 10.0
"""Far more than a handshake takes over a slow line, far less than a thread should be held for nothing."""


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """A certificate with its chain, and its private key, as PEM files; both may be in one."""

    certificate: str
    key: str | None = None
    password: str | None = field(default=None, repr=False)


class Tls:
    """The TLS settings of a server; one object serves all threads, and all children that are forked after it was
    made."""

    def __init__(
        self,
        certificate: str,
        key: str | None = None,
        *,
        password: str | None = None,
        names: Mapping[str, CertificateFiles] | None = None,
        protocols: Sequence[str] = (),
        client_ca: str | None = None,
        client_certificate: bool = False,
        handshake_seconds: float = HANDSHAKE_SECONDS,
    ) -> None:
        """Read the files.

        `names` are further certificates by the host name that a client asks for (SNI): exact, or "*." and a domain.
        `protocols` are offered in this order by ALPN. Client certificates are verified against `client_ca`, and with
        `client_certificate` nobody gets in without one (`tls.mutual`). A handshake that takes longer than
        `handshake_seconds`, as a whole, ends the connection (`tls.silent`).

        Raises `ConfigError` with the parameter and the file at fault.
        """
        if handshake_seconds <= 0:
            raise ConfigError("handshake_seconds", handshake_seconds, "a positive number of seconds")
        if client_certificate and client_ca is None:
            raise ConfigError("client_ca", None, "a file of certificates to verify clients against")
        self.handshake_seconds = handshake_seconds
        self._files = CertificateFiles(certificate, key, password)
        self._names = dict(names or {})
        self._protocols = tuple(protocols)
        self._client_ca = client_ca
        self._client_certificate = client_certificate
        self._context = self._make()

    @property
    def context(self) -> ssl.SSLContext:
        """The context for new connections."""
        return self._context

    def reload(self) -> None:
        """Read the files again; connections that are open keep what they have (`tls.reload`).

        Raises `ConfigError`, and goes on with what was read before, if the files cannot be used.
        """
        self._context = self._make()

    def wrap(self, connection: socket) -> ssl.SSLSocket:
        """Shake hands within the limit; the connection's own timeout holds again afterwards.

        Raises TimeoutError or `ssl.SSLError`, which end this connection only when they leave `dispatch` (`tls.plain`).
        """
        timeout = connection.gettimeout()
        secure = self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        try:
            secure.settimeout(self.handshake_seconds)
            secure.do_handshake()
            secure.settimeout(timeout)
        except BaseException:
            secure.close()
            raise
        return secure

    @contextlib.contextmanager
    def serving(self, connection: socket) -> Iterator[ssl.SSLSocket]:
        """The wrapped connection for a `with` block, closed at its end, and properly ended if nothing went wrong."""
        with self.wrap(connection) as secure:
            yield secure
            end_tls(secure)

    def _make(self) -> ssl.SSLContext:
        context = self._context_for("certificate", self._files)
        by_name = {name.lower(): self._context_for(f"names[{name!r}]", files) for name, files in self._names.items()}
        if by_name:

            def choose(secure: ssl.SSLSocket | ssl.SSLObject, name: str | None, _first: ssl.SSLContext) -> None:
                chosen = _find(by_name, (name or "").lower())
                if chosen is not None:
                    secure.context = chosen

            context.sni_callback = choose
        return context

    def _context_for(self, parameter: str, files: CertificateFiles) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        _check_readable(parameter, files.certificate)
        if files.key is not None:
            _check_readable("key" if files is self._files else f"{parameter}.key", files.key)
        try:
            # Without a password OpenSSL would ask the terminal for one.
            context.load_cert_chain(files.certificate, files.key, password=files.password or _no_password)
        except (ssl.SSLError, ValueError) as error:
            raise ConfigError(
                parameter, files.certificate, f"a certificate and its key in PEM, of which one fits the other ({error})"
            ) from error
        if self._protocols:
            try:
                context.set_alpn_protocols(list(self._protocols))
            except (ssl.SSLError, UnicodeError) as error:
                raise ConfigError("protocols", self._protocols, "names in ASCII, of 1 to 255 characters") from error
        if self._client_ca is not None:
            self._verify_clients(context, self._client_ca)
        return context

    def _verify_clients(self, context: ssl.SSLContext, client_ca: str) -> None:
        _check_readable("client_ca", client_ca)
        try:
            context.load_verify_locations(client_ca)
        except ssl.SSLError as error:
            raise ConfigError("client_ca", client_ca, f"certificates in PEM ({error})") from error
        context.verify_mode = ssl.CERT_REQUIRED if self._client_certificate else ssl.CERT_OPTIONAL


def _find(by_name: Mapping[str, ssl.SSLContext], name: str) -> ssl.SSLContext | None:
    _, _, domain = name.partition(".")
    return by_name.get(name) or by_name.get(f"*.{domain}")


def _check_readable(parameter: str, path: str) -> None:
    try:
        with open(path, "rb"):  # noqa: PTH123 - the file is only tried
            pass
    except OSError as error:
        raise ConfigError(parameter, path, f"a file that can be read ({error.strerror})") from error


def _no_password() -> str:
    raise ValueError("the key is encrypted and no password was given")
