"""A service of all four cardinalities behind the chain, and a caller of it.

The request is a word that says what the servicer is to do: `refuse` raises a `TwinfrontError`, `fault` something
unexpected, `hang` waits for ever, `time out` raises a TimeoutError of its own; any other word is answered as it is.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import grpc
import grpc.aio
import structlog
from google.protobuf.wrappers_pb2 import StringValue
from prometheus_client import CollectorRegistry
from structlog.testing import LogCapture
from structlog.typing import EventDict

from twinfront_server.access.authenticator import NO_AUTHENTICATION, Authenticator
from twinfront_server.call import Call, current_call
from twinfront_server.errors import TwinfrontError
from twinfront_server.interceptors.chain import Chain
from twinfront_server.metrics import Metrics
from twinfront_server.reasons import Reason
from twinfront_server.server import create_server, in_one_queue
from twinfront_server.settings import Settings

SERVICE = "test.Echo"
TYPES = {"Unary": "unary", "ClientStream": "client_stream", "ServerStream": "server_stream", "Bidi": "bidi_stream"}
METHODS = tuple(TYPES)

SHAPES = {
    "Unary": "unary_unary",
    "Lacking": "unary_unary",
    "ClientStream": "stream_unary",
    "Bidi": "stream_stream",
}

Metadata = Sequence[tuple[str, str | bytes]]


class Servicer:
    """What stands behind the chain."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.entered = asyncio.Event()
        self.ended = asyncio.Event()

    async def act(self, word: str) -> StringValue:
        self.calls.append(current_call())
        self.entered.set()
        try:
            match word:
                case "refuse":
                    raise TwinfrontError(Reason.UPSTREAM_THROTTLED, "Slowly.", pushback_ms=250)
                case "conflict":
                    raise TwinfrontError(Reason.ETAG_MISMATCH, "Changed.")
                case "blocked":
                    raise TwinfrontError(Reason.TWIN_HAS_RELATIONSHIPS, "Related.")
                case "fault":
                    raise RuntimeError("a secret")
                case "time out":
                    raise TimeoutError("not the call's")
                case "hang":
                    await asyncio.Event().wait()
                case "none":
                    return None  # type: ignore[return-value]  # the mistake that the test is about
            return StringValue(value=word)
        finally:
            self.ended.set()

    async def unary(self, request: StringValue, _context: Any) -> StringValue:
        return await self.act(request.value)

    async def client_stream(self, requests: AsyncIterator[StringValue], _context: Any) -> StringValue:
        answer = StringValue()
        async for request in requests:
            answer = await self.act(request.value)
        return answer

    async def server_stream(self, request: StringValue, _context: Any) -> AsyncIterator[StringValue]:
        yield await self.act(request.value)
        yield await self.act(request.value)

    async def bidi(self, requests: AsyncIterator[StringValue], _context: Any) -> AsyncIterator[StringValue]:
        async for request in requests:
            yield await self.act(request.value)

    async def flood(self, _request: StringValue, _context: Any) -> AsyncIterator[StringValue]:
        self.entered.set()
        try:
            while True:
                yield StringValue(value="x" * 10_000)
        finally:
            self.ended.set()

    def lacking(self, _request: StringValue, context: Any) -> StringValue:
        """As the generated base class has it."""
        context.set_code(grpc.StatusCode.UNIMPLEMENTED)
        context.set_details("Method not implemented!")
        raise NotImplementedError("Method not implemented!")

    def register(self, server: grpc.aio.Server) -> None:
        """Adds the methods as generated code does."""
        codec = {"request_deserializer": StringValue.FromString, "response_serializer": StringValue.SerializeToString}
        handlers: dict[str, Any] = {
            "Unary": grpc.unary_unary_rpc_method_handler(self.unary, **codec),  # type: ignore[arg-type]
            "ClientStream": grpc.stream_unary_rpc_method_handler(self.client_stream, **codec),  # type: ignore[arg-type]
            "ServerStream": grpc.unary_stream_rpc_method_handler(self.server_stream, **codec),  # type: ignore[arg-type]
            "Bidi": grpc.stream_stream_rpc_method_handler(self.bidi, **codec),  # type: ignore[arg-type]
            "Flood": grpc.unary_stream_rpc_method_handler(self.flood, **codec),  # type: ignore[arg-type]
            "Lacking": grpc.unary_unary_rpc_method_handler(self.lacking, **codec),  # type: ignore[arg-type]
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
        server.add_registered_method_handlers(SERVICE, handlers)


@dataclass
class Outcome:
    """How a call ended, as its caller sees it."""

    code: grpc.StatusCode
    details: str
    words: list[str]
    trailers: dict[str, str | bytes]


@dataclass
class EchoServer:
    """The service, served with the chain of the given settings."""

    settings: Settings
    authenticator: Authenticator = NO_AUTHENTICATION
    servicer: Servicer = field(default_factory=Servicer)
    metrics: Metrics = field(default_factory=lambda: Metrics(CollectorRegistry()))
    log: list[EventDict] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        capture = LogCapture()
        self.log = capture.entries
        log = structlog.wrap_logger(None, [capture], wrapper_class=structlog.make_filtering_bound_logger(0)).bind()
        self.chain = Chain(self.settings, self.metrics, log, self.never, self.authenticator)
        self.server = create_server(self.settings, self.chain)
        self.servicer.register(in_one_queue(self.server, self.settings))
        port = self.server.add_insecure_port("127.0.0.1:0")
        await self.server.start()
        self.address = f"127.0.0.1:{port}"
        self.channel = grpc.aio.insecure_channel(self.address)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.channel.close()
        await self.server.stop(None)

    async def never(self) -> None:
        """No request of this service can ask for a dry run."""
        raise NotImplementedError

    def start(self, method: str, *words: str, timeout: float | None = None, metadata: Metadata = ()) -> Any:
        """Starts a call and returns grpc's object for it."""
        return self.start_raw(
            method, [StringValue(value=word).SerializeToString() for word in words], timeout, metadata
        )

    def start_raw(
        self, method: str, messages: Sequence[bytes], timeout: float | None = None, metadata: Metadata = ()
    ) -> Any:
        shape = SHAPES.get(method, "unary_stream")
        ask = getattr(self.channel, shape)(f"/{SERVICE}/{method}")
        request = list(messages) if shape.startswith("stream") else messages[0]
        return ask(request, timeout=timeout, metadata=tuple(metadata))

    async def call(
        self,
        method: str,
        *words: str,
        timeout: float | None = 20,  # noqa: ASYNC109  (it is sent to the server)
        metadata: Metadata = (),
    ) -> Outcome:
        """Makes a call and waits for its end, on the server too: an error reaches the caller before it is counted."""
        ended = await outcome(self.start(method, *words, timeout=timeout, metadata=metadata))
        await self.chain.in_flight.idle()
        return ended

    def value(self, name: str, method: str, **labels: str) -> float | None:
        """A sample of one of the `grpc_server_…` series."""
        labels = {
            "grpc_type": TYPES.get(method, "server_stream"),
            "grpc_service": SERVICE,
            "grpc_method": method,
        } | labels
        return self.metrics.registry.get_sample_value(name, labels)

    def handled(self, method: str) -> dict[str, float]:
        """Counts how calls of a method ended, by code; without those that never came."""
        return {
            sample.labels["grpc_code"]: sample.value
            for family in self.metrics.registry.collect()
            for sample in family.samples
            if sample.name == "grpc_server_handled_total" and sample.labels["grpc_method"] == method and sample.value
        }

    def access_lines(self) -> list[EventDict]:
        return [entry for entry in self.log if entry["event"] == "rpc"]


async def outcome(call: Any) -> Outcome:
    """Waits for the end of a call, whatever it is."""
    words = []
    try:
        if hasattr(call, "__aiter__"):
            words = [StringValue.FromString(data).value async for data in call]
        else:
            words = [StringValue.FromString(await call).value]
    except grpc.aio.AioRpcError:
        pass
    trailers = dict(await call.trailing_metadata() or ())
    return Outcome(await call.code(), await call.details() or "", words, trailers)


async def eventually(condition: Any) -> None:
    """Waits for a condition that will come true."""
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)
