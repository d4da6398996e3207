"""Reads the address that a client connects to, and how it secures and keeps the connection."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, TypeAlias

import grpc

from twinfront._service_config import channel_service_config

Pem: TypeAlias = bytes | str | os.PathLike[str]
"""PEM text, or the path of a file that holds it."""

_OPTIONS: Final[Mapping[str, Any]] = {
    # After an outage of whatever length the server is found again within seconds.
    "grpc.max_reconnect_backoff_ms": 5_000,
    # Half a minute between pings finds a dead connection before the default timeout of a read; the server takes one
    # each 20 s.
    "grpc.keepalive_time_ms": 30_000,
    "grpc.keepalive_timeout_ms": 15_000,
    "grpc.keepalive_permit_without_calls": 1,
    "grpc.http2.max_pings_without_data": 0,
    # A page of 1000 models with their definitions is larger than the 4 MiB that are the default.
    "grpc.max_receive_message_length": 16 * 1024 * 1024,
    # Details of errors travel as trailing metadata, of which gRPC takes 8 KiB unless told otherwise.
    "grpc.max_metadata_size": 64 * 1024,
    "grpc.absolute_max_metadata_size": 64 * 1024,
}


@dataclass(frozen=True, slots=True)
class TlsConfig:
    """Says how a client uses TLS: `TlsConfig(ca="ca.pem", cert="client.pem", key="client-key.pem")`."""

    ca: Pem | None = None
    """The certificates of the authorities that may vouch for the server; gRPC's own list if None."""
    cert: Pem | None = None
    """The client's certificate chain, for servers that ask for one (mTLS)."""
    key: Pem | None = field(default=None, repr=False)
    """The private key of `cert`."""
    server_name: str | None = None
    """The name that the server's certificate has to bear, if it is not the one in the target."""

    def __post_init__(self) -> None:
        if (self.cert is None) != (self.key is None):
            raise ValueError("cert and key go together: a TlsConfig has both or none")

    def credentials(self) -> grpc.ChannelCredentials:
        """Makes the channel credentials; OSError if a file cannot be read."""
        return grpc.ssl_channel_credentials(
            root_certificates=_pem(self.ca), private_key=_pem(self.key), certificate_chain=_pem(self.cert)
        )


def channel_credentials(
    target: str, *, tls: TlsConfig | bool, has_token: bool, insecure: bool
) -> grpc.ChannelCredentials | None:
    """Makes the credentials to connect to `target` with, or None to connect in the clear.

    Raises:
        ValueError: Calls, or a token, would travel in the clear without having been allowed to.
    """
    if tls:
        if insecure:
            raise ValueError("tls and insecure exclude each other")
        return (tls if isinstance(tls, TlsConfig) else TlsConfig()).credentials()
    loopback = is_loopback(target)
    if not loopback and not insecure:
        raise ValueError(f"{target} is not on this machine: use tls, or insecure to talk in the clear")
    if has_token and not loopback:
        raise ValueError(f"a token does not travel to {target} in the clear: use tls")
    if has_token and not insecure:
        raise ValueError("a token travels in the clear only on this machine and if insecure says so: else use tls")
    return None


def channel_options(
    target: str, options: Mapping[str, Any], *, tls: TlsConfig | bool, retry: bool = True
) -> list[tuple[str, Any]]:
    """Gives the channel arguments: the client's own, overridden by the caller's.

    In the clear, and on this machine, the proxy that the environment names (`http_proxy`) is passed by: gRPC would ask
    it for loopback too, and what the tunnel then carries, token and all, is readable there.
    """
    merged = {
        **_OPTIONS,
        "grpc.enable_retries": int(retry),
        "grpc.enable_http_proxy": int(bool(tls) and not is_loopback(target)),
        "grpc.service_config": channel_service_config(),
        "grpc.primary_user_agent": f"twinfront-python/{version('twinfront')}",
    }
    if isinstance(tls, TlsConfig) and tls.server_name is not None:
        merged["grpc.ssl_target_name_override"] = tls.server_name
    return list({**merged, **options}.items())


def is_loopback(target: str) -> bool:
    """Tells whether a gRPC target (`host:port`, `dns:///host:port`, `ipv4:…`, `unix:…`) is on this machine for sure.

    An authority, as in `dns://192.0.2.1/localhost`, names another name server, which says where "localhost" is.
    """
    scheme, colon, rest = target.partition(":")
    if colon and scheme in {"unix", "unix-abstract"}:
        return True
    if scheme in {"dns", "ipv4", "ipv6"}:
        target = rest.removeprefix("//" if rest.startswith("///") else "").removeprefix("/")
        if "/" in target:
            return False
    return all(_is_loopback_host(_host(address)) for address in target.split(","))


def bearer(token: str) -> tuple[str, str]:
    """Makes the metadata that presents a token; ValueError, without the token, if it cannot be one."""
    if not token or not token.isascii() or any(character.isspace() for character in token):
        raise ValueError("the token is empty, or has characters that no bearer token has")
    return ("authorization", f"Bearer {token}")


def _host(address: str) -> str:
    """Finds the host in `host`, `host:port`, `[v6]:port` or a bare IPv6 address."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    host, _, port = address.rpartition(":")
    return host if host and ":" not in host and port.isdecimal() else address


def _is_loopback_host(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _pem(pem: Pem | None) -> bytes | None:
    if isinstance(pem, str) and pem.lstrip().startswith("-----BEGIN "):
        return pem.encode()  # taken for a path, a private key would end up in the message of the error
    return pem if pem is None or isinstance(pem, bytes) else Path(pem).read_bytes()
