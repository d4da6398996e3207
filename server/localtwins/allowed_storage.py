"""Restricts jobs to blobs below the storage accounts and URLs that the operator names.

URLs are compared by what they mean and not as texts: scheme, host, port, and the path segment by segment. What can be
read in two ways, such as `https://allowed@other/` or `/allowed/%2E%2E/other`, is no blob's URL here.
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, quote, unquote, urlsplit

SCHEMES: Final = frozenset({"https", "http"})
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}
_LONGEST_URL: Final = 8192
_ACCOUNT: Final = re.compile(r"[a-z0-9]{3,24}")
_HOST: Final = re.compile(r"[a-z0-9_.-]{1,253}")
"""Names in ASCII only: others have several spellings, all of which a comparison would have to know."""
_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_UNSAFE: Final = re.compile(r"[\x00-\x20\x7f\\]")


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a storage service; `segments` are those of the path, percent-decoded."""

    scheme: str
    host: str
    port: int
    segments: tuple[str, ...]

    @classmethod
    def parse(cls, url: str) -> "Location":
        """Reads a URL without its query.

        Raises:
            ValueError: its text says what is wrong.
        """
        if len(url) > _LONGEST_URL:
            raise ValueError(f"It is longer than {_LONGEST_URL} characters.")
        if _UNSAFE.search(url):
            raise ValueError("White space, control characters and backslashes must be percent-encoded.")
        parts = urlsplit(url)
        if parts.scheme not in SCHEMES:
            raise ValueError("The scheme must be https or http.")
        if "@" in parts.netloc or "#" in url:
            raise ValueError("It must have no user, no password and no fragment.")
        port = parts.port if parts.port is not None else _DEFAULT_PORTS[parts.scheme]
        return cls(parts.scheme, _host(parts), port, _segments(parts.path))

    def covers(self, other: "Location") -> bool:
        """Tells whether another place is this one or below it."""
        return (self.scheme, self.host, self.port) == (other.scheme, other.host, other.port) and (
            self.segments == other.segments[: len(self.segments)]
        )

    def url(self) -> str:
        """Writes it in the one form that everybody reads alike."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}/{'/'.join(quote(segment, safe='') for segment in self.segments)}"


class AllowedStorage:
    """Knows the places that jobs may use."""

    def __init__(self, places: Iterable[Location]) -> None:
        self._places = tuple(places)

    @classmethod
    def parse(cls, items: Iterable[str]) -> "AllowedStorage":
        """Reads storage accounts and URLs.

        Raises:
            ValueError: its text names the item that is neither.
        """
        return cls(_place(item) for item in items)

    def has(self, location: Location) -> bool:
        """Tells whether jobs may use a place."""
        return any(place.covers(location) for place in self._places)


def _place(item: str) -> Location:
    if _ACCOUNT.fullmatch(item):
        return Location("https", f"{item}.blob.core.windows.net", _DEFAULT_PORTS["https"], ())
    if "://" not in item:
        raise ValueError(f"{item!r} is neither the name of a storage account nor a URL")
    if "?" in item:
        raise ValueError(f"{item.partition('?')[0]!r} must have no query")
    try:
        return Location.parse(item.rstrip("/"))
    except ValueError as error:
        raise ValueError(f"{item!r} cannot be the URL of storage: {error}") from None


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    bracketed, _, port = parts.netloc.partition("]")
    if bracketed.startswith("[") and port[:1] in {"", ":"}:
        return ipaddress.IPv6Address(host).compressed
    if not _HOST.fullmatch(host):
        raise ValueError("The host must be a name in ASCII (xn--… for others) or an IP address.")
    return host


def _segments(path: str) -> tuple[str, ...]:
    """Gives the segments; `%2F` parts them too, as it does for the service.

    Raises:
        ValueError: its text says what is wrong.
    """
    if _PERCENT.search(path):
        raise ValueError("A percent sign must be written %25.")
    try:
        decoded = unquote(path, errors="strict")
    except UnicodeDecodeError:
        raise ValueError("The path must be percent-encoded UTF-8.") from None
    segments = tuple(decoded[1:].split("/")) if decoded.strip("/") else ()
    if any(segment in {"", ".", ".."} or "\\" in segment or not segment.isprintable() for segment in segments):
        raise ValueError("The path must have no empty segments, no dot segments and no control characters.")
    return segments
