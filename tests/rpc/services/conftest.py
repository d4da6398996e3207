"""The same tests over both upstreams: the embedded service, and localtwins over HTTPS in the place of Azure."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import grpc.aio
import pytest

from localtwins.certificate import DevelopmentCertificate, development_certificate
from twinfront_server.settings import Settings

from .building import Building
from .over_tls import serving_over_tls


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> DevelopmentCertificate:
    return development_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def blobs(tmp_path: Path) -> Path:
    """The folder in which jobs find `file:` blobs, and the endpoint `events` its file."""
    folder = tmp_path / "blobs"
    folder.mkdir()
    return folder


@pytest.fixture
def data_dir() -> str:
    """Where the upstream has its twins: one that is empty and keeps nothing, unless a module has another."""
    return ":memory:"


@pytest.fixture(params=["local", "https"])
async def settings(
    request: pytest.FixtureRequest,
    certificate: DevelopmentCertificate,
    blobs: Path,
    data_dir: str,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Settings]:
    """Of a server on free ports."""
    serving = {"listen": "127.0.0.1:0", "metrics_listen": "none", "health_interval": 3600.0}
    endpoints = {"events": f"file:{blobs / 'events.ndjson'}"}
    if request.param == "local":
        monkeypatch.setenv("LOCALTWINS_JOBS_DIR", str(blobs))
        monkeypatch.setenv("LOCALTWINS_ENDPOINT", json.dumps(endpoints))
        yield Settings.of(serving | {"data_dir": data_dir})
        return
    async with serving_over_tls(certificate, data_dir=data_dir, jobs_dir=str(blobs), endpoint=endpoints) as (_, url):
        upstream = {"upstream": url, "upstream_ca": str(certificate.authority), "upstream_credential": "none"}
        yield Settings.of(serving | upstream)


@pytest.fixture
async def building(channel: grpc.aio.Channel) -> Building:
    return await Building.open(channel)
