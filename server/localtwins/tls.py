"""The server's side of TLS: with the operator's certificate, or with one that is made for development."""

import ssl
from pathlib import Path

from localtwins.certificate import DevelopmentCertificate, development_certificate
from localtwins.settings import Settings
from twinfront_program.address import Address
from twinfront_program.startup_error import StartupError


def server_tls(
    settings: Settings, listen: Address, folder: Path
) -> tuple[ssl.SSLContext, DevelopmentCertificate | None]:
    """Gives the context to serve with, and the certificate if it is made, in `folder`.

    Raises:
        StartupError: the files cannot be used.
    """
    if settings.tls_cert is not None and settings.tls_key is not None:
        return _context(Path(settings.tls_cert), Path(settings.tls_key)), None
    host = [] if listen.is_wildcard else [listen.host]
    made = development_certificate(folder, [*host, *settings.tls_names])
    return _context(made.chain, made.key), made


def _context(chain: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(chain, key)
    except (OSError, ssl.SSLError) as error:
        raise StartupError(f"The TLS certificate {chain} with key {key} cannot be used: {error}.") from error
    return context
