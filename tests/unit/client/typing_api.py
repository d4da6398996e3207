"""The public API as its users' type checkers see it; checked by mypy and never run."""

from collections.abc import Awaitable, Sequence
from datetime import timedelta
from typing import Any, assert_never, assert_type

import grpc

from twinfront import (
    AsyncPager,
    AsyncTwinCache,
    AsyncTwinfrontClient,
    CallInfo,
    Change,
    ChangeKind,
    ChangeLog,
    Checkpoint,
    Component,
    DigitalTwin,
    EtagMismatchError,
    IncomingRelationship,
    InitialItem,
    InitialStateEnd,
    Model,
    Page,
    Pager,
    Patch,
    Relationship,
    Reset,
    ResetReason,
    ThrottledError,
    Timestamp,
    TlsConfig,
    TwinCache,
    TwinfrontClient,
    TwinfrontError,
    WatchItem,
    from_rpc_error,
    patch,
)

RAW_PATCH = [{"op": "replace", "path": "/temperature", "value": 22}]


def sync_calls(client: TwinfrontClient) -> None:
    twin = client.create_or_replace_digital_twin("room-1", {"$metadata": {"$model": "dtmi:example:Room;1"}})
    assert_type(twin, DigitalTwin)
    assert_type(twin["temperature"], Any)
    assert_type(twin.components, dict[str, Component])
    assert_type(twin.last_update_time, Timestamp | None)
    assert_type(client.get_digital_twin("room-1", view="basic"), DigitalTwin)
    assert_type(client.update_digital_twin("room-1", patch().remove("/a"), if_match=twin.etag), str)
    assert_type(client.update_digital_twin("room-1", RAW_PATCH), str)
    assert_type(client.update_with_retry("room-1", lambda seen: patch().replace("/n", seen["n"] + 1)), str)
    assert_type(client.update_with_retry("room-1", lambda _: None), str)
    assert_type(client.get_component("room-1", "thermostat"), Component)
    assert_type(client.list_relationships("floor-1"), Pager[Relationship])
    for page in client.list_incoming_relationships("room-1", page_size=10).pages():
        assert_type(page, Page[IncomingRelationship])
    assert_type(client.create_models([{"@id": "dtmi:example:Room;1"}, "{}"], timeout=10), list[Model])
    assert_type([model.id for model in client.list_models(["dtmi:example:Room;1"])], list[str])
    client.get_digital_twin("room-1", view="tiny")  # type: ignore[arg-type]
    client.get_digital_twin()  # type: ignore[call-arg]


def sync_watches(client: TwinfrontClient) -> None:
    assert_type(client.get_change_log(), ChangeLog)
    for item in client.watch(kinds=["telemetry", ChangeKind.TWIN_CREATED], initial_state="twins"):
        match item:
            case Change():
                assert_type(item.digital_twin, DigitalTwin | None)
            case InitialItem():
                assert_type(item.relationship, Relationship | None)
            case Reset():
                assert_type(item.reason, ResetReason)
            case InitialStateEnd() | Checkpoint():
                assert_type(item.resume_token, str)
            case _:
                assert_never(item)
    client.watch(initial_state="everything")  # type: ignore[arg-type]
    with TwinCache(client, added=print, changed=lambda *_: None) as cache:
        assert_type(cache.get("room-1"), DigitalTwin | None)
        assert_type(cache.list(model_id="dtmi:example:Room;1"), Sequence[DigitalTwin])
        assert_type(cache.save(), bytes)


async def async_watches(client: AsyncTwinfrontClient) -> None:
    async def removed(before: DigitalTwin | Relationship) -> None:
        await client.get_digital_twin(before.id)

    async for item in client.watch():
        assert_type(item, WatchItem)
    async with AsyncTwinCache(client, removed=removed) as cache:
        assert_type(await cache.synced(), None)


async def async_calls(client: AsyncTwinfrontClient) -> None:
    async def change(twin: DigitalTwin) -> Patch | None:
        return patch().replace("/n", twin["n"] + 1)

    assert_type(await client.get_digital_twin("room-1"), DigitalTwin)
    assert_type(await client.update_with_retry("room-1", change), str)
    assert_type(await client.update_with_retry("room-1", lambda _: RAW_PATCH), str)
    assert_type(client.list_relationships("floor-1"), AsyncPager[Relationship])
    async for relationship in client.list_relationships("floor-1"):
        assert_type(relationship, Relationship)


def connecting(channel: grpc.Channel, token: Awaitable[str]) -> None:
    def log(info: CallInfo) -> None:
        assert_type(info.upstream_milliseconds, float | None)
        assert_type(info.server_milliseconds, float | None)

    with TwinfrontClient("localhost:50051", on_call=log) as client:
        assert_type(client, TwinfrontClient)
    assert_type(TwinfrontClient.from_channel(channel), TwinfrontClient)
    TwinfrontClient("twins.example.com:443", tls=TlsConfig(ca=b"", server_name="twins"), token=lambda: "t")
    AsyncTwinfrontClient("twins.example.com:443", tls=True, token=lambda: token)
    TwinfrontClient("twins.example.com:443", tls=True, token=lambda: token)  # type: ignore[arg-type,return-value]


def errors(error: TwinfrontError) -> None:
    assert_type(error.code, grpc.StatusCode)
    if isinstance(error, EtagMismatchError):
        assert_type(error.current_etag, str)
    if isinstance(error, ThrottledError):
        assert_type(error.retry_after, timedelta | None)
    assert_type(from_rpc_error(grpc.RpcError()), TwinfrontError)
