"""Fetches the keys of tokens: from a file, from a URL, or from where the issuer's discovery document says they are."""

import asyncio
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

import aiohttp

from twinfront_program.trusted_url import is_trusted
from twinfront_server.access.key_set import KeySet, json_object

FETCH_SECONDS: Final = 5.0
"""The longest time of one request for keys, connecting included."""

MAX_DOCUMENT: Final = 256 << 10
"""Bytes of the largest set of keys, or discovery document, that is read."""

_DISCOVERY: Final = "/.well-known/openid-configuration"


class KeysUnavailableError(Exception):
    """The keys cannot be had; the text says from where, and what is wrong."""


class KeySource(Protocol):
    """Has keys, wherever they come from."""

    async def read(self) -> KeySet:
        """Gives the keys as they are now.

        Raises:
            KeysUnavailableError: they cannot be had.
        """


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A file with a JSON Web Key Set."""

    path: Path

    async def read(self) -> KeySet:
        """Gives the keys that are in the file."""
        try:
            data = await asyncio.to_thread(_beginning, self.path)
        except OSError as error:
            raise KeysUnavailableError(f"{self.path} cannot be read: {error.strerror or error}") from error
        return _parsed(str(self.path), data)


@dataclass(frozen=True, slots=True)
class KeyUrl:
    """A URL that answers with a JSON Web Key Set."""

    url: str

    async def read(self) -> KeySet:
        """Gives the keys that are there."""
        return _parsed(self.url, await _fetched(self.url))


@dataclass(frozen=True, slots=True)
class DiscoveredKeys:
    """An issuer, whose discovery document (OpenID Connect) says where its keys are."""

    issuer: str

    async def read(self) -> KeySet:
        """Gives the keys that are where the issuer says; it may say something else next time."""
        url = self.issuer.removesuffix("/") + _DISCOVERY
        try:
            document = json_object(await _fetched(url))
        except ValueError as error:
            raise KeysUnavailableError(f"{url} {error}") from error
        if document.get("issuer") != self.issuer:
            raise KeysUnavailableError(
                f'{url} is of another issuer: its "issuer" is {document.get("issuer")!r:.200}, and not {self.issuer!r}'
            )
        keys_url = document.get("jwks_uri")
        if not isinstance(keys_url, str) or not is_trusted(keys_url):
            raise KeysUnavailableError(f'{url} has no "jwks_uri" that is an https:// URL: it has {keys_url!r:.200}')
        return await KeyUrl(keys_url).read()


def _beginning(path: Path) -> bytes:
    """Reads the bytes of a file, one more than there may be."""
    with path.open("rb") as file:
        return file.read(MAX_DOCUMENT + 1)


def _parsed(place: str, data: bytes) -> KeySet:
    try:
        _require_small(data)
        return KeySet.parse(data)
    except ValueError as error:
        raise KeysUnavailableError(f"{place} {error}") from error


def _require_small(data: bytes | bytearray) -> None:
    if len(data) > MAX_DOCUMENT:
        raise ValueError(f"is larger than {MAX_DOCUMENT} bytes")


async def _fetched(url: str) -> bytes:
    """Fetches what a URL answers. No redirect is followed: whoever can make one could have other keys taken."""
    # Proxies of the environment lead out of here, and not back to this machine.
    outside = urlsplit(url).scheme == "https"
    timeout = aiohttp.ClientTimeout(total=FETCH_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=outside) as session,
            session.get(url, allow_redirects=False, headers={"Accept": "application/json"}) as response,
        ):
            if response.status != 200:  # noqa: PLR2004  (OK)
                raise KeysUnavailableError(f"{url} answers with status {response.status}, and not with 200")
            data = bytearray()
            async for chunk in response.content.iter_any():
                data += chunk
                _require_small(data)
            return bytes(data)
    except TimeoutError as error:
        raise KeysUnavailableError(f"{url} did not answer within {FETCH_SECONDS:g} s") from error
    except (aiohttp.ClientError, OSError, ssl.SSLError) as error:
        raise KeysUnavailableError(f"{url} cannot be reached: {error}") from error
    except ValueError as error:
        raise KeysUnavailableError(f"{url} {error}") from error
