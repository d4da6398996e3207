"""Checks of this machine: ports, certificates, the data folder, and what the settings need beside the upstream."""

import errno
import os
import shutil
import socket
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Gauge

from twinfront_program.address import UnixSocket, parse_place
from twinfront_program.log import get_logger
from twinfront_program.startup_error import StartupError
from twinfront_server.access.authenticator import open_authenticator
from twinfront_server.access.principal import Principal
from twinfront_server.doctor.finding import Finding
from twinfront_server.metrics import Metrics
from twinfront_server.server import require_engine
from twinfront_server.settings import Settings
from twinfront_server.unix_socket import is_left_behind

_RENEWAL: Final = timedelta(days=30)
_LITTLE_SPACE: Final = 1 << 30
_PATIENCE: Final = 10.0
_ASKED_ABOUT: Final = "twinfront.v1.ModelService/ListModels"


def check_ports(settings: Settings) -> list[Finding]:
    """Tries to listen where the server would."""
    places = {"--listen": settings.listen, "--metrics-listen": settings.metrics_listen}
    if settings.mtls_listen is not None:
        places["--mtls-listen"] = settings.mtls_listen
    return [_port(flag, place) for flag, place in places.items() if place != "none"]


def _port(flag: str, place: str) -> Finding:
    address = parse_place(place)
    if isinstance(address, UnixSocket):
        return _socket(flag, address)
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, target in found:
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(target)
    except OSError as error:
        return _taken(flag, place, error, "give an address that this machine has, and a port that the user may use")
    return Finding(flag, "ok", f"{place} is free")


def _socket(flag: str, place: UnixSocket) -> Finding:
    try:
        left = is_left_behind(place.path)
    except OSError as error:
        return _taken(flag, str(place), error, "give a path in a folder that the server's user may write to")
    return Finding(flag, "ok", f"{place} is free{', but for what a server left that was killed' if left else ''}")


def _taken(flag: str, place: str, error: OSError, advice: str) -> Finding:
    text = f"{place}: {error.strerror or error}"
    if error.errno == errno.EADDRINUSE:
        return Finding(flag, "warning", text, "nothing, if that is the server; else end what listens there")
    return Finding(flag, "failed", text, advice)


def check_engine(settings: Settings) -> list[Finding]:
    """Looks whether another engine than the usual one is there."""
    if settings.engine == "grpcio":
        return []
    try:
        require_engine(settings)
    except StartupError as error:
        return [Finding("--engine", "failed", str(error), "install it, or leave --engine grpcio")]
    return [Finding("--engine", "ok", f"{settings.engine} is installed")]


def check_certificate(settings: Settings) -> list[Finding]:
    """Reads the server's certificate as the server does."""
    if settings.tls_cert is None or settings.tls_key is None:
        return []
    from twinfront_server.tls import server_credentials  # noqa: PLC0415  (what reads certificates loads slowly)

    expiry = Gauge("expiry", "When it expires.", registry=CollectorRegistry())
    try:
        server_credentials(settings.tls_cert, settings.tls_key, settings.tls_client_ca, get_logger(), expiry)
    except StartupError as error:
        return [Finding("--tls-cert", "failed", str(error), "give a certificate and the key that belongs to it, PEM")]
    ends = datetime.fromtimestamp(next(iter(expiry.collect())).samples[0].value, UTC)
    left = ends - datetime.now(UTC)
    text = f"{settings.tls_cert} is good until {ends:%Y-%m-%d %H:%M} UTC"
    if left < timedelta():
        return [Finding("--tls-cert", "failed", f"{settings.tls_cert} expired on {ends:%Y-%m-%d}", "renew it")]
    if left < _RENEWAL:
        return [Finding("--tls-cert", "warning", text, "renew it")]
    return [Finding("--tls-cert", "ok", text)]


def check_data(settings: Settings) -> list[Finding]:
    """Looks whether the embedded service could write, and how much."""
    if settings.upstream != "local" or settings.data_dir == ":memory:":
        return []
    folder = Path(settings.data_dir)
    place = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    try:
        if not place.is_dir():
            raise NotADirectoryError(f"{place} is no folder")
        if not os.access(place, os.R_OK | os.W_OK | os.X_OK):
            raise PermissionError(f"{place} may not be written to")
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        return [Finding("--data-dir", "failed", str(error), "give a folder that the server's user may write to")]
    free = shutil.disk_usage(place).free
    text = f"{folder} can be written to, {free / (1 << 30):.1f} GiB are free"
    if free < _LITTLE_SPACE:
        return [Finding("--data-dir", "warning", text, "make space: a full disk takes no writes")]
    return [Finding("--data-dir", "ok", text)]


async def check_authentication(settings: Settings) -> list[Finding]:
    """Fetches the keys of tokens, if these are asked for."""
    if "jwt" not in settings.auth_kinds:
        return []
    try:
        async with open_authenticator(settings, Metrics(CollectorRegistry()), get_logger()):
            pass
    except StartupError as error:
        advice = "see whether the issuer is right, and can be reached from here"
        return [Finding("--auth", "failed", str(error), advice)]
    return [Finding("--auth", "ok", f"the keys of {settings.jwt_issuer} can be had")]


async def check_authorizer(settings: Settings) -> list[Finding]:
    """Asks the policy system about a caller that nobody is: any decision will do."""
    if settings.authorize is None:
        return []
    from twinfront_server.access import external_authorization  # noqa: PLC0415  (as above)
    from twinfront_server.access.authorizer import Question  # noqa: PLC0415  (as above)

    try:
        async with external_authorization.reaching(settings) as system:
            question = Question(Principal("twinfront-doctor", "anonymous"), _ASKED_ABOUT, {}, {}, "doctor")
            decision = await system.decide(question)
    except StartupError as error:
        return [Finding("--authorize-ca", "failed", str(error), "give the certificate of its authority, PEM")]
    if decision.outcome == "failed":
        advice = (
            "without it every call is refused: see whether it runs, and is reached at this port with this --authorize"
        )
        return [Finding("--authorize", "failed", f"{settings.authorize}: {decision.cause}", advice)]
    return [
        Finding("--authorize", "ok", f"{settings.authorize} decides (of a caller that nobody is: {decision.outcome})")
    ]


async def check_outcomes(settings: Settings) -> list[Finding]:
    """Asks the store of outcomes whether it is there."""
    if settings.outcomes == "memory":
        return []
    from twinfront_server.outcomes import redis_client  # noqa: PLC0415  (an extra)

    try:
        store = redis_client.RedisClient(settings, _PATIENCE)
        await store.connect()
        await store.close()
    except (*redis_client.FAILURES, StartupError) as error:
        advice = "without it the server serves, and a repeated write is known to the replica alone that did it"
        return [Finding("--outcomes", "failed", f"the store does not answer: {str(error) or 'in time'}", advice)]
    return [Finding("--outcomes", "ok", "the store answers")]
