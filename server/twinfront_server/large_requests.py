"""Work that takes as long as a request is large: what would hold the event loop up is done on a thread.

To hand work to a thread costs some 100 µs, more than most requests take in all, so that small ones stay in the loop.
The interpreter lets the loop go on between the steps of Python code on a thread, but not during a single call into C,
of which those on the largest message take some 20 ms.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from google.protobuf.message import Message

from twinfront_server.call import current_call

T = TypeVar("T")

LARGE_BYTES: Final = 128 * 1024
"""Four digital twins of the largest size; work on so many bytes takes some milliseconds."""


def is_large() -> bool:
    """Tells whether work on the whole request of the current call takes long."""
    return current_call().request_bytes > LARGE_BYTES


async def are_large(parts: Sequence[Message]) -> Sequence[bool]:
    """Tells of each part of the current call's request whether work on it takes long."""
    if not is_large():
        return [False] * len(parts)
    return await work(lambda: [part.ByteSize() > LARGE_BYTES for part in parts], large=True)


async def work(make: Callable[[], T], *, large: bool) -> T:
    """Does work and gives what it makes, or raises what it raises; large work runs on a thread."""
    return await asyncio.to_thread(make) if large else make()
