"""Does for threads what each client does in its own way; `_for_asyncio` has the same names for asyncio."""

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import grpc

from twinfront._calls import Request, Response

Item = TypeVar("Item")

if TYPE_CHECKING:

    class CallError(grpc.RpcError):
        """Tells the status of a call that failed."""

        def trailing_metadata(self) -> tuple[tuple[str, str | bytes], ...]: ...  # type: ignore[override]  # as it is

else:
    CallError = grpc.RpcError

CallEnded: Final = grpc.FutureCancelledError
"""Ends the answers of a call that was cancelled on this side; never raised, as it has a status like any other."""

Interceptor: TypeAlias = (
    grpc.UnaryUnaryClientInterceptor
    | grpc.UnaryStreamClientInterceptor
    | grpc.StreamUnaryClientInterceptor
    | grpc.StreamStreamClientInterceptor
)
"""Sees each attempt at a call."""

sleep: Final = time.sleep


def open_channel(
    target: str,
    credentials: grpc.ChannelCredentials | None,
    arguments: Sequence[tuple[str, Any]],
    interceptors: Sequence[Interceptor],
) -> grpc.Channel:
    """Opens a channel, in the clear if there are no credentials; it connects when it is used."""
    if credentials is None:
        channel = grpc.insecure_channel(target, arguments)
    else:
        channel = grpc.secure_channel(target, credentials, arguments)
    return grpc.intercept_channel(channel, *interceptors)


def answer(
    method: "grpc.UnaryUnaryMultiCallable[Request, Response]", request: Request, **how: Any
) -> tuple[Response, grpc.Call]:
    """Sends a request; gives the answer, and the call to ask for its trailers."""
    return method.with_call(request, **how)


def awaited(value: Item) -> Item:
    """Gives what a function of the caller's returned."""
    return value


def each(items: Iterable[Item]) -> Iterator[Item]:
    """Goes through what the caller gave."""
    return iter(items)


class Ending:
    """Keeps the status with which a call ended; grpc does so itself."""

    def __init__(self, call: grpc.Call) -> None:
        pass

    def true(self, error: CallError) -> CallError:
        """Gives the error that the server meant."""
        return error
