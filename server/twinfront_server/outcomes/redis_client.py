"""Connects to Redis or Valkey; the one module that imports the library, which an extra brings."""

from pathlib import Path
from typing import Final

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from twinfront_program.startup_error import StartupError
from twinfront_server.settings import Settings

FAILURE: Final = RedisError
"""The exception of failing commands, besides those of the network."""

_CONNECTIONS: Final = 32


def connect(settings: Settings) -> Redis:
    """Makes the client of the store that the settings name; it connects when it is first asked something.

    Raises:
        StartupError: if a certificate cannot be read.
    """
    pool = BlockingConnectionPool.from_url(
        settings.outcomes,
        max_connections=_CONNECTIONS,
        # Who asks has a time limit of its own, around all of this.
        timeout=None,
        socket_timeout=None,
        socket_connect_timeout=None,
        retry=Retry(NoBackoff(), 0),
        **_tls(settings),
    )
    return Redis.from_pool(pool)


def _tls(settings: Settings) -> dict[str, str]:
    files = {
        "ssl_ca_certs": ("--outcomes-ca", settings.outcomes_ca),
        "ssl_certfile": ("--outcomes-cert", settings.outcomes_cert),
        "ssl_keyfile": ("--outcomes-key", settings.outcomes_key),
    }
    return {option: _readable(flag, path) for option, (flag, path) in files.items() if path is not None}


def _readable(flag: str, path: str) -> str:
    try:
        Path(path).read_bytes()
    except OSError as error:
        raise StartupError(f"{flag}: {path} cannot be read: {error.strerror}") from error
    return path
