"""The files by which programs trust the development certificate's authority besides those that they trust anyway.

What names a file of authorities to Python or Java takes the place of the usual ones, so these files have the usual
ones too: those of certifi, which comes with the Azure SDK.
"""

import importlib.util
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12Certificate, serialize_java_truststore
from cryptography.utils import CryptographyDeprecationWarning

from localtwins.files import replace_file

_BEGIN: Final = b"-----BEGIN CERTIFICATE-----"

STORE_PASSWORD: Final = "localtwins"  # noqa: S105  (Java wants one, and there is nothing to hide)


@dataclass(frozen=True, slots=True)
class TrustFiles:
    """Names one PEM file with our authority alone, one with the usual ones too, and a Java trust store of those."""

    authority: Path
    bundle: Path
    java_store: Path


def write_trust_files(authority: Path) -> TrustFiles:
    """Writes the files beside that of the authority, anew at each start.

    Raises:
        OSError: a file cannot be written.
    """
    own = authority.read_bytes()
    usual = _usual_authorities()
    files = TrustFiles(authority, authority.with_name("ca-bundle.pem"), authority.with_name("truststore.p12"))
    replace_file(files.bundle, own + usual)
    certificates = _certificates(own + usual)
    entries = [PKCS12Certificate(each, f"authority-{number}".encode()) for number, each in enumerate(certificates)]
    replace_file(files.java_store, serialize_java_truststore(entries, BestAvailableEncryption(STORE_PASSWORD.encode())))
    return files


def _certificates(pem: bytes) -> list[x509.Certificate]:
    """Gives the certificates in a file, but for those few old ones that the library refuses, or says it is going to."""
    found = []
    for text in pem.split(_BEGIN)[1:]:
        with suppress(ValueError, CryptographyDeprecationWarning), warnings.catch_warnings():
            warnings.simplefilter("error", CryptographyDeprecationWarning)
            found.append(x509.load_pem_x509_certificate(_BEGIN + text))
    return found


def _usual_authorities() -> bytes:
    if importlib.util.find_spec("certifi") is None:
        return b""
    import certifi  # noqa: PLC0415  (it may be missing)

    return Path(certifi.where()).read_bytes()
