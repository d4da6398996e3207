"""A server that answers as a test says."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from twinfront.v1 import (
    change_service_pb2,
    digital_twin_service_pb2,
    model_service_pb2,
    query_service_pb2,
    relationship_service_pb2,
)

_FILES = (
    digital_twin_service_pb2,
    relationship_service_pb2,
    model_service_pb2,
    query_service_pb2,
    change_service_pb2,
)

Answer = Callable[[Any, grpc.ServicerContext], Any]
"""Gets the request and returns the response, of a stream all of them, or aborts."""


class ScriptedServer:
    """Serves the contract with the answers that a test gives it, and keeps what it was asked.

    For what a real server does only in bad times: throttling, lost answers, answers of other versions.
    """

    def __init__(self, credentials: grpc.ServerCredentials | None = None, port: int = 0) -> None:
        self.answers: dict[str, Answer] = {}
        self.requests: list[Any] = []
        self.metadata: list[dict[str, str | bytes]] = []
        self.time_left: list[float] = []
        self._lock = threading.Lock()
        self._server = grpc.server(ThreadPoolExecutor(max_workers=4))
        for file in _FILES:
            for service in file.DESCRIPTOR.services_by_name.values():
                handlers = {method.name: self._handler(method) for method in service.methods}
                generic = grpc.method_handlers_generic_handler(service.full_name, handlers)
                self._server.add_generic_rpc_handlers((generic,))
        if credentials is None:
            port = self._server.add_insecure_port(f"127.0.0.1:{port}")
        else:
            port = self._server.add_secure_port(f"127.0.0.1:{port}", credentials)
        self.target = f"127.0.0.1:{port}"
        self._server.start()

    def stop(self) -> None:
        """Cuts off whoever is still there."""
        self._server.stop(None).wait()

    def _handler(self, method: Any) -> Any:
        def behave(request: Message, context: grpc.ServicerContext) -> Message | Iterator[Message]:
            with self._lock:
                self.requests.append(request)
                self.metadata.append(dict(context.invocation_metadata()))
                self.time_left.append(context.time_remaining())
            context.set_trailing_metadata((("twinfront-call-id", "call-7"),))
            if method.name not in self.answers:
                context.abort(grpc.StatusCode.UNIMPLEMENTED, f"No answer for {method.name}.")
            return self.answers[method.name](request, context)

        kind = grpc.unary_stream_rpc_method_handler if method.server_streaming else grpc.unary_unary_rpc_method_handler
        return kind(
            behave,
            request_deserializer=GetMessageClass(method.input_type).FromString,
            response_serializer=GetMessageClass(method.output_type).SerializeToString,
        )


def failing(
    code: grpc.StatusCode,
    reason: str = "",
    message: str = "No.",
    *details: Message,
    metadata: dict[str, str] | None = None,
    trailers: tuple[tuple[str, str], ...] = (),
) -> Answer:
    """The answer of a twinfront server that refuses; without a reason that of any other server."""

    def refuse(_request: Any, context: grpc.ServicerContext) -> Message:
        info = [ErrorInfo(domain="twinfront", reason=reason, metadata=metadata or {})] if reason else []
        status = Status(code=code.value[0], message=message)
        for detail in (*info, *details):
            packed = AnyMessage()
            packed.Pack(detail)
            status.details.append(packed)
        context.set_trailing_metadata((("twinfront-call-id", "call-7"), *trailers))
        if not status.details:
            context.abort(code, message)
        rich = rpc_status.to_status(status)
        context.set_trailing_metadata((*context.trailing_metadata(), *rich.trailing_metadata))
        context.abort(code, message)
        raise AssertionError

    return refuse
