"""A TLS certificate for development, made at the first start and kept.

A certificate authority signs one certificate for this machine and its key is thrown away at once, so trusting the
authority trusts that certificate and nothing else.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from localtwins.errors import StartupError

_HOSTS = ("localhost", "127.0.0.1", "::1")
_LIFETIME = timedelta(days=397)  # some systems trust no longer-lived ones
_RENEWAL = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class DevelopmentCertificate:
    """PEM files: the certificate for the server, its key, and the authority for clients to trust."""

    chain: Path
    key: Path
    authority: Path


def development_certificate(directory: Path) -> DevelopmentCertificate:
    """Give the certificate kept in `directory`, a new one if there is none or it ends within a week.

    Raises StartupError.
    """
    files = DevelopmentCertificate(directory / "server.pem", directory / "server-key.pem", directory / "ca.pem")
    try:
        if not _is_usable(files):
            directory.mkdir(parents=True, exist_ok=True)
            _make(files)
    except (OSError, ValueError) as error:
        raise StartupError(
            f"The development certificate in {directory} cannot be used: {error}. Delete it to have a new one."
        ) from error
    return files


def _is_usable(files: DevelopmentCertificate) -> bool:
    if not (files.chain.exists() and files.key.exists() and files.authority.exists()):
        return False
    certificate = x509.load_pem_x509_certificate(files.chain.read_bytes())
    return certificate.not_valid_after_utc - _RENEWAL > datetime.now(UTC)


def _make(files: DevelopmentCertificate) -> None:
    authority_key = ec.generate_private_key(ec.SECP256R1())
    server_key = ec.generate_private_key(ec.SECP256R1())
    authority_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localtwins development authority")])
    server_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    alternatives = [x509.IPAddress(ip_address(host)) if _is_ip(host) else x509.DNSName(host) for host in _HOSTS]
    signing = _usage("key_cert_sign")
    authority = _sign(
        authority_name,
        authority_name,
        authority_key,
        authority_key,
        [(x509.BasicConstraints(ca=True, path_length=0), True), (signing, True)],
    )
    server = _sign(
        server_name,
        authority_name,
        server_key,
        authority_key,
        [
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (_usage("digital_signature"), True),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
            (x509.SubjectAlternativeName(alternatives), False),
        ],
    )
    _replace(files.authority, authority.public_bytes(serialization.Encoding.PEM))
    private = server_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _replace(files.key, private, 0o600)
    _replace(files.chain, server.public_bytes(serialization.Encoding.PEM))


def _replace(file: Path, content: bytes, mode: int = 0o666) -> None:
    """Write a file whole or not at all, so that a start that is cut short leaves nothing for the next to stumble on."""
    new = file.with_suffix(".new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(file)


def _sign(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    extensions: Sequence[tuple[x509.ExtensionType, bool]],
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(issuer_key, hashes.SHA256())


def _usage(purpose: str) -> x509.KeyUsage:
    purposes = dict.fromkeys(
        (
            "digital_signature",
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    return x509.KeyUsage(**(purposes | {purpose: True}))


def _is_ip(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()
