"""The server's side of TLS and mTLS, from PEM files that may change while the server runs."""

import ssl
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import grpc
from cryptography import x509
from prometheus_client import Gauge

from twinfront_program.log import Log
from twinfront_program.startup_error import StartupError

_Signature = tuple[tuple[int, int], ...]


def server_credentials(cert: str, key: str, client_ca: str | None, log: Log, expiry: Gauge) -> grpc.ServerCredentials:
    """Credentials that follow the files: each new connection gets the certificate that lies there at that moment.

    Args:
        cert: file with the server's certificate chain.
        key: file with its private key, not encrypted.
        client_ca: file with the authorities of client certificates; given, a caller has to have one (mTLS).
        log: where it is said that certificates were renewed, or could not be, or are not valid now.
        expiry: shows when the certificate in use expires.

    Raises:
        StartupError: if a file cannot be read, or certificate and key do not belong together.
    """
    files = _CertificateFiles(cert, key, client_ca, log, expiry)
    return grpc.dynamic_ssl_server_credentials(
        files.load(),
        files.load_if_changed,  # type: ignore[arg-type]  # None is documented, and missing in types-grpcio
        require_client_authentication=client_ca is not None,
    )


class _CertificateFiles:
    """The PEM files, and which state of them is in use."""

    def __init__(self, cert: str, key: str, client_ca: str | None, log: Log, expiry: Gauge) -> None:
        self._cert = Path(cert)
        self._key = Path(key)
        self._client_ca = Path(client_ca) if client_ca is not None else None
        self._log = log
        self._expiry = expiry
        # grpc asks from threads of its own.
        self._lock = threading.Lock()
        self._seen: _Signature | None = None

    def load(self) -> grpc.ServerCertificateConfiguration:
        """Reads the files as they are now."""
        self._seen = self._signature()
        _check_pair(self._cert, self._key)
        roots = None
        if self._client_ca is not None:
            _check_authorities(self._client_ca)
            roots = _read(self._client_ca)
        self._note_validity()
        return grpc.ssl_server_certificate_configuration([(_read(self._key), _read(self._cert))], roots)

    def _note_validity(self) -> None:
        """Says so if the certificate is not valid now: callers refuse it, but it is not for the server to stay away."""
        certificate, *_ = x509.load_pem_x509_certificates(_read(self._cert))
        self._expiry.set(certificate.not_valid_after_utc.timestamp())
        now = datetime.now(UTC)
        if now > certificate.not_valid_after_utc:
            expired = certificate.not_valid_after_utc.isoformat()
            self._log.warning("the certificate has expired", cert=str(self._cert), expired=expired)
        elif now < certificate.not_valid_before_utc:
            begins = certificate.not_valid_before_utc.isoformat()
            self._log.warning("the certificate is not valid yet", cert=str(self._cert), begins=begins)

    def load_if_changed(self) -> grpc.ServerCertificateConfiguration | None:
        """Reads the files if they changed since the last look; None if not, or if they are not sound.

        Files are replaced one after the other, so certificate and key may not fit for a moment: then what is in use
        stays in use until they change again.
        """
        with self._lock:
            try:
                if self._signature() == self._seen:
                    return None
                loaded = self.load()
            except StartupError as error:
                self._log.error("certificates could not be renewed", error=str(error))
                return None
            self._log.info("certificates renewed", cert=str(self._cert))
            return loaded

    def _signature(self) -> _Signature:
        files: Sequence[Path] = [file for file in (self._cert, self._key, self._client_ca) if file is not None]
        return tuple(_stat(file) for file in files)


def _stat(file: Path) -> tuple[int, int]:
    try:
        stat = file.stat()
    except OSError as error:
        raise StartupError(f"{file} cannot be read: {error.strerror}") from error
    return stat.st_mtime_ns, stat.st_ino


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise StartupError(f"{file} cannot be read: {error.strerror}") from error


def _check_pair(cert: Path, key: Path) -> None:
    _read(cert)
    _read(key)
    try:
        # A password keeps OpenSSL from asking the terminal for one.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, password="")
    except (ssl.SSLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or str(error)
        raise StartupError(f"{cert} and {key} are not a PEM certificate and its unencrypted key: {reason}") from error


def _check_authorities(file: Path) -> None:
    _read(file)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except (ssl.SSLError, OSError) as error:
        raise StartupError(f"{file} holds no PEM certificates: {getattr(error, 'reason', None) or error}") from error
