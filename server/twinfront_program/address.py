"""Addresses to listen on: `host:port`, `[ipv6]:port`, or the Unix socket `unix:/path`."""

import os
import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import ClassVar, Final, TypeAlias

_PORT: Final = re.compile(r"\d{1,5}", re.ASCII)
_MAX_PORT: Final = 65535
_UNIX: Final = "unix:"
_MAX_PATH: Final = 103
"""Bytes of the path of a Unix socket that every system takes: macOS has the fewest, Linux 107."""


@dataclass(frozen=True, slots=True)
class Address:
    """A host, without the brackets of IPv6, and a port; port 0 stands for any free one."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Reads `127.0.0.1:50051`, `localhost:0` or `[::1]:50051`.

        Raises:
            ValueError: if it is none of these.
        """
        host, colon, port = text.rpartition(":")
        if not colon or not _PORT.fullmatch(port) or int(port) > _MAX_PORT:
            raise ValueError(
                f"{text!r} is no address to listen on; it takes the form host:port, such as 127.0.0.1:50051"
            )
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
        elif ":" in host:
            raise ValueError(f"{text!r} is no address to listen on; IPv6 goes in brackets, such as [::1]:50051")
        if not host:
            raise ValueError(f"{text!r} names no host; to listen on all interfaces write 0.0.0.0:{port} or [::]:{port}")
        return cls(host, int(port))

    @property
    def is_loopback(self) -> bool:
        """Tells whether only this machine can reach it."""
        address = as_ip(self.host)
        return self.host.lower() == "localhost" if address is None else address.is_loopback

    @property
    def is_wildcard(self) -> bool:
        """Tells whether it stands for all addresses of the machine."""
        address = as_ip(self.host)
        return address is not None and address.is_unspecified

    def with_port(self, port: int) -> "Address":
        """Gives the same host with another port."""
        return Address(self.host, port)

    def reachable(self) -> "Address":
        """Gives the address to connect to from this machine: loopback, where this one stands for all addresses."""
        return Address("::1" if ":" in self.host else "127.0.0.1", self.port) if self.is_wildcard else self

    def url(self, scheme: str) -> str:
        """Gives the URL of a server there."""
        return f"{scheme}://{self}"

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class UnixSocket:
    """A Unix socket, by the path of its file: reached by what runs on this machine and may write to that file."""

    path: str

    is_loopback: ClassVar[bool] = True
    is_wildcard: ClassVar[bool] = False

    @classmethod
    def parse(cls, text: str) -> "UnixSocket":
        """Reads `unix:/run/twinfront.sock`, `unix:///run/twinfront.sock` or `unix:in-this-folder.sock`.

        Raises:
            ValueError: if it is none of these, or the path is longer than systems take.
        """
        scheme, _, path = text.partition(":")
        if path.startswith("//"):
            path = path.removeprefix("//")
            if not path.startswith("/"):
                raise ValueError(f"{text!r} has no path after {_UNIX}//, which is to begin with a slash")
        if scheme != "unix" or not path or path.endswith("/") or "\0" in path:
            raise ValueError(f"{text!r} is no Unix socket; it takes the form unix:/run/twinfront.sock")
        if len(os.fsencode(path)) > _MAX_PATH:
            raise ValueError(f"the path of a Unix socket has at most {_MAX_PATH} bytes: {path[:_MAX_PATH]!r}…")
        return cls(path)

    def reachable(self) -> "UnixSocket":
        """Gives where to connect to from this machine: the same."""
        return self

    def __str__(self) -> str:
        return f"{_UNIX}{self.path}"


Place: TypeAlias = Address | UnixSocket
"""An address or a Unix socket that a server listens on."""


def parse_place(text: str) -> Place:
    """Reads an address, or a Unix socket, which begins with `unix:`.

    Raises:
        ValueError: if it is neither.
    """
    return UnixSocket.parse(text) if text.startswith(_UNIX) else Address.parse(text)


def as_ip(host: str) -> IPv4Address | IPv6Address | None:
    """Gives the IP address that a host is written as, or none for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None
