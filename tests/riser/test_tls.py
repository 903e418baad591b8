"""TLS in a dispatch: verified, limited, by name, replaced, and never a danger to other connections."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from riser.errors import ConfigError
from riser.poll import ReadPoll
from riser.server import SocketServer
from riser.stream import Stream
from riser.tls import CertificateFiles, Tls

from .conftest import DEADLINE_SECONDS

Address = tuple[str, int]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def _files(authority: trustme.CA, folder: Path, name: str) -> CertificateFiles:
    folder.mkdir(exist_ok=True)
    issued = authority.issue_cert(name)
    issued.private_key_pem.write_to_path(folder / "key.pem")
    for number, part in enumerate(issued.cert_chain_pems):
        part.write_to_path(folder / "cert.pem", append=number > 0)
    return CertificateFiles(str(folder / "cert.pem"), str(folder / "key.pem"))


@pytest.fixture
def files(authority: trustme.CA, tmp_path: Path) -> CertificateFiles:
    return _files(authority, tmp_path / "server", "localhost")


def _tls(files: CertificateFiles, **options: object) -> Tls:
    return Tls(files.certificate, files.key, **options)  # type: ignore[arg-type]  # each test names its own


@pytest.fixture
def serve() -> Iterator[Callable[[Tls], Address]]:
    """Run echo servers over TLS in threads of this process."""
    running: list[tuple[SocketServer, threading.Thread]] = []

    def start(tls: Tls) -> Address:
        server = SocketServer()
        server.thread_num = 2

        @server.dispatch
        def echo(connection: socket.socket) -> None:
            with tls.serving(connection) as secure, Stream(secure) as stream:
                for line in stream:
                    stream.write(line)

        listening = socket.create_server(("127.0.0.1", 0))
        address: Address = listening.getsockname()
        server.setup(listening)
        thread = threading.Thread(target=server.start, args=(listening,))
        thread.start()
        running.append((server, thread))
        return address

    yield start
    for server, thread in running:
        server.signal_stop_forced()
        thread.join()


def _client_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def _connect(address: Address, context: ssl.SSLContext, name: str = "localhost") -> ssl.SSLSocket:
    plain = socket.create_connection(address, timeout=DEADLINE_SECONDS)
    return context.wrap_socket(plain, server_hostname=name)


def _talk(secure: ssl.SSLSocket, message: bytes) -> bytes:
    secure.sendall(message)
    return secure.recv(1000)


def test_a_client_that_verifies_the_server_is_served(
    serve: Callable[[Tls], Address], authority: trustme.CA, files: CertificateFiles
) -> None:
    address = serve(_tls(files))
    with _connect(address, _client_context(authority)) as secure:
        assert _talk(secure, b"hello\n") == b"hello\n"


def test_plain_bytes_end_that_connection_only(
    serve: Callable[[Tls], Address], authority: trustme.CA, files: CertificateFiles
) -> None:
    address = serve(_tls(files))
    for _ in range(5):
        with socket.create_connection(address, timeout=DEADLINE_SECONDS) as plain:
            plain.sendall(b"GET / HTTP/1.0\r\n\r\n")
            with contextlib.suppress(ConnectionResetError):
                while plain.recv(1000):
                    pass
    with _connect(address, _client_context(authority)) as secure:
        assert _talk(secure, b"hello\n") == b"hello\n"


def test_a_client_that_never_shakes_hands_gives_its_thread_back(
    serve: Callable[[Tls], Address], authority: trustme.CA, files: CertificateFiles
) -> None:
    # As many as there are threads, for so long that a busy machine is no reason to end the one who does shake hands.
    address = serve(_tls(files, handshake_seconds=2))
    silent = [socket.create_connection(address, timeout=DEADLINE_SECONDS) for _ in range(2)]
    with _connect(address, _client_context(authority)) as secure:
        assert _talk(secure, b"hello\n") == b"hello\n"
    for plain in silent:
        assert plain.recv(1) == b""
        plain.close()


def test_every_name_gets_its_own_certificate(
    serve: Callable[[Tls], Address], authority: trustme.CA, files: CertificateFiles, tmp_path: Path
) -> None:
    names = {
        "other.example": _files(authority, tmp_path / "other", "other.example"),
        "*.wild.example": _files(authority, tmp_path / "wild", "*.wild.example"),
    }
    address = serve(_tls(files, names=names))
    for name in ("localhost", "other.example", "a.wild.example"):
        with _connect(address, _client_context(authority), name) as secure:
            assert _talk(secure, b"hello\n") == b"hello\n"
    with pytest.raises(ssl.SSLCertVerificationError):
        _connect(address, _client_context(authority), "unknown.example")


def test_protocols_are_negotiated(
    serve: Callable[[Tls], Address], authority: trustme.CA, files: CertificateFiles
) -> None:
    address = serve(_tls(files, protocols=["h2", "http/1.1"]))
    context = _client_context(authority)
    context.set_alpn_protocols(["http/1.1", "http/1.0"])
    with _connect(address, context) as secure:
        assert secure.selected_alpn_protocol() == "http/1.1"


def test_client_certificates_can_be_required(
    serve: Callable[[Tls], Address], authority: trustme.CA, files: CertificateFiles, tmp_path: Path
) -> None:
    trusted = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(trusted)
    address = serve(_tls(files, client_ca=str(trusted), client_certificate=True))
    context = _client_context(authority)
    with pytest.raises((ssl.SSLError, ConnectionError)), _connect(address, context) as secure:  # noqa: PT012 - TLS 1.3
        _talk(secure, b"hello\n")  # tells a client only at its first read that it is refused
        secure.recv(1)
    authority.issue_cert("client@example").configure_cert(context)
    with _connect(address, context) as secure:
        assert _talk(secure, b"hello\n") == b"hello\n"


def test_a_replaced_certificate_is_served_and_open_connections_live_on(
    serve: Callable[[Tls], Address], authority: trustme.CA, files: CertificateFiles, tmp_path: Path
) -> None:
    tls = _tls(files)
    address = serve(tls)
    with _connect(address, _client_context(authority)) as old:
        _files(authority, tmp_path / "server", "localhost")
        before = old.getpeercert(binary_form=True)
        tls.reload()
        with _connect(address, _client_context(authority)) as new:
            assert new.getpeercert(binary_form=True) != before
        assert _talk(old, b"alive\n") == b"alive\n"
        Path(files.certificate).write_text("not a certificate")
        with pytest.raises(ConfigError):
            tls.reload()
        with _connect(address, _client_context(authority)) as again:
            assert _talk(again, b"alive\n") == b"alive\n"


def test_what_cannot_be_used_is_refused_with_the_parameter_and_the_file(
    files: CertificateFiles, authority: trustme.CA, tmp_path: Path
) -> None:
    missing = str(tmp_path / "missing.pem")
    other = _files(authority, tmp_path / "other", "other.example")
    with pytest.raises(ConfigError, match=r"^certificate: .*No such file.*missing\.pem"):
        Tls(missing)
    with pytest.raises(ConfigError, match=r"^key: .*missing\.pem"):
        Tls(files.certificate, missing)
    with pytest.raises(ConfigError, match=r"^certificate: .*fits the other"):
        Tls(files.certificate, other.key)
    with pytest.raises(ConfigError, match=r"^names\['x'\]: .*missing\.pem"):
        _tls(files, names={"x": CertificateFiles(missing)})
    with pytest.raises(ConfigError, match=r"^names\['x'\]\.key: .*missing\.pem"):
        _tls(files, names={"x": CertificateFiles(files.certificate, missing)})
    for protocol in ("", "x" * 256, "é"):
        with pytest.raises(ConfigError, match=r"^protocols: .*of 1 to 255 characters"):
            _tls(files, protocols=["http/1.1", protocol])
    with pytest.raises(ConfigError, match=r"^client_ca: .*certificates in PEM"):
        _tls(files, client_ca=files.key)
    with pytest.raises(ConfigError, match=r"^client_ca: "):
        _tls(files, client_certificate=True)
    with pytest.raises(ConfigError, match=r"^handshake_seconds: "):
        _tls(files, handshake_seconds=0)


def test_an_encrypted_key_needs_its_password_and_asks_nobody(files: CertificateFiles, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization

    assert files.key is not None
    key = serialization.load_pem_private_key(Path(files.key).read_bytes(), None)
    encrypted = tmp_path / "encrypted.pem"
    encrypted.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.BestAvailableEncryption(b"a password"),
        )
    )
    with pytest.raises(ConfigError, match="encrypted and no password"):
        Tls(files.certificate, str(encrypted))
    Tls(files.certificate, str(encrypted), password="a password")


def test_data_that_tls_holds_already_counts_as_readable(authority: trustme.CA, files: CertificateFiles) -> None:
    ours, peer = socket.socketpair()
    secure: list[ssl.SSLSocket] = []
    thread = threading.Thread(target=lambda: secure.append(_tls(files).wrap(ours)))
    thread.start()
    with _client_context(authority).wrap_socket(peer, server_hostname="localhost") as client:
        thread.join()
        poll = ReadPoll(secure[0])
        client.sendall(b"two words")
        assert poll.poll(DEADLINE_SECONDS)
        assert secure[0].recv(3) == b"two"
        assert poll.poll(0)
        assert secure[0].recv(100) == b" words"
        assert not poll.poll(0)
        stream = Stream(secure[0])
        lines = ReadPoll(stream)
        assert not lines.poll(0)
        client.sendall(b"one\ntwo\n")
        assert lines.poll(DEADLINE_SECONDS)
        assert stream.readline() == b"one\n"
        assert lines.poll(0)
        assert stream.readline() == b"two\n"
        assert not lines.poll(0)
        stream.close()
