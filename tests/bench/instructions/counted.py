"""The main calls, from the bytes of a request to the bytes of a response, for callgrind to count.

They go through the whole chain, service and upstream to the embedded service, as a call does once the engine has it.
The engine itself is left out: its threads poll, as often as the machine lets them.
"""

import asyncio
import gc
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.append(str(Path(__file__).parents[3]))

import grpc
import uvloop
import workload

from instructions.callgrind import Callgrind
from twinfront_program.log import configure_logging
from twinfront_server.app import App
from twinfront_server.services import register
from twinfront_server.settings import Settings

OPERATIONS: Final = {
    "get, JSON": 100,
    "get, typed": 100,
    "update 3 properties": 100,
    "create or replace": 100,
    "page of 100": 20,
}
"""How often each is called while it is counted."""
_WARM: Final = 20
_STEPS: Final = 2_000
_PATIENCE: Final = 60.0
"""Seconds: under callgrind everything takes fifty times as long."""


class _Handlers:
    """Takes services in place of a server."""

    def __init__(self) -> None:
        self._handlers: list[grpc.GenericRpcHandler] = []

    def add_generic_rpc_handlers(self, handlers: tuple[grpc.GenericRpcHandler, ...]) -> None:
        self._handlers += handlers

    def add_registered_method_handlers(self, *_: object) -> None:
        """Does nothing: the methods are among the generic handlers as well."""

    async def find(self, details: Any) -> Any:
        return next(found for handler in self._handlers if (found := handler.service(details)))


class _Details:
    """A call that has just come."""

    invocation_metadata = (("user-agent", "bench"),)

    def __init__(self, method: str) -> None:
        self.method = method


class _Context:
    """Stands for what an engine has for a call."""

    def __init__(self, details: _Details) -> None:
        self._details = details

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return self._details.invocation_metadata

    def set_trailing_metadata(self, metadata: object) -> None:
        """Forgets it."""

    def trailing_metadata(self) -> tuple[()]:
        return ()

    def time_remaining(self) -> float:
        return _PATIENCE

    def peer(self) -> str:
        return "ipv4:127.0.0.1:50000"

    def auth_context(self) -> dict[str, list[bytes]]:
        return {}


async def main() -> None:
    """Serves nothing, and calls."""
    callgrind = Callgrind()
    settings = Settings.of({"data_dir": ":memory:", "listen": "127.0.0.1:0", "metrics_listen": "none"})
    configure_logging("json", settings.log_level)
    async with App(settings) as app:
        await workload.load(str(app.address), twins=200)
        handlers: Any = _Handlers()
        register(handlers, app.upstream, settings, app.metrics)

        def calling(operation: workload.Operation) -> Callable[[], Coroutine[Any, Any, None]]:
            details: Any = _Details(operation.method)
            requests = operation.make(workload.PROPERTIES)

            async def call() -> None:
                handler: Any = await app._chain.intercept_service(handlers.find, details)
                answer = await handler.unary_unary(next(requests), _Context(details))
                assert isinstance(answer, bytes)

            return call

        gc.disable()
        with callgrind.counting("reference"):
            _reference()
        for name, times in OPERATIONS.items():
            call = calling(workload.OPERATIONS[name])
            for _ in range(_WARM):
                await call()
            with callgrind.counting(name):
                for _ in range(times):
                    await asyncio.create_task(call())


def _reference() -> None:
    """Does what Python does anywhere: calls, loops, dicts, strings. Counts are told in this, as interpreters differ."""
    known: dict[str, list[int]] = {}
    for step in range(_STEPS):
        _note(known, f"key{step % 100}", step)
    for numbers in known.values():
        numbers.sort(key=lambda number: -number)


def _note(known: dict[str, list[int]], name: str, number: int) -> None:
    known.setdefault(name, []).append(number)


if __name__ == "__main__":
    uvloop.run(main())
