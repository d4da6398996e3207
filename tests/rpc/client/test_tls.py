"""TLS, client certificates and tokens over it."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import grpc
import pytest
from tests.rpc.serving.certificates import Authority, Issued

import twinfront
from twinfront import TlsConfig
from twinfront.v1.digital_twin_service_pb2 import DeleteDigitalTwinResponse
from twinfront_server.app import App
from twinfront_server.settings import Settings

from .awaited import Connect
from .scripted_server import ScriptedServer


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def server_certificate(authority: Authority) -> Issued:
    return authority.issue("server")


Serve = Callable[..., AbstractAsyncContextManager[App]]


@pytest.fixture
def serve_tls(server_certificate: Issued) -> Serve:
    def make(**settings: str) -> App:
        tls: dict[str, Any] = {
            "engine": "grpcio",
            "tls_cert": str(server_certificate.cert),
            "tls_key": str(server_certificate.key),
            **settings,
        }
        return App(Settings(listen="127.0.0.1:0", metrics_listen="none", data_dir=":memory:", **tls))

    return make


async def test_a_server_that_the_authority_vouches_for(
    serve_tls: Serve, authority: Authority, connect: Connect
) -> None:
    async with serve_tls() as app:
        client = connect(str(app.address), tls=TlsConfig(ca=authority.cert))
        assert [model async for model in client.list_models()] == []


@pytest.mark.parametrize("read", [Path.read_bytes, Path.read_text], ids=["bytes", "text"])
async def test_certificates_can_be_given_as_pem(
    serve_tls: Serve, authority: Authority, connect: Connect, read: Callable[[Path], bytes | str]
) -> None:
    async with serve_tls() as app:
        client = connect(str(app.address), tls=TlsConfig(ca=read(authority.cert)))
        assert [model async for model in client.list_models()] == []


async def test_a_server_that_nobody_vouches_for_is_not_talked_to(serve_tls: Serve, connect: Connect) -> None:
    async with serve_tls() as app:
        client = connect(str(app.address), tls=True)
        with pytest.raises(twinfront.DeadlineExceededError):
            await client.get_model("dtmi:example:Room;1", timeout=0.5)


async def test_the_certificate_may_bear_another_name_than_the_target(
    serve_tls: Serve, authority: Authority, connect: Connect
) -> None:
    async with serve_tls() as app:
        right = connect(str(app.address), tls=TlsConfig(ca=authority.cert, server_name="localhost"))
        wrong = connect(str(app.address), tls=TlsConfig(ca=authority.cert, server_name="twins.example.com"))
        assert [model async for model in right.list_models()] == []
        with pytest.raises(twinfront.DeadlineExceededError):
            await wrong.get_model("dtmi:example:Room;1", timeout=0.5)


async def test_a_client_certificate_where_the_server_asks_for_one(
    serve_tls: Serve, authority: Authority, connect: Connect
) -> None:
    mine = authority.issue("client")
    async with serve_tls(tls_client_ca=str(authority.cert)) as app:
        client = connect(str(app.address), tls=TlsConfig(ca=authority.cert, cert=mine.cert, key=mine.key))
        assert [model async for model in client.list_models()] == []
        stranger = connect(str(app.address), tls=TlsConfig(ca=authority.cert))
        with pytest.raises(twinfront.TwinfrontError) as caught:
            await stranger.get_model("dtmi:example:Room;1", timeout=0.5)
        assert caught.value.code in {grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE}


async def test_a_token_travels_over_tls(
    authority: Authority,
    server_certificate: Issued,
    connect: Connect,
    make_scripted: Callable[..., ScriptedServer],
) -> None:
    pair = (server_certificate.key.read_bytes(), server_certificate.cert.read_bytes())
    scripted = make_scripted(grpc.ssl_server_credentials([pair]))
    scripted.answers["DeleteDigitalTwin"] = lambda *_: DeleteDigitalTwinResponse()
    client = connect(scripted.target, tls=TlsConfig(ca=authority.cert), token="secret")
    await client.delete_digital_twin("room-1")
    assert scripted.metadata[0]["authorization"] == "Bearer secret"
