"""Tells what the server says of a call beside its answer."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import grpc

from twinfront.errors import trailer


@dataclass(frozen=True, slots=True)
class CallInfo:
    """Tells the figures of one attempt at a call, as the client's `on_call` gets them."""

    method: str
    """The RPC's name: `GetDigitalTwin`."""
    code: grpc.StatusCode
    """How the attempt ended."""
    call_id: str
    """The id under which the server logged the call; empty if it did not get there."""
    upstream_milliseconds: float | None
    """How long the server waited for Azure Digital Twins, all attempts together; None if the server did not say."""
    upstream_attempts: int | None
    """How many requests the server sent there; None if the server did not say."""
    attempt: int = 1
    """The number of the attempt at the call, from 1; of a stream that broke and was gone on with, that of the part."""
    server_milliseconds: float | None = None
    """How long the server had the call without waiting for Azure Digital Twins; None if the server did not say."""

    @classmethod
    def from_trailers(
        cls,
        method: str,
        code: grpc.StatusCode,
        trailers: Iterable[tuple[str, str | bytes]] | None,
        *,
        attempt: int = 1,
    ) -> Self:
        """Reads the figures in the trailing metadata of a call."""
        milliseconds = trailer(trailers, "twinfront-upstream-ms")
        attempts = trailer(trailers, "twinfront-upstream-attempts")
        return cls(
            method=method,
            code=code,
            call_id=trailer(trailers, "twinfront-call-id"),
            upstream_milliseconds=_number(milliseconds),
            upstream_attempts=int(attempts) if attempts.isascii() and attempts.isdecimal() else None,
            attempt=attempt,
            server_milliseconds=_number(trailer(trailers, "twinfront-server-ms")),
        )


def _number(text: str) -> float | None:
    """Reads a figure; None for what is none, since a call that succeeded does not fail for its trailers."""
    try:
        return float(text)
    except ValueError:
        return None
