"""The job of a process that calls, and what the process tells of it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from workload import PROPERTIES


@dataclass(frozen=True)
class Job:
    """Calls for some time.

    Attributes:
        path: by which way: raw gRPC, the client, an SDK, HTTP.
        address: where to, as that way writes it.
        operation: what is asked for.
        callers: how many call at a time, one call after the other each.
        ca: the file with the authority of an HTTPS upstream.
        token: a bearer token to send.
        properties: how many the twins have.
    """

    path: str
    address: str
    operation: str
    callers: int = 1
    seconds: float = 1.0
    ca: str = ""
    token: str = ""
    properties: int = PROPERTIES


@dataclass(frozen=True)
class Done:
    """Tells of each call its microseconds; of all the rows or items, the time, and the caller's processor time."""

    latencies: list[int]
    units: int
    seconds: float
    processor: float = 0.0


Call: TypeAlias = Callable[[int], Awaitable[int]]
"""Makes a call, other than that of any other number; gives how many rows or items it had."""
BlockingCall: TypeAlias = Callable[[int], int]
Open: TypeAlias = Callable[[Job], Awaitable[Mapping[str, Any]]]
"""Opens a way to call; gives the operations by their names, each a `Call` or a `BlockingCall`."""
