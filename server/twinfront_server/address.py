"""Addresses to listen on: `host:port`."""

import ipaddress
from dataclasses import dataclass
from typing import Final

_MAX_PORT: Final = 65535
_UNSPECIFIED: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  (recognised here, bound nowhere)


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
        if not colon or not port.isascii() or not port.isdigit() or int(port) > _MAX_PORT:
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

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Tells whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def with_port(self, port: int) -> "Address":
        """The same host with another port."""
        return Address(self.host, port)

    def reachable(self) -> "Address":
        """The address to connect to from this machine: loopback, where this one stands for all interfaces."""
        return Address(_UNSPECIFIED.get(self.host, self.host), self.port)
