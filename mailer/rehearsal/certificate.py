"""With which certificate does a simulated receiver speak TLS?

One made for the run and signed by itself, as opportunistic TLS meets often enough (RFC 7435 §3). The key
never rests on the disk longer than it takes to load it.
"""

import ssl
import tempfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LIFE = timedelta(days=30)


def self_made(hosts: Sequence[str], now: datetime) -> tuple[bytes, bytes]:
    """Return a certificate for `hosts` that is valid for 30 days around `now`, and its P-256 key, both as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0][:64])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - LIFE / 2)
        .not_valid_after(now + LIFE / 2)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM), private


def server_context(hosts: Sequence[str], now: datetime) -> ssl.SSLContext:
    """Return a server's TLS 1.2+ context with a new self-made certificate."""
    certificate, key = self_made(hosts, now)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    with tempfile.TemporaryDirectory() as directory:
        pem = Path(directory) / "rehearsal.pem"
        pem.touch(mode=0o600)
        pem.write_bytes(certificate + key)
        context.load_cert_chain(pem)
    return context
