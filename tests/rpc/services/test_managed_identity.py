"""`--upstream https://…` with DefaultAzureCredential: the token's way from a managed identity to the upstream."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from localtwins.certificate import DevelopmentCertificate
from localtwins.message import Request, Response
from localtwins.service import LocalTwins
from localtwins.settings import Settings as LocalSettings
from localtwins.store.database import Database
from twinfront.errors import from_rpc_error
from twinfront.v1 import digital_twin_service_pb2 as twins
from twinfront.v1.digital_twin_service_pb2_grpc import DigitalTwinServiceStub
from twinfront_program.startup_error import StartupError
from twinfront_server.app import App
from twinfront_server.settings import Settings

from ...localtwins.serving import serving, sourced
from .building import Building, replace, value
from .identity import TOKEN, IdentityEndpoint, identity_endpoint
from .over_tls import serving_over_tls

READ = twins.GetDigitalTwinRequest(digital_twin_id="room")
DELETE = twins.DeleteDigitalTwinRequest(digital_twin_id="room")


class RecordedTwins(LocalTwins):
    """Remembers how its callers identified themselves."""

    def __init__(self, database: Database, settings: LocalSettings) -> None:
        super().__init__(database, settings)
        self.url = ""
        self.authorizations: list[str | None] = []

    async def handle(self, request: Request) -> Response:
        self.authorizations.append(request.headers.get("authorization"))
        return await super().handle(request)


@pytest.fixture
async def upstream(certificate: DevelopmentCertificate) -> AsyncIterator[RecordedTwins]:
    async with serving_over_tls(certificate, RecordedTwins) as (twins, url):
        twins.url = url
        yield twins


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch) -> Iterator[IdentityEndpoint]:
    with identity_endpoint() as endpoint:
        for name, value in endpoint.environment.items():
            monkeypatch.setenv(name, value)
        yield endpoint


@pytest.fixture
def settings(identity: IdentityEndpoint, upstream: RecordedTwins, certificate: DevelopmentCertificate) -> Settings:
    assert identity.url
    return Settings(
        listen="127.0.0.1:0",
        metrics_listen="none",
        health_interval=3600.0,
        upstream=upstream.url,
        upstream_ca=str(certificate.authority),
    )


async def test_every_request_has_the_token_and_one_token_serves_them_all(
    channel: grpc.aio.Channel, upstream: RecordedTwins, identity: IdentityEndpoint
):
    building = await Building.open(channel)
    etag = await building.add_room("room", visits=1)
    await building.patch("room", replace("/visits", 2), if_match=etag)
    assert (await building.read("room")).properties["visits"] == value(2)
    assert len(upstream.authorizations) >= 4
    assert set(upstream.authorizations) == {f"Bearer {TOKEN}"}
    assert identity.resources == ["https://digitaltwins.azure.net"]


@pytest.mark.parametrize("status", [400, 403])
async def test_without_a_token_nothing_is_sent_and_the_operator_has_to_look(
    identity: IdentityEndpoint, settings: Settings, upstream: RecordedTwins, status: int
):
    identity.status = status
    async with App(settings) as app, grpc.aio.insecure_channel(str(app.address)) as channel:
        stub = DigitalTwinServiceStub(channel)
        for call in (stub.GetDigitalTwin(READ), stub.DeleteDigitalTwin(DELETE)):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call
            error = from_rpc_error(caught.value)
            assert (error.code, error.reason) == (grpc.StatusCode.INTERNAL, "UPSTREAM_CREDENTIALS_REJECTED")
            assert "1234" not in error.message
        assert upstream.authorizations == []
        identity.status = 200
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.GetDigitalTwin(READ)
        assert from_rpc_error(caught.value).reason == "TWIN_NOT_FOUND"


async def test_an_upstream_whose_certificate_is_not_trusted_gets_no_token(settings: Settings, upstream: RecordedTwins):
    untrusting = settings.changed(upstream_ca=None)
    async with App(untrusting) as app, grpc.aio.insecure_channel(str(app.address)) as channel:
        stub = DigitalTwinServiceStub(channel)
        for call in (stub.GetDigitalTwin(READ), stub.DeleteDigitalTwin(DELETE)):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call
            error = from_rpc_error(caught.value)
            assert (error.code, error.reason) == (grpc.StatusCode.UNAVAILABLE, "UPSTREAM_UNAVAILABLE")
    assert upstream.authorizations == []


async def test_authorities_that_cannot_be_read_end_the_start(settings: Settings):
    app = App(settings.changed(upstream_ca="/nowhere/ca.pem"))
    with pytest.raises(StartupError, match="The CA file"):
        await app.__aenter__()


async def test_the_command_serves_azure_s_way(
    serve: Callable[..., Any],
    upstream: RecordedTwins,
    identity: IdentityEndpoint,
    certificate: DevelopmentCertificate,
):
    words = ["--upstream", upstream.url, "--upstream-ca", str(certificate.authority)]
    served = await asyncio.to_thread(serve, *words, **identity.environment)
    async with grpc.aio.insecure_channel(served.address) as channel:
        building = await Building.open(channel)
        await building.add_room("room", visits=1)
        assert (await building.read("room")).properties["visits"] == value(1)
    assert set(upstream.authorizations) == {f"Bearer {TOKEN}"}


@pytest.mark.parametrize("trusting", ["by the variables", "by the setting"])
async def test_the_command_serves_in_front_of_localtwins_with_the_identity_that_it_gives(
    serve: Callable[..., Any], tmp_path: Path, trusting: str
):
    file = tmp_path / "local.env"
    words = ["--data-dir", str(tmp_path / "data"), "--identity", "127.0.0.1:0", "--env-file", str(file)]
    async with serving(*words) as local:
        variables = await sourced(file)
        words = ["--upstream", local.url]
        if trusting == "by the setting":
            words += ["--upstream-ca", variables["NODE_EXTRA_CA_CERTS"]]
            variables = {name: value for name, value in variables.items() if name.startswith("IDENTITY_")}
        served = await asyncio.to_thread(serve, *words, **variables)
        async with grpc.aio.insecure_channel(served.address) as channel:
            building = await Building.open(channel)
            await building.add_room("room", visits=1)
            assert (await building.read("room")).properties["visits"] == value(1)
