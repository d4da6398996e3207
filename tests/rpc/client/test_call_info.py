"""What travels beside requests and answers: metadata, tokens, call ids, figures."""

import grpc
import pytest

import twinfront
from twinfront import AsyncTwinfrontClient, CallInfo, TwinfrontClient
from twinfront.v1.digital_twin_service_pb2 import DeleteDigitalTwinResponse

from .awaited import Connect
from .scripted_server import ScriptedServer, failing


@pytest.fixture
def deleting(scripted: ScriptedServer) -> ScriptedServer:
    scripted.answers["DeleteDigitalTwin"] = lambda *_: DeleteDigitalTwinResponse()
    return scripted


async def test_metadata_is_sent_along(deleting: ScriptedServer, connect: Connect) -> None:
    await connect(deleting.target).delete_digital_twin("room-1", metadata=[("twinfront-call-id", "order-4711")])
    assert deleting.metadata[0]["twinfront-call-id"] == "order-4711"


async def test_the_client_says_who_it_is(deleting: ScriptedServer, connect: Connect) -> None:
    await connect(deleting.target).delete_digital_twin("room-1")
    assert str(deleting.metadata[0]["user-agent"]).startswith("twinfront-python/")


async def test_a_token_is_presented(deleting: ScriptedServer, connect: Connect) -> None:
    await connect(deleting.target, token="secret", insecure=True).delete_digital_twin("room-1")
    assert deleting.metadata[0]["authorization"] == "Bearer secret"


async def test_a_token_is_asked_for_with_each_call(deleting: ScriptedServer, connect: Connect) -> None:
    tokens = iter(["first", "second"])
    client = connect(deleting.target, token=lambda: next(tokens), insecure=True)
    await client.delete_digital_twin("room-1")
    await client.delete_digital_twin("room-1")
    assert [metadata["authorization"] for metadata in deleting.metadata] == ["Bearer first", "Bearer second"]


async def test_a_token_can_be_awaited(deleting: ScriptedServer) -> None:
    async def token() -> str:
        return "fresh"

    async with AsyncTwinfrontClient(deleting.target, token=token, insecure=True) as client:
        await client.delete_digital_twin("room-1")
    assert deleting.metadata[0]["authorization"] == "Bearer fresh"


async def test_nothing_is_sent_if_there_is_no_token_to_be_had(deleting: ScriptedServer, connect: Connect) -> None:
    def token() -> str:
        raise RuntimeError("the vault is closed")

    with pytest.raises(RuntimeError, match="the vault is closed"):
        await connect(deleting.target, token=token, insecure=True).delete_digital_twin("room-1")
    assert deleting.requests == []


async def test_each_call_reports_its_figures(scripted: ScriptedServer, connect: Connect) -> None:
    def answer(_request: object, context: grpc.ServicerContext) -> DeleteDigitalTwinResponse:
        context.set_trailing_metadata(
            (
                ("twinfront-call-id", "call-8"),
                ("twinfront-upstream-ms", "1.250"),
                ("twinfront-upstream-attempts", "2"),
                ("twinfront-server-ms", "0.125"),
            )
        )
        return DeleteDigitalTwinResponse()

    scripted.answers["DeleteDigitalTwin"] = answer
    scripted.answers["DeleteModel"] = failing(grpc.StatusCode.NOT_FOUND, "MODEL_NOT_FOUND")
    calls: list[CallInfo] = []
    client = connect(scripted.target, on_call=calls.append)
    await client.delete_digital_twin("room-1")
    with pytest.raises(twinfront.ModelNotFoundError):
        await client.delete_model("dtmi:example:Room;1")
    assert calls == [
        CallInfo("DeleteDigitalTwin", grpc.StatusCode.OK, "call-8", 1.25, 2, server_milliseconds=0.125),
        CallInfo("DeleteModel", grpc.StatusCode.NOT_FOUND, "call-7", None, None),
    ]


@pytest.mark.parametrize("text", ["abc", "", "1,5", "²", "-"])
async def test_figures_that_are_none_do_not_fail_a_call(scripted: ScriptedServer, connect: Connect, text: str) -> None:
    def answer(_request: object, context: grpc.ServicerContext) -> DeleteDigitalTwinResponse:
        context.set_trailing_metadata(
            (
                ("twinfront-upstream-ms-bin", b"1"),
                ("twinfront-server-ms", text.encode("ascii", "replace").decode()),
                ("twinfront-upstream-attempts", text.encode("ascii", "replace").decode()),
            )
        )
        return DeleteDigitalTwinResponse()

    scripted.answers["DeleteDigitalTwin"] = answer
    calls: list[CallInfo] = []
    await connect(scripted.target, on_call=calls.append).delete_digital_twin("room-1")
    (call,) = calls
    assert (call.upstream_milliseconds, call.upstream_attempts, call.server_milliseconds) == (None, None, None)


def test_a_client_on_a_channel_of_the_callers_leaves_it_open(deleting: ScriptedServer) -> None:
    with grpc.insecure_channel(deleting.target) as channel:
        with TwinfrontClient.from_channel(channel) as first:
            first.delete_digital_twin("room-1")
        TwinfrontClient.from_channel(channel).delete_digital_twin("room-1")
    assert [round(seconds, -1) for seconds in deleting.time_left] == [60, 60]


async def test_an_async_client_on_a_channel_of_the_callers_leaves_it_open(deleting: ScriptedServer) -> None:
    async with grpc.aio.insecure_channel(deleting.target) as channel:
        async with AsyncTwinfrontClient.from_channel(channel) as first:
            await first.delete_digital_twin("room-1")
        await AsyncTwinfrontClient.from_channel(channel).delete_digital_twin("room-1")
    assert len(deleting.requests) == 2


async def test_closing_twice_is_harmless(deleting: ScriptedServer, connect: Connect) -> None:
    client = connect(deleting.target)
    await client.close()
    await client.close()
