"""Knows callers by their client certificates, which TLS has checked."""

import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Final

from cryptography import x509

from twinfront_server.access.principal import Principal
from twinfront_server.errors import credentials_invalid

MAX_REMEMBERED: Final = 10_000
"""Certificates whose names are kept at hand; beyond that the one that was not seen for longest is read again."""

MAX_NAME: Final = 256
"""Characters of the longest name of a principal: it goes into logs."""

_CERTIFICATE: Final = "x509_pem_cert"
_SPIFFE: Final = "spiffe://"
_DNS_NAME: Final = re.compile(r"[a-z0-9_*-]+(?:\.[a-z0-9_*-]+)*")
"""A certificate can have any text as a DNS name, one that reads like a SPIFFE id or a subject as well."""


class Certificates:
    """Gives the principals of certificates."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, Principal] = OrderedDict()

    def principal(self, auth_context: Mapping[str, Iterable[bytes]]) -> Principal | None:
        """Gives the principal that is at the other end of a connection, or none if it showed no certificate.

        Raises:
            TwinfrontError: CREDENTIALS_INVALID, if the certificate has no name.
        """
        pem = next(iter(auth_context.get(_CERTIFICATE, ())), None)
        if pem is None:
            return None
        known = self._known.get(pem)
        if known is None:
            known = self._known[pem] = Principal(_name(pem), "mtls")
            if len(self._known) > MAX_REMEMBERED:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(pem)
        return known


def _name(pem: bytes) -> str:
    """Gives the name in a certificate: its SPIFFE id, else its first DNS name, else its subject."""
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        names = [*_alternative_names(certificate), certificate.subject.rfc4514_string()]
    except (ValueError, x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        raise credentials_invalid("The certificate cannot be read.") from None
    name = names[0]
    if not 0 < len(name) <= MAX_NAME or not name.isprintable():
        raise credentials_invalid("The certificate has no name of a caller: no SPIFFE id, DNS name or subject.")
    return name


def _alternative_names(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    # A certificate with several URIs has no SPIFFE id, says the standard.
    ids = uris if len(uris) == 1 and uris[0].startswith(_SPIFFE) else []
    hosts = [name.lower() for name in names.get_values_for_type(x509.DNSName)]
    return [*ids, *(name for name in hosts if _DNS_NAME.fullmatch(name))]
