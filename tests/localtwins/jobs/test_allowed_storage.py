"""Jobs use the storage that the operator names, and no other."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from localtwins import LocalTwins, Settings
from localtwins.allowed_storage import AllowedStorage, Location
from twinfront_program.startup_error import StartupError

from ..adt import Adt
from .importing import Jobs, lines, machine

SMALL = lines(twins=[machine("m")])


class Listener:
    """An HTTP server that notes who asks for what, and answers with a redirect, or that nothing is there."""

    def __init__(self) -> None:
        self.hits: list[str] = []
        self.redirect: str | None = None
        self.url = ""

    async def answer(self, request: web.BaseRequest) -> web.Response:
        self.hits.append(f"{request.method} {request.path_qs}")
        if self.redirect is not None:
            return web.Response(status=302, headers={"Location": self.redirect})
        return web.Response(status=404)


@asynccontextmanager
async def listening() -> AsyncIterator[Listener]:
    listener = Listener()
    server = web.Server(listener.answer)
    runner = web.ServerRunner(server)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0]
    listener.url = f"http://{host}:{port}"
    yield listener
    await runner.cleanup()


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    async with listening() as listener:
        yield listener


@asynccontextmanager
async def jobs_with(folder: Path, storage: str | None) -> AsyncIterator[Jobs]:
    service = await LocalTwins.open(":memory:", Settings(jobs_dir=str(folder), jobs_storage=storage))
    yield Jobs(Adt(service), folder)
    await service.close()


@pytest.mark.parametrize("member", ["inputBlobUri", "outputBlobUri"])
async def test_without_a_setting_no_url_is_used(folder: Path, listener: Listener, member: str):
    async with jobs_with(folder, None) as jobs:
        uris = {
            "inputBlobUri": "file:in",
            "outputBlobUri": "file:out",
            member: f"{listener.url}/a/container/blob?sig=s",
        }
        answer = await jobs.adt.put("/jobs/imports/one", uris)
        assert (answer.status, answer.code) == (400, "InvalidArgument")
        assert "--jobs-storage" in answer.message
        assert "sig=" not in answer.message
        assert (await jobs.adt.get("/jobs/imports")).body["value"] == []
    assert not listener.hits


async def test_an_allowed_url_is_asked_for_as_it_was_written(folder: Path, listener: Listener):
    async with jobs_with(folder, f"{listener.url}/account") as jobs:
        await jobs.put("one", f"{listener.url}/account/container/a%20folder/in", "file:log")
        job = await jobs.finished("one")
    assert job["error"]["code"] == "UnableToReadInputBlob"
    assert set(listener.hits) == {"HEAD /account/container/a%20folder/in"}


async def test_a_place_that_the_sdk_would_ask_for_otherwise_is_not_asked_for(folder: Path, listener: Listener):
    async with jobs_with(folder, listener.url) as jobs:
        await jobs.put("one", f"{listener.url}/internal/secret", "file:log")
        assert (await jobs.finished("one"))["error"]["code"] == "UnableToReadInputBlob"
    assert not listener.hits


@pytest.mark.parametrize("same_host", [True, False])
async def test_redirects_are_not_followed(folder: Path, listener: Listener, same_host: bool):
    async with listening() as elsewhere:
        base = listener.url if same_host else elsewhere.url
        listener.redirect = f"{base}/elsewhere/container/blob"
        async with jobs_with(folder, f"{listener.url}/account") as jobs:
            (folder / "in").write_bytes(b"\n".join(SMALL))
            await jobs.put("read", f"{listener.url}/account/container/in", "file:log")
            assert (await jobs.finished("read"))["error"]["code"] == "UnableToReadInputBlob"
            await jobs.put("write", "file:in", f"{listener.url}/account/container/out")
            assert (await jobs.finished("write"))["error"]["code"] == "UnableToWriteToOutputBlob"
        assert not elsewhere.hits
    assert {hit.partition("?")[0] for hit in listener.hits} == {
        "HEAD /account/container/in",
        "PUT /account/container/out",
    }


async def test_the_proxy_of_the_environment_is_not_used(
    folder: Path, listener: Listener, monkeypatch: pytest.MonkeyPatch
):
    async with listening() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        async with jobs_with(folder, listener.url) as jobs:
            await jobs.put("one", f"{listener.url}/account/container/in", "file:log")
            await jobs.finished("one")
        assert listener.hits
        assert not proxy.hits


async def test_a_job_from_before_is_held_to_the_setting_of_today(tmp_path: Path, folder: Path, listener: Listener):
    allowing = Settings(jobs_dir=str(folder), jobs_storage=listener.url)
    service = await LocalTwins.open(tmp_path / "data", allowing)
    await service._jobs.stop()
    service._jobs.wake = lambda: None  # type: ignore[method-assign]
    await Jobs(Adt(service), folder).put("one", f"{listener.url}/account/container/in", "file:log")
    await service.close()
    service = await LocalTwins.open(tmp_path / "data", Settings(jobs_dir=str(folder)))
    error = (await Jobs(Adt(service), folder).finished("one"))["error"]
    await service.close()
    assert error["code"] == "UnableToReadInputBlob"
    assert "--jobs-storage" in error["message"]
    assert not listener.hits


ALLOWED = "mygraphs,https://own.example:8443/a/in,http://127.0.0.1:10000/devstoreaccount1,http://[::1]:10000/acc"


@pytest.mark.parametrize(
    "url",
    [
        "https://mygraphs.blob.core.windows.net/in/graph.ndjson",
        "HTTPS://MyGraphs.Blob.Core.Windows.NET:443/in/graph.ndjson?sv=1&sig=a/../b",
        "https://mygraphs.blob.core.windows.net/in/a/b%20c/d%2Fe",
        "https://own.example:8443/a/in/x",
        "https://own.example:8443/a/in/x/y",
        "https://own.example:8443/a/%69n/x",
        "http://127.0.0.1:10000/devstoreaccount1/c/b",
        "http://[0:0:0:0:0:0:0:1]:10000/acc/c/b",
    ],
)
def test_a_url_below_an_allowed_place_is_allowed(url: str):
    assert AllowedStorage.parse(ALLOWED.split(",")).has(Location.parse(url))


@pytest.mark.parametrize(
    "url",
    [
        "http://mygraphs.blob.core.windows.net/in/graph.ndjson",
        "https://mygraphs.blob.core.windows.net:8443/in/graph.ndjson",
        "https://mygraphs.blob.core.windows.net./in/graph.ndjson",
        "https://mygraphs.blob.core.windows.net.evil.example/in/graph.ndjson",
        "https://evil.example/mygraphs.blob.core.windows.net/in",
        "https://mygraphs2.blob.core.windows.net/in/graph.ndjson",
        "https://xmygraphs.blob.core.windows.net/in/graph.ndjson",
        "https://own.example/a/in/x",
        "https://own.example:8443/a/inside/x",
        "https://own.example:8443/a/IN/x",
        "https://own.example:8443/a",
        "https://own.example:8443/a/in%252Fx/y",
        "http://127.0.0.1/devstoreaccount1/c/b",
        "http://127.0.0.1:10001/devstoreaccount1/c/b",
        "http://localhost:10000/devstoreaccount1/c/b",
        "http://127.1:10000/devstoreaccount1/c/b",
        "http://2130706433:10000/devstoreaccount1/c/b",
        "http://0x7f.0.0.1:10000/devstoreaccount1/c/b",
        "http://[::ffff:127.0.0.1]:10000/devstoreaccount1/c/b",
        "http://[::2]:10000/acc/c/b",
        "http://127.0.0.1:10000/devstoreaccount1x/c/b",
        "http://127.0.0.1:10000/",
    ],
)
def test_a_url_elsewhere_is_not_allowed(url: str):
    assert not AllowedStorage.parse(ALLOWED.split(",")).has(Location.parse(url))


@pytest.mark.parametrize(
    "url",
    [
        "https://mygraphs.blob.core.windows.net@evil.example/in/x",
        "https://user:secret@mygraphs.blob.core.windows.net/in/x",
        "https://evil.example\\@mygraphs.blob.core.windows.net/in/x",
        "https://evil.example#@mygraphs.blob.core.windows.net/in/x",
        "https://mygraphs.blob.core.windows.net/in/x#y",
        "https://mygraphs.blob.core.windows.net/in/../../x",
        "https://mygraphs.blob.core.windows.net/in/%2e%2e/x",
        "https://mygraphs.blob.core.windows.net/in/.%2E/x",
        "https://mygraphs.blob.core.windows.net/in/%2e%2e%2fx",
        "https://mygraphs.blob.core.windows.net/in/..%5Cx",
        "https://mygraphs.blob.core.windows.net/in/./x",
        "https://mygraphs.blob.core.windows.net//in/x",
        "https://mygraphs.blob.core.windows.net/in/x%00",
        "https://mygraphs.blob.core.windows.net/in/x%0d%0aHost:evil",
        "https://mygraphs.blob.core.windows.net/in/%zz",
        "https://mygraphs.blob.core.windows.net/in/%ff",
        "https://mygraphs.blob.core.windows.net/in/a b",
        "https://mygraphs.blob.core.windows.net/in/a\nb",
        "https://mygraphs.blob.core.windows.net:99999/in/x",
        "https://mygraphs.blob.core.windows.net:x/in/x",
        "https://mÿgraphs.blob.core.windows.net/in/x",
        "https://mygraphs。blob.core.windows.net/in/x",
        "https://mygraphs.blob.core.windows.net%2eevil.example/in/x",
        "https://[::1]evil.example/in/x",
        "https://[fe80::1%25eth0]/in/x/" + "x" * 9000,
        "https:///in/x",
        "https:/in/x",
        "ftp://mygraphs.blob.core.windows.net/in/x",
    ],
)
def test_what_can_be_read_in_two_ways_is_no_url(url: str):
    with pytest.raises(ValueError, match=r"."):
        Location.parse(url)


async def test_urls_that_are_none_are_refused_with_a_reason(folder: Path):
    async with jobs_with(folder, ALLOWED) as jobs:
        for url in (
            "https://user:secret@mygraphs.blob.core.windows.net/in/x?sig=s",
            "https://mygraphs.blob.core.windows.net/in/%2e%2e/x?sig=s",
            "https://mygraphs.blob.core.windows.net/in?sig=s",
            "https://mygraphs.blob.core.windows.net/in/" + "x" * 100_000,
        ):
            answer = await jobs.put("one", url, "file:log")
            assert (answer.status, answer.code) == (400, "InvalidArgument")
            assert "secret" not in answer.message
            assert "sig=" not in answer.message
            assert len(answer.message) < 1500


@pytest.mark.parametrize(
    "value",
    [
        "MyGraphs",
        "mygraphs.blob.core.windows.net",
        "https://a.example/x?sig=s",
        "ftp://a.example",
        "https://a.example/..",
    ],
)
def test_a_setting_that_names_no_storage_is_told_at_the_start(value: str):
    with pytest.raises(StartupError, match="--jobs-storage"):
        Settings.load({"jobs_storage": [value]})
