"""The official SDK against the service: in process, over HTTP, and over HTTPS with the development certificate."""

import asyncio
import ssl
import time
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Self

import pytest
from azure.core import MatchConditions
from azure.core.credentials import AccessToken
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.core.pipeline.policies import ContentDecodePolicy, SansIOHTTPPolicy
from azure.core.pipeline.transport import RequestsTransport
from azure.core.rest import HttpRequest
from azure.digitaltwins.core import DigitalTwinsClient as SyncClient
from azure.digitaltwins.core.aio import DigitalTwinsClient

from localtwins import LocalTwins
from localtwins.transport import LocalTransport

from .adt import MACHINE_TWIN, MODELS, ROOM_TWIN
from .serving import serving


class Credential:
    """A token for whoever asks."""

    def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        return AccessToken("token", int(time.time()) + 3600)


class AsyncCredential:
    async def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        return AccessToken("token", int(time.time()) + 3600)

    async def close(self) -> None:
        """Nothing to do."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Nothing to do."""


@pytest.fixture
async def service() -> AsyncIterator[LocalTwins]:
    service = await LocalTwins.open(":memory:")
    yield service
    await service.close()


async def lifecycle(client: DigitalTwinsClient) -> None:
    created = await client.create_models(MODELS)
    assert [model.id for model in created] == [model["@id"] for model in MODELS]
    assert [model.id async for model in client.list_models()] == [model["@id"] for model in MODELS]
    assert (await client.get_model("dtmi:test:Room;1", include_model_definition=True)).model == MODELS[2]
    room = await client.upsert_digital_twin("room/1".replace("/", " "), ROOM_TWIN)
    assert room["$dtId"] == "room 1"
    await client.upsert_digital_twin("machine", MACHINE_TWIN)
    with pytest.raises(ResourceExistsError):
        await client.upsert_digital_twin("machine", MACHINE_TWIN, match_condition=MatchConditions.IfMissing)
    await client.update_digital_twin("room 1", [{"op": "replace", "path": "/temperature", "value": 5}])
    with pytest.raises(ResourceModifiedError) as stale:
        await client.update_digital_twin(
            "room 1",
            [{"op": "replace", "path": "/temperature", "value": 6}],
            etag=room["$etag"],
            match_condition=MatchConditions.IfNotModified,
        )
    assert stale.value.error is not None
    assert stale.value.error.code == "PreconditionFailed"
    await client.update_component("room 1", "sensor", [{"op": "replace", "path": "/reading", "value": 7}])
    assert (await client.get_component("room 1", "sensor"))["reading"] == 7
    assert (await client.get_digital_twin("room 1"))["temperature"] == 5
    for number in range(23):
        body: dict[str, object] = {"$relationshipName": "servedBy", "$targetId": "machine"}
        await client.upsert_relationship("room 1", f"r{number}", body)
    assert len([item async for item in client.list_relationships("room 1")]) == 23
    incoming = [item async for item in client.list_incoming_relationships("machine")]
    assert {item.source_id for item in incoming} == {"room 1"}
    assert len(incoming) == 23
    with pytest.raises(HttpResponseError) as blocked:
        await client.delete_digital_twin("machine")
    assert blocked.value.error is not None
    assert blocked.value.error.code == "RelationshipsNotDeleted"
    await client.update_relationship("room 1", "r1", [{"op": "add", "path": "/note", "value": "x"}])
    assert (await client.get_relationship("room 1", "r1"))["note"] == "x"
    for number in range(23):
        await client.delete_relationship("room 1", f"r{number}")
    await client.delete_digital_twin("room 1")
    with pytest.raises(ResourceNotFoundError) as gone:
        await client.get_digital_twin("room 1")
    assert gone.value.error is not None
    assert gone.value.error.code == "DigitalTwinNotFound"
    await client.decommission_model("dtmi:test:Machine;1")
    assert (await client.get_model("dtmi:test:Machine;1")).decommissioned
    await client.delete_model("dtmi:test:Machine;1")


async def test_others_run_between_two_answers_in_process(service: LocalTwins):
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    running = asyncio.create_task(others())
    async with DigitalTwinsClient(
        "https://adt.example", AsyncCredential(), transport=LocalTransport(service), policies=[ContentDecodePolicy()]
    ) as client:
        for _ in range(10):
            with pytest.raises(ResourceNotFoundError):
                await client.get_digital_twin("nobody")
    running.cancel()
    assert turns >= 10


async def test_in_process_with_the_default_pipeline(service: LocalTwins):
    async with DigitalTwinsClient(
        "https://adt.example", AsyncCredential(), transport=LocalTransport(service)
    ) as client:
        await lifecycle(client)


async def test_in_process_with_a_pipeline_of_ones_own(service: LocalTwins):
    async with DigitalTwinsClient(
        "https://adt.example", AsyncCredential(), transport=LocalTransport(service), policies=[ContentDecodePolicy()]
    ) as client:
        await lifecycle(client)


async def test_the_etag_of_a_write_is_in_its_headers(service: LocalTwins):
    async with DigitalTwinsClient(
        "https://adt.example", AsyncCredential(), transport=LocalTransport(service)
    ) as client:
        await client.create_models(MODELS)
        await client.upsert_digital_twin("machine", MACHINE_TWIN)
        headers: dict[str, str] = await client.update_digital_twin(  # type: ignore[assignment,func-returns-value]
            "machine", [], cls=lambda _pipeline, _body, headers: headers
        )
        assert headers["ETag"] == (await client.get_digital_twin("machine"))["$etag"]


@pytest.mark.parametrize("content", [b'{"a"', '{"a"', [b"{", b'"a"']])
async def test_the_transport_takes_any_kind_of_body(service: LocalTwins, content: Any):
    request = HttpRequest("PUT", "https://adt.example/digitaltwins/x?api-version=2023-10-31", content=content)
    response = await LocalTransport(service).send(request)
    assert response.status_code == 400
    assert response.reason == "Bad Request"
    assert b"".join([chunk async for chunk in response.iter_bytes()]) == await response.read() == response.content
    assert b"".join([chunk async for chunk in response.stream_download()]) == response.content
    assert response.json()["error"]["code"] == "InvalidArgument"
    with pytest.raises(HttpResponseError):
        response.raise_for_status()


async def test_over_http_without_credentials_check(tmp_path: Path):
    async with (
        serving("--http", "--data-dir", str(tmp_path)) as server,
        DigitalTwinsClient(server.url, AsyncCredential(), authentication_policy=SansIOHTTPPolicy()) as client,
    ):
        await lifecycle(client)


async def test_over_https_trusting_the_development_certificate(tmp_path: Path):
    async with serving("--data-dir", str(tmp_path)) as server:
        authority = tmp_path / "tls" / "ca.pem"
        assert str(authority) in server.announcement
        await asyncio.to_thread(_sync_lifecycle, server.url, str(authority))


def _sync_lifecycle(url: str, authority: str) -> None:
    with RequestsTransport(connection_verify=authority) as transport:
        client = SyncClient(url, Credential(), transport=transport)
        client.create_models(MODELS)
        etag = client.upsert_digital_twin("room", ROOM_TWIN)["$etag"]
        client.upsert_digital_twin("machine", MACHINE_TWIN)
        client.update_digital_twin(
            "room",
            [{"op": "replace", "path": "/temperature", "value": 1}],
            etag=etag,
            match_condition=MatchConditions.IfNotModified,
        )
        for number in range(12):
            client.upsert_relationship("room", f"r{number}", {"$relationshipName": "servedBy", "$targetId": "machine"})
        assert len(list(client.list_relationships("room"))) == 12
        assert len(list(client.list_incoming_relationships("machine"))) == 12
        with pytest.raises(ResourceNotFoundError):
            client.get_digital_twin("nobody")
        for number in range(12):
            client.delete_relationship("room", f"r{number}")
        client.delete_digital_twin("room")


async def test_the_development_certificate_is_kept_and_names_this_machine(tmp_path: Path):
    fingerprints = []
    for _ in range(2):
        async with serving("--data-dir", str(tmp_path)) as server:
            fingerprints.append((tmp_path / "tls" / "server.pem").read_bytes())
            context = ssl.create_default_context(cafile=str(tmp_path / "tls" / "ca.pem"))
            for host in ("localhost", "127.0.0.1"):
                url = f"https://{host}:{server.port}/models?api-version=2023-10-31"
                assert await asyncio.to_thread(_status, url, context) == 200
    assert fingerprints[0] == fingerprints[1]
    assert (tmp_path / "tls" / "server-key.pem").stat().st_mode & 0o077 == 0


def _status(url: str, context: ssl.SSLContext) -> int:
    with urllib.request.urlopen(url, context=context) as answer:
        return int(answer.status)
