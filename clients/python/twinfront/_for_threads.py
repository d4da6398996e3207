"""Does for threads what each client does in its own way; `_for_asyncio` has the same names for asyncio."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
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


class Signal:
    """Is given once, and waited for, in any thread."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def is_set(self) -> bool:
        """Tells whether it was given."""
        return self._event.is_set()

    def set(self) -> None:
        """Gives it."""
        self._event.set()

    def wait(self, seconds: float | None) -> bool:
        """Waits for it, for so long at the most; tells whether it was given."""
        return self._event.wait(seconds)


class Stop(Signal):
    """Ends a stream that goes on for ever, be it read from, or in a pause between two attempts; from any thread."""

    def __init__(self) -> None:
        super().__init__()
        self._call: grpc.Call | None = None

    def set(self) -> None:
        """Ends the stream."""
        super().set()
        if self._call is not None:
            self._call.cancel()

    def holds(self, call: grpc.Call) -> None:
        """Notes the call that brings the stream at present; ends it if the stream has ended meanwhile."""
        self._call = call
        if self.is_set():
            call.cancel()


class Background:
    """Runs in a thread beside the program, until it ends by itself or the program does."""

    def __init__(self, run: Callable[[], None]) -> None:
        self._thread = threading.Thread(target=run, name="twinfront", daemon=True)
        self._thread.start()

    def ended(self) -> None:
        """Waits until it has ended; returns at once to the one that runs in it."""
        if self._thread is not threading.current_thread():
            self._thread.join()
