"""The same tests over both upstreams: the embedded service, and localtwins over HTTPS in the place of Azure."""

import ssl
from collections.abc import AsyncIterator

import grpc.aio
import pytest

from localtwins.certificate import DevelopmentCertificate, development_certificate
from localtwins.http_server import HttpServer
from localtwins.service import LocalTwins
from localtwins.settings import Settings as LocalSettings
from twinfront_server.settings import Settings

from .building import Building


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> DevelopmentCertificate:
    return development_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(params=["local", "https"])
async def settings(request: pytest.FixtureRequest, certificate: DevelopmentCertificate) -> AsyncIterator[Settings]:
    """Of a server on free ports, over an upstream that keeps nothing."""
    serving = {"listen": "127.0.0.1:0", "metrics_listen": "none", "health_interval": 3600.0}
    if request.param == "local":
        yield Settings.model_validate(serving | {"data_dir": ":memory:"})
        return
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate.chain, certificate.key)
    service = await LocalTwins.open(":memory:")
    server = HttpServer(service, LocalSettings(listen="127.0.0.1:0", shutdown_seconds=0), tls)
    await server.start()
    upstream = {"upstream": server.url, "upstream_ca": str(certificate.authority), "upstream_credential": "none"}
    yield Settings.model_validate(serving | upstream)
    await server.stop()
    await service.close()


@pytest.fixture
async def building(channel: grpc.aio.Channel) -> Building:
    return await Building.open(channel)
