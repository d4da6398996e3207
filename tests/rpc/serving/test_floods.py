"""What would swell the server: floods of calls, messages that inflate. Memory stays bounded, others are answered."""

import contextlib
import functools
import itertools
import socket
import struct
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest
from grpc_health.v1.health_pb2_grpc import HealthStub
from tests import contract_services

from twinfront.v1.model_service_pb2 import ListModelsRequest
from twinfront.v1.model_service_pb2_grpc import ModelServiceStub

from .process import ServedProcess, wait_until

RESETS = 60_000
MEGABYTES = 150
"""What the calls that may wait take is 102 MB; all of the flood would take 1 GB."""

METHODS = [f"/{method.containing_service.full_name}/{method.name}" for method in contract_services.METHODS]

HEADERS, RST_STREAM, SETTINGS = 1, 3, 4
END_HEADERS, ACK = 4, 1
CANCEL = struct.pack(">I", 8)

Serve = Callable[..., ServedProcess]
RawCall: TypeAlias = "grpc.UnaryUnaryMultiCallable[bytes, bytes]"


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """A frame of HTTP/2 (RFC 9113, section 4.1)."""
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def field(name: str, value: str) -> bytes:
    """A header field, written out (RFC 7541, section 6.2.2)."""
    return b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


def call(path: str) -> bytes:
    """Gives the headers that begin a call of a method."""
    return b"".join(
        [
            field(":method", "POST"),
            field(":scheme", "http"),
            field(":path", path),
            field(":authority", "localhost"),
            field("content-type", "application/grpc"),
            field("te", "trailers"),
        ]
    )


def flood(port: int, paths: Sequence[str]) -> None:
    """Begins calls of these methods in turn and cancels each at once, as fast as the server reads them.

    A server may end a connection for that; whoever does it connects again.
    """
    calls = itertools.cycle([call(path) for path in paths])
    left = RESETS
    while left > 0:
        with socket.create_connection(("127.0.0.1", port), timeout=100) as connection, contextlib.suppress(OSError):
            connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0) + frame(SETTINGS, ACK, 0))
            reading = threading.Thread(target=read_on, args=(connection,))
            reading.start()
            try:
                for start in range(0, left, 100):
                    streams = range(start * 2 + 1, (start + 100) * 2 + 1, 2)
                    left -= 100
                    connection.sendall(
                        b"".join(
                            frame(HEADERS, END_HEADERS, each, next(calls)) + frame(RST_STREAM, 0, each, CANCEL)
                            for each in streams
                        )
                    )
                connection.shutdown(socket.SHUT_RDWR)
            finally:
                reading.join()


def read_on(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while connection.recv(1 << 16):
            pass


def high_water_mark(served: ServedProcess) -> int:
    """The most memory that the server has had, in megabytes."""
    [line] = [
        line for line in Path(f"/proc/{served.process.pid}/status").read_text().splitlines() if line.startswith("VmHWM")
    ]
    return int(line.split()[1]) // 1024


def is_answered(models: ModelServiceStub) -> bool:
    """Tells whether calls have room again."""
    call = models.ListModels.future(ListModelsRequest())
    assert call.code() in {grpc.StatusCode.OK, grpc.StatusCode.CANCELLED}
    return call.code() is grpc.StatusCode.OK


@pytest.mark.parametrize("paths", [METHODS[:1], METHODS], ids=["of one method", "of every method"])
def test_calls_that_are_cancelled_as_soon_as_they_are_sent(serve: Serve, paths: Sequence[str]) -> None:
    served = serve()
    before = high_water_mark(served)
    flooding = threading.Thread(target=flood, args=(int(served.port), paths))
    with grpc.insecure_channel(served.address) as channel:
        health = HealthStub(channel)
        health.Check(HealthCheckRequest())
        flooding.start()
        while flooding.is_alive():
            health.Check(HealthCheckRequest())  # which waits for none of them
        wait_until(functools.partial(is_answered, ModelServiceStub(channel)))
    flooding.join()
    assert high_water_mark(served) < before + MEGABYTES
    served.signal()
    assert served.exit_code() == 0


@pytest.mark.grpcio_engine("a message is inflated no further than it may be large")
@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_a_message_that_is_small_until_it_is_inflated(serve: Serve, compression: grpc.Compression) -> None:
    served = serve()
    before = high_water_mark(served)
    with grpc.insecure_channel(served.address, compression=compression) as channel:
        send: RawCall = channel.unary_unary("/twinfront.v1.ModelService/ListModels")
        with pytest.raises(grpc.RpcError) as refused:
            send(bytes(200 << 20), timeout=60)
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        ModelServiceStub(channel).ListModels(ListModelsRequest(), timeout=20)
    assert high_water_mark(served) < before + 50
