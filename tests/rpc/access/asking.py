"""Calls with a token, and what they come to."""

from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from tests.rpc.serving.echo import EchoServer, Metadata, Outcome

from twinfront_server.access.principal import Principal

MISSING = "CREDENTIALS_MISSING"
INVALID = "CREDENTIALS_INVALID"


def bearer(token: str) -> Metadata:
    return (("authorization", f"Bearer {token}"),)


def reason_of(outcome: Outcome) -> str:
    packed = outcome.trailers["grpc-status-details-bin"]
    assert isinstance(packed, bytes)
    status = Status.FromString(packed)
    info = ErrorInfo()
    assert status.details[0].Unpack(info)
    return str(info.reason)


async def caller(echo: EchoServer, metadata: Metadata) -> Principal:
    """Makes a call and gives the principal that the service saw."""
    answer = await echo.call("Unary", "hello", metadata=metadata)
    assert answer.words == ["hello"], answer.details
    return echo.servicer.calls[-1].principal


async def refusal(echo: EchoServer, metadata: Metadata) -> str:
    """Makes a call that is refused and never comes to the service, and gives what its caller is told."""
    before = len(echo.servicer.calls)
    answer = await echo.call("Unary", "hello", metadata=metadata)
    assert answer.code.name == "UNAUTHENTICATED"
    assert reason_of(answer) == INVALID
    assert len(echo.servicer.calls) == before
    return answer.details
