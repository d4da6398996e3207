"""The engine of `--engine native`: gRPC in Rust, in place of grpcio's server, for services and links as they are.

It is the package pygrpc-native, of exactly one version, since what is put right here is put right by its inner names:

a drain           takes its time and can be cut short; the engine's own cannot, and answers untyped while it lasts
the status        goes out without the trailers that the engine refuses, where it would never answer the call
a stream          lets other calls on after each message, ends when its caller is gone, and holds none of the event
                  loop's threads while it waits for a slow one
a call given up   before it was begun is forgotten
a lost caller     of a stream of requests, of whom the engine does not always tell, costs no more than the time that a
                  connection has
a deadline        that a caller did not give is none
the end           waits for the engine's thread, which would abort the process if the interpreter ended before it
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, Final

import grpc
import grpc.aio
from pygrpc_native import EVENT_CANCEL, STREAM_CLOSED, STREAM_FULL, NativeGrpcFront
from pygrpc_native.aio import Server, _Context

from twinfront_program.startup_error import StartupError

_RESERVED: Final = "grpc-"
_SENT: Final = "grpc-status-details-bin"
"""The keys that begin like this are gRPC's own: the engine refuses all but one, `grpc-retry-pushback-ms` among them."""

_SHORTEST_LOOK: Final = 0.001
_LONGEST_LOOK: Final = 0.05
"""Seconds between two looks whether a caller has read on: a fast one waits little, and many slow ones cost little."""

_LOG: Final = logging.getLogger(__name__)


class _NativeContext(_Context):
    """A context that says of a call without a deadline that it has none, as grpcio's does."""

    def time_remaining(self) -> float | None:  # type: ignore[override]  # the engine gives a number too large to matter
        return None if self._call.deadline is None else super().time_remaining()


class NativeServer(Server):
    """A `grpc.aio.Server` of the engine's, with what is missing of the behaviour of grpcio's.

    Args:
        interceptor: what all calls go through.
        options: those of grpcio.
        handed_on_options: further ones of the server of grpcio's that streams of requests are handed on to.
    """

    def __init__(
        self,
        interceptor: grpc.aio.ServerInterceptor,
        options: Sequence[tuple[str, Any]],
        handed_on_options: Sequence[tuple[str, Any]],
    ) -> None:
        super().__init__(interceptors=[interceptor], options=options)
        self._handed_on_options = handed_on_options
        self._hasten = asyncio.Event()
        self._dispatcher: Future[threading.Thread] = Future()

    async def start(self) -> None:
        """Starts serving.

        Raises:
            StartupError: if the socket for calls that the engine leaves to grpcio cannot be had.
        """
        try:
            await super().start()
        except (OSError, RuntimeError) as error:
            raise StartupError(
                f"--engine native needs a socket in the folder for temporary files (TMPDIR): {error}"
            ) from error

    async def stop(self, grace: float | None) -> None:
        """Cancels what is in flight, and returns when all has ended: after the grace, or when called without one."""
        if grace is None:
            self._hasten.set()
        else:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hasten.wait(), grace)
        await super().stop(None)
        if self._started:
            await asyncio.to_thread(lambda: self._dispatcher.result().join())

    async def _start_fallback(self, *handlers: Any) -> None:
        self._options += self._handed_on_options
        await super()._start_fallback(*handlers)

    @property
    def _native(self) -> NativeGrpcFront:
        """Gives the part in Rust, which is there as soon as there is a port."""
        assert self._front is not None  # noqa: S101  (tells the type)
        return self._front

    def _dispatch(self) -> None:
        self._dispatcher.set_result(threading.current_thread())
        super()._dispatch()

    def _on_events(self, events: list[tuple[Any, ...]]) -> None:
        super()._on_events(events)
        for kind, call_id, *_ in events:
            call = self._calls.get(call_id) if kind == EVENT_CANCEL else None
            if call is not None and call.task is not None:
                # A task that is cancelled before its first step never gets to where the engine forgets its call.
                call.task.add_done_callback(partial(self._forget, call_id))

    def _forget(self, call_id: int, _task: asyncio.Task[None]) -> None:
        self._calls.pop(call_id, None)

    async def _run(self, call: Any, payload: bytes) -> None:
        context = _NativeContext(self, call)
        try:
            if not await self._intercept(call):
                return
            is_read, request = self._request(call, payload)
            if is_read:
                await (self._run_stream if call.streaming else self._run_unary)(call, context, request)
        except asyncio.CancelledError:
            if not call.cancelled and not self._stopping:
                self._fail_untyped(call, grpc.StatusCode.CANCELLED, "Cancelled")
        except Exception:  # noqa: BLE001  (whatever it is, a call that is not answered is waited for for ever)
            _LOG.exception("a call could not be answered")
            self._fail_untyped(call, grpc.StatusCode.INTERNAL, "The server failed.")
        finally:
            self._calls.pop(call.call_id, None)
            call.finish(context)

    def _fail_untyped(self, call: Any, code: grpc.StatusCode, text: str) -> None:
        self._native.fail(call.call_id, code.value[0], text)

    def _fail(self, call: Any, context: Any, details: str | None) -> None:
        context.set_trailing_metadata(
            [each for each in context.trailing_metadata() if each[0] == _SENT or not each[0].startswith(_RESERVED)]
        )
        super()._fail(call, context, details)

    async def _send(self, call: Any, context: Any, response: Any) -> bool:
        data = self._encode(call, context, response)
        if data is None:
            return False
        look = _SHORTEST_LOOK
        while (sent := self._native.stream_try_send(call.call_id, data)) == STREAM_FULL:
            await asyncio.sleep(look)
            look = min(2 * look, _LONGEST_LOOK)
        if sent == STREAM_CLOSED:
            call.cancelled = True
            raise asyncio.CancelledError
        await asyncio.sleep(0)
        return True
