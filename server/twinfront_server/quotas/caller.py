"""Tells callers apart: by their principal, or by where they call from if nobody asks who they are."""

from typing import TypeAlias

from twinfront_server.access.principal import ANONYMOUS, Principal

Caller: TypeAlias = tuple[str, str]
"""How it became known and by what name."""


def caller_of(principal: Principal, peer: str) -> Caller:
    """Gives the caller whose quota a call uses.

    An anonymous one is the host that it calls from, so that more connections do not make more callers. All that comes
    through one proxy is then one caller; authentication tells them apart.

    Args:
        principal: who calls.
        peer: the other end of the connection in grpc's words: `ipv4:10.0.0.7:40312`, `ipv6:%5B::1%5D:40312`, `unix:`.
    """
    if principal is not ANONYMOUS:
        return principal.source, principal.name
    host, _, _port = peer.rpartition(":")
    return "peer", peer if peer.startswith("unix:") else host
