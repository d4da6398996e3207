"""Parts of a server that are for callers whom nobody knows."""

import urllib.error
import urllib.request
from asyncio import to_thread
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc.aio
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest, ServerReflectionResponse
from tests.rpc.serving.echo import Metadata

from twinfront_server.app import App
from twinfront_server.settings import Settings

from .asking import bearer
from .issuer import Issuer


@asynccontextmanager
async def served(issuer: Issuer, **settings: Any) -> AsyncIterator[App]:
    given = {"listen": "127.0.0.1:0", "metrics_listen": "127.0.0.1:0", "data_dir": ":memory:"}
    async with App(Settings.of(given | issuer.settings(**settings))) as app:
        yield app


async def reflected(app: App, version: str, metadata: Metadata = ()) -> str:
    """Asks for the services and gives the code of the answer."""
    async with grpc.aio.insecure_channel(str(app.address)) as channel:
        method: Any = channel.stream_stream(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
            ServerReflectionRequest.SerializeToString,
            ServerReflectionResponse.FromString,
        )
        question = iter([ServerReflectionRequest(list_services="")])
        try:
            answers = [answer async for answer in method(question, metadata=tuple(metadata), timeout=20)]
        except grpc.aio.AioRpcError as error:
            return error.code().name
        return "OK" if answers else "nothing"


def page(app: App, path: str, **headers: str) -> tuple[int, str]:
    """Reads a page of the metrics port, and gives its status and text."""
    assert app.metrics_address is not None
    request = urllib.request.Request(app.metrics_address.url("http") + path, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status), str(answer.read().decode())
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


async def test_health_needs_no_credentials(issuer: Issuer):
    async with served(issuer, auth_exempt="none") as app, grpc.aio.insecure_channel(str(app.address)) as channel:
        answer = await HealthStub(channel).Check(HealthCheckRequest())
        assert answer.status == HealthCheckResponse.SERVING
        watched = HealthStub(channel).Watch(HealthCheckRequest(), metadata=bearer("garbage"))
        assert (await anext(aiter(watched))).status == HealthCheckResponse.SERVING


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_reflection_needs_credentials_and_no_role(issuer: Issuer, version: str):
    async with served(issuer) as app:
        assert await reflected(app, version) == "UNAUTHENTICATED"
        assert await reflected(app, version, bearer(issuer.token())) == "OK"


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_reflection_can_be_for_everybody(issuer: Issuer, version: str):
    async with served(issuer, auth_exempt="reflection") as app:
        assert await reflected(app, version) == "OK"


async def test_the_metrics_are_for_everybody_by_default(issuer: Issuer):
    async with served(issuer) as app:
        status, text = await to_thread(page, app, "/metrics")
        assert (status, "twinfront_jwt_key_reads_total" in text) == (200, True)


async def test_the_metrics_can_be_for_those_who_have_a_token(issuer: Issuer):
    async with served(issuer, auth_exempt="none") as app:
        assert await to_thread(page, app, "/metrics") == (
            401,
            "This server asks who calls: send a token in 'authorization: Bearer TOKEN'.\n",
        )
        expired = await to_thread(page, app, "/metrics", Authorization=f"Bearer {issuer.token(exp=1)}")
        assert expired == (401, "The token has expired.\n")
        status, text = await to_thread(page, app, "/metrics", Authorization=f"Bearer {issuer.token()}")
        assert (status, "twinfront_jwt_key_reads_total" in text) == (200, True)
        for probe in ("/livez", "/readyz"):
            assert (await to_thread(page, app, probe))[0] == 200
