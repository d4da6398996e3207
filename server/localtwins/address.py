"""Addresses to listen on: `host:port` or `[ipv6]:port`."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from localtwins.errors import StartupError

_END_OF_PORTS: Final = 2**16


@dataclass(frozen=True, slots=True)
class Address:
    """A host, without the brackets of IPv6, and a port; port 0 stands for any free one."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str, flag: str) -> "Address":
        """Reads the value of a flag.

        Raises:
            StartupError: it is no address.
        """
        host, _, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not host or not (port.isascii() and port.isdigit() and int(port) < _END_OF_PORTS):
            raise StartupError(f"{flag} must be host:port, such as 127.0.0.1:8443, and not {text!r}.")
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

    def reachable(self) -> "Address":
        """Gives the address to connect to from this machine: loopback, where this one stands for all addresses."""
        return Address("::1" if ":" in self.host else "127.0.0.1", self.port) if self.is_wildcard else self

    def url(self, scheme: str, port: int | None = None) -> str:
        """Gives the URL of a server there, with the port that it really has."""
        return f"{scheme}://{Address(self.host, self.port if port is None else port)}"

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def as_ip(host: str) -> IPv4Address | IPv6Address | None:
    """Gives the IP address that a host is written as, or none for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None
