"""The certificate by which the processes of one pool know each other, made when the pool is and kept in memory."""

import datetime as dt

from riser.services.engines.extras import needs
from riser.services.secure import Identity

_LIFE = dt.timedelta(days=36500)
"""As long as any pool may live: the certificate is worth nothing once the pool has ended."""
_SLACK = dt.timedelta(days=2)
"""How wrong the clock of another machine may be."""


def new_identity(extra: str) -> Identity:
    """A new key and a certificate that it has signed itself; raises `MissingExtraError`."""
    with needs(extra):
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "riser services")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SLACK)
        .not_valid_after(now + _LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    hidden = serialization.NoEncryption()
    return Identity(
        certificate.public_bytes(pem).decode(),
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, hidden).decode(),
    )
