"""A TLS certificate for development, made at the first start, kept, and made anew when it has to name other hosts.

The authority that signs it is kept as well, so that a client that trusts the authority goes on to trust what comes
after. Its key lies beside it and only its owner may read it: who has the key can pretend to be any host to those
clients, so the authority is for the trust of single programs and not for that of the whole system.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from localtwins.files import make_private, replace_file
from twinfront_program.address import as_ip
from twinfront_program.startup_error import StartupError

THIS_MACHINE: Final = ("localhost", "127.0.0.1", "::1")
"""The names that every certificate has."""

_LIFETIME: Final = timedelta(days=397)
"""Some systems trust no certificate that lives longer."""
_RENEWAL: Final = timedelta(days=7)
_AUTHORITY_LIFETIME: Final = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class DevelopmentCertificate:
    """Names PEM files: the certificate for the server, its key, and the authority for clients to trust."""

    chain: Path
    key: Path
    authority: Path


@dataclass(frozen=True, slots=True)
class _Authority:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def development_certificate(directory: Path, names: Iterable[str] = ()) -> DevelopmentCertificate:
    """Gives the certificate kept in `directory`, a new one if there is none for these names or it ends within a week.

    Args:
        directory: made if need be.
        names: the host names and addresses that it has besides those of this machine.

    Raises:
        StartupError: what is there cannot be read, or nothing can be written.
    """
    files = DevelopmentCertificate(directory / "server.pem", directory / "server-key.pem", directory / "ca.pem")
    authority_key = directory / "ca-key.pem"
    wanted = [*dict.fromkeys(_comparable(name) for name in (*THIS_MACHINE, *names))]
    try:
        for kept in (files.key, authority_key):
            if kept.exists():
                make_private(kept)
        if not _is_usable(files, wanted):
            directory.mkdir(parents=True, exist_ok=True)
            files.chain.unlink(missing_ok=True)  # written last, so none is ever found without its key and authority
            authority = _kept_authority(files.authority, authority_key) or _new_authority(
                files.authority, authority_key
            )
            _make(files, authority, wanted)
    except (OSError, ValueError) as error:
        raise StartupError(
            f"The development certificate in {directory} cannot be used: {error}. Delete it to have a new one."
        ) from error
    return files


def _is_usable(files: DevelopmentCertificate, wanted: Sequence[str]) -> bool:
    if not (files.chain.exists() and files.key.exists() and files.authority.exists()):
        return False
    certificate = x509.load_pem_x509_certificate(files.chain.read_bytes())
    return _lasts(certificate) and set(_names(certificate)) == set(wanted)


def _lasts(certificate: x509.Certificate) -> bool:
    return certificate.not_valid_after_utc - _RENEWAL > datetime.now(UTC)


def _names(certificate: x509.Certificate) -> list[str]:
    alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    addresses = alternatives.get_values_for_type(x509.IPAddress)
    return [*alternatives.get_values_for_type(x509.DNSName), *map(str, addresses)]


def _comparable(name: str) -> str:
    """Gives a name as certificates have it: `::1` for `0:0::1`, `fe80::1` for `fe80::1%eth0`, `vm` for `VM`."""
    return str(as_ip(name) or name.lower()).partition("%")[0]


def _alternative(name: str) -> x509.GeneralName:
    address = as_ip(name)
    return x509.DNSName(name) if address is None else x509.IPAddress(address)


def _kept_authority(certificate_file: Path, key_file: Path) -> _Authority | None:
    """Gives the authority that signed before, or none if it cannot sign for long enough."""
    if not (certificate_file.exists() and key_file.exists()):
        return None
    certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
    key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        return None
    if certificate.not_valid_after_utc < datetime.now(UTC) + _LIFETIME:
        return None
    return _Authority(certificate, key)


def _new_authority(certificate_file: Path, key_file: Path) -> _Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localtwins development authority")])
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=True, path_length=0), True),
        (_usage("key_cert_sign"), True),
    ]
    certificate = _sign(name, name, key, key, _AUTHORITY_LIFETIME, extensions)
    replace_file(key_file, _private(key), 0o600)
    replace_file(certificate_file, certificate.public_bytes(serialization.Encoding.PEM))
    return _Authority(certificate, key)


def _make(files: DevelopmentCertificate, authority: _Authority, names: Sequence[str]) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _sign(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]),
        authority.certificate.subject,
        key,
        authority.key,
        _LIFETIME,
        [
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (_usage("digital_signature"), True),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
            (x509.SubjectAlternativeName([_alternative(name) for name in names]), False),
        ],
    )
    replace_file(files.key, _private(key), 0o600)
    replace_file(files.chain, certificate.public_bytes(serialization.Encoding.PEM))


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _sign(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    lifetime: timedelta,
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
        .not_valid_after(now + lifetime)
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
