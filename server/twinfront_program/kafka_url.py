"""Reads where a Kafka topic is: `kafka://HOST:PORT[,HOST:PORT]/TOPIC`, and `kafkas://` over TLS.

Brokers that ask who is there are given a user and a password (SASL PLAIN), which may be in the URL as in any other:
`kafkas://user:password@broker:9093/twins`.
"""

import re
import ssl
from dataclasses import dataclass, field
from typing import Any, Final, Self
from urllib.parse import unquote

from twinfront_program.address import Address

FORM: Final = "kafka://HOST:PORT[,HOST:PORT…]/TOPIC, or kafkas://… over TLS"

PREFIXES: Final = ("kafka:", "kafkas:")
"""How what is meant as such a URL begins."""

_SCHEMES: Final = {"kafka": False, "kafkas": True}
_TOPIC: Final = re.compile(r"[A-Za-z0-9._-]{1,249}")
_MAX_LENGTH: Final = 8192


@dataclass(frozen=True, slots=True)
class KafkaUrl:
    """A topic, and the way to it.

    Attributes:
        servers: brokers to begin with, `HOST:PORT` each.
        topic: its name.
        tls: whether connections are encrypted.
        user: who asks; empty if brokers do not want to know.
        password: what proves it.
    """

    servers: tuple[str, ...]
    topic: str
    tls: bool
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads a URL.

        Raises:
            ValueError: it is none; the text does not repeat it, since there may be a password in it.
        """
        scheme, separator, rest = text.partition("://")
        place, slash, topic = rest.rpartition("/")
        credentials, at, servers = place.rpartition("@")
        if not separator or not slash or scheme not in _SCHEMES or len(text) > _MAX_LENGTH:
            raise ValueError(f"a Kafka topic is {FORM}")
        if not _TOPIC.fullmatch(topic) or topic in {".", ".."}:
            raise ValueError("the URL names no topic: a name has letters, digits, '.', '_' and '-', at most 249")
        user, _, password = credentials.partition(":")
        if at and not user:
            raise ValueError("the URL has an @ and no user before it")
        return cls(
            servers=tuple(_server(server) for server in servers.split(",")),
            topic=topic,
            tls=_SCHEMES[scheme],
            user=unquote(user),
            password=unquote(password),
        )

    def client_options(self, tls: ssl.SSLContext | None = None) -> dict[str, Any]:
        """Gives the options by which a client of aiokafka reaches the brokers, and shows who asks.

        Args:
            tls: what certificates are checked with, if connections are encrypted; by default the system's trust.
        """
        protocol = "SSL" if self.tls else "PLAINTEXT"
        options: dict[str, Any] = {
            "bootstrap_servers": list(self.servers),
            "security_protocol": f"SASL_{protocol}" if self.user else protocol,
        }
        if self.tls:
            options["ssl_context"] = tls or ssl.create_default_context()
        if self.user:
            options |= {"sasl_plain_username": self.user, "sasl_plain_password": self.password}
        return options

    def __str__(self) -> str:
        """Gives the URL without user and password."""
        return f"{'kafkas' if self.tls else 'kafka'}://{','.join(self.servers)}/{self.topic}"


def _server(text: str) -> str:
    try:
        address = Address.parse(text)
    except ValueError:
        raise ValueError("a broker of the URL is no HOST:PORT") from None
    if not address.host or not address.port:
        raise ValueError("a broker of the URL is no HOST:PORT")
    return str(address)
