"""A whole server over TLS that knows callers by certificates, tokens or either, and calls of every RPC of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc.aio
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status
from tests.rpc.serving.certificates import Authority, Issued
from tests.rpc.serving.echo import Metadata

from twinfront_program.address import Address
from twinfront_server.app import App
from twinfront_server.settings import Settings


@dataclass
class Refusal:
    """How a call ended: code and reason, or empty texts if it did not fail."""

    code: str = ""
    reason: str = ""
    message: str = ""


@dataclass
class Certified:
    """The server, and the authority of its certificate and of its callers'."""

    app: App
    authority: Authority

    def channel(self, certificate: Issued | None = None, address: Address | None = None) -> grpc.aio.Channel:
        """Connects, with a certificate or without."""
        key, chain = (certificate.key.read_bytes(), certificate.cert.read_bytes()) if certificate else (None, None)
        credentials = grpc.ssl_channel_credentials(self.authority.cert.read_bytes(), key, chain)
        return grpc.aio.secure_channel(str(address or self.app.address), credentials)


@asynccontextmanager
async def certified(folder: Path, **settings: Any) -> AsyncIterator[Certified]:
    """Serves over TLS."""
    authority = Authority(folder)
    server = authority.issue()
    tls = {
        "engine": "grpcio",
        "tls_cert": str(server.cert),
        "tls_key": str(server.key),
        "tls_client_ca": str(authority.cert),
    }
    given = {"listen": "127.0.0.1:0", "metrics_listen": "none", "data_dir": ":memory:", **tls, **settings}
    async with App(Settings(**given)) as app:
        yield Certified(app, authority)


async def refusal(channel: grpc.aio.Channel, method: MethodDescriptor, metadata: Metadata = ()) -> Refusal:
    """Calls a method with an empty request, or an empty stream of them, and gives how that ends."""
    request = message_factory.GetMessageClass(method.input_type)()
    path = f"/{method.containing_service.full_name}/{method.name}"
    answers = message_factory.GetMessageClass(method.output_type).FromString
    codec = (type(request).SerializeToString, answers)
    options: dict[str, Any] = {"metadata": tuple(metadata), "timeout": 60}
    try:
        if method.client_streaming:
            [_ async for _ in channel.stream_stream(path, *codec)(_no_requests(), **options)]
        elif method.server_streaming:
            [_ async for _ in channel.unary_stream(path, *codec)(request, **options)]
        else:
            await channel.unary_unary(path, *codec)(request, **options)
    except grpc.aio.AioRpcError as error:
        info = ErrorInfo()
        status = rpc_status.from_call(error)
        if status is not None:
            status.details[0].Unpack(info)
        return Refusal(error.code().name, info.reason, error.details() or "")
    return Refusal()


async def _no_requests() -> AsyncIterator[Any]:
    """Ends after a while: grpc.aio tells of what was under way when a call is refused, and not of the refusal."""
    await asyncio.sleep(1)
    nothing: tuple[Any, ...] = ()
    for request in nothing:
        yield request
