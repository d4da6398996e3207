"""What the page says about a reason is what a caller meets: class, code, details and metadata."""

import asyncio
import contextlib
import functools
import http.server
import os
import re
import shlex
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import grpc.aio
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from tests.fault.fault_server import Answer, fault_server
from tests.rpc.access.issuer import Issuer
from tests.rpc.serving import process

import twinfront
from docs.generate import errors
from twinfront import AsyncTwinfrontClient, TwinfrontClient, TwinfrontError, from_rpc_error
from twinfront.v1.change_service_pb2 import GetChangeLogRequest, WatchRequest
from twinfront.v1.change_service_pb2_grpc import ChangeServiceStub
from twinfront_server.app import App
from twinfront_server.settings import Settings

REASONS = {reason.name: reason for reason in errors.reasons()}
SETTINGS = Settings(listen="127.0.0.1:0", metrics_listen="none", data_dir=":memory:", health_interval=3600.0)


def test_every_reason_has_an_example():
    """An example is carried out below, so each reason is one that the server was seen to answer with."""
    assert set(errors.EXAMPLES) ^ set(errors.TEXTS) == set(REASONS)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwinfrontClient]:
    with _client(tmp_path_factory.mktemp("served"), ["--sample"], {}) as client:
        yield client


@pytest.fixture
def web_server(tmp_path: Path) -> Iterator[str]:
    """The address of a web server that knows nothing of twins."""
    with _serving(functools.partial(_QuietHandler, directory=str(tmp_path))) as address:
        yield address


@pytest.fixture
def azure() -> Iterator[str]:
    """The address of what answers the server's probe as Azure Digital Twins does, and would store what it is sent."""
    with _serving(_AzureHandler) as address:
        yield address


@contextlib.contextmanager
def _serving(handler: Callable[..., http.server.BaseHTTPRequestHandler]) -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the base class names it so)
        """Nobody wants to read it."""


class _AzureHandler(_QuietHandler):
    def do_GET(self) -> None:
        """Answers that there is no such model, which is what the probe asks for."""
        body = b'{"error": {"code": "ModelNotFound", "message": "There is no such model."}}'
        self.send_response(404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextlib.contextmanager
def _client(folder: Path, words: list[str], variables: dict[str, str]) -> Iterator[TwinfrontClient]:
    served = process.start(folder, words, variables)
    try:
        with TwinfrontClient(served.address) as client:
            yield client
    finally:
        served.end()


@pytest.mark.parametrize("name", sorted(errors.EXAMPLES.keys() - errors.SERVERS.keys()))
def test_the_example_fails_as_the_page_says(sample: TwinfrontClient, name: str):
    _fails_as_the_page_says(sample, name)


@pytest.mark.parametrize("name", errors.SERVERS)
def test_the_example_with_a_server_of_its_own_fails_as_the_page_says(
    name: str, web_server: str, azure: str, tmp_path: Path
):
    command = errors.SERVERS[name].replace("localhost:8000", web_server)
    real = re.sub(r"https://\S+", f"http://{azure} --upstream-credential none", command)
    words = shlex.split(real)
    variables = dict(word.split("=", 1) for word in words[: words.index("twinfront")])
    if "LOCALTWINS_JOBS_DIR" in variables:
        variables["LOCALTWINS_JOBS_DIR"] = str(tmp_path / variables["LOCALTWINS_JOBS_DIR"])
    with _client(tmp_path, words[words.index("serve") + 1 :], variables) as client:
        _fails_as_the_page_says(client, name)


def _fails_as_the_page_says(client: TwinfrontClient, name: str) -> None:
    names: dict[str, Any] = {**vars(twinfront), "time": time, "client": client}
    with pytest.raises(TwinfrontError) as raised:
        exec(errors.EXAMPLES[name], names)
    _is_as_the_page_says(raised.value, name)


def _is_as_the_page_says(error: TwinfrontError, name: str) -> None:
    reason = REASONS[name]
    assert (type(error).__name__, error.code.name) == (reason.exception, reason.code)
    assert error.reason == name
    details = {type(detail).DESCRIPTOR.full_name.removeprefix("twinfront.v1.") for detail in error.details}
    promised = set(re.findall(r"`([\w.]*[A-Z]\w+)`", reason.details)) - {"google.rpc.ErrorInfo"}
    assert details >= promised
    ids = set(re.findall(r"`(\w+)`", reason.metadata))
    assert not ids or ids & error.metadata.keys()


async def _credential_rejected() -> None:
    async with fault_server() as upstream:
        upstream.on("GET", Answer(401, {"error": {"code": "Unauthorized", "message": "No."}}))
        settings = SETTINGS.changed(upstream=upstream.url, upstream_credential="none")
        async with App(settings) as app, AsyncTwinfrontClient(str(app.address)) as client:
            await client.get_digital_twin("room-001")


async def _server_faulty() -> None:
    async with App(SETTINGS) as app, AsyncTwinfrontClient(str(app.address)) as client:
        app.upstream.twins.get = None  # type: ignore[assignment,method-assign]
        await client.get_digital_twin("room-001")


async def _server_draining() -> None:
    # A client that sends again would wait for a server that takes the place of this one.
    async with App(SETTINGS) as app, AsyncTwinfrontClient(str(app.address), retry=False) as client:
        app._chain.draining.begin()
        await client.get_digital_twin("room-001")


async def _stream_not_read() -> None:
    settings = SETTINGS.changed(max_unread_time=1.0)
    small_window = {"grpc.http2.bdp_probe": 0, "grpc.http2.lookahead_bytes": 65536}
    of_no_model = {"$dtId": "x" * 100, "$metadata": {"$model": "dtmi:example:Nothing;1"}}
    async with (
        App(settings) as app,
        # One that sends again goes on by itself, as the text says.
        AsyncTwinfrontClient(str(app.address), options=small_window, retry=False) as client,
    ):
        pauses = iter([3.0])
        async for _report in client.import_graph([of_no_model] * 20_000):
            await asyncio.sleep(next(pauses, 0.0))


async def _called(token: Callable[[Issuer], str | None]) -> None:
    """Calls a server that asks who calls."""
    with Issuer() as issuer:
        settings = SETTINGS.changed(**issuer.settings())
        async with (
            App(settings) as app,
            AsyncTwinfrontClient(str(app.address), insecure=True, token=token(issuer)) as client,
        ):
            await client.get_digital_twin("room-001")


async def _authorizer_gone() -> None:
    with Issuer() as issuer:
        authorize = {"authorize": "grpc://127.0.0.1:1"}  # nobody listens there
        settings = SETTINGS.changed(**issuer.settings() | authorize)
        async with (
            App(settings) as app,
            AsyncTwinfrontClient(str(app.address), insecure=True, token=issuer.token(roles=["reader"])) as client,
        ):
            await client.get_digital_twin("room-001")


async def _watch(settings: Settings, **request: Any) -> None:
    """Watches with a client that does not go on by itself."""
    async with App(settings) as app, grpc.aio.insecure_channel(str(app.address)) as channel:
        try:
            await anext(aiter(ChangeServiceStub(channel).Watch(WatchRequest(**request))))
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from None


async def _log_replaced() -> None:
    key = SETTINGS.changed(page_token_key="a key of sixteen characters")
    async with App(key) as app, grpc.aio.insecure_channel(str(app.address)) as channel:
        token = (await ChangeServiceStub(channel).GetChangeLog(GetChangeLogRequest())).newest_token
    await _watch(key, resume_token=token)


async def _log_trimmed() -> None:
    with mock.patch.dict(os.environ, LOCALTWINS_MAX_CHANGES="1"):
        await _watch(SETTINGS.changed(sample=True), start_time=Timestamp(seconds=1))


AZURE = "https://nobody.api.weu.digitaltwins.azure.net"
"""By its name it has no log of changes, and is not asked for one."""

MISFORTUNES: dict[str, Callable[[], Awaitable[None]]] = {
    "UPSTREAM_CREDENTIALS_REJECTED": _credential_rejected,
    "INTERNAL": _server_faulty,
    "SERVER_DRAINING": _server_draining,
    "STREAM_NOT_READ": _stream_not_read,
    "RESUME_TOKEN_INVALID": _log_replaced,
    "CHANGES_EXPIRED": _log_trimmed,
    "CHANGES_UNSUPPORTED": lambda: _watch(SETTINGS.changed(upstream=AZURE, upstream_credential="none")),
    "CREDENTIALS_MISSING": lambda: _called(lambda _: None),
    "CREDENTIALS_INVALID": lambda: _called(lambda issuer: issuer.token(exp=1)),
    "AUTHORIZER_UNAVAILABLE": _authorizer_gone,
    "CALLER_NOT_PERMITTED": lambda: _called(lambda issuer: issuer.token(sub="alice")),
}


@pytest.mark.parametrize("name", errors.TEXTS)
async def test_the_exception_reads_as_the_page_says(name: str):
    with pytest.raises(TwinfrontError) as raised:
        await asyncio.wait_for(MISFORTUNES[name](), timeout=30)
    _is_as_the_page_says(raised.value, name)
    assert _without_ids(str(raised.value)) == _without_ids(errors.TEXTS[name])


def _without_ids(text: str) -> str:
    return re.sub(r"[0-9a-f]{16}", "<id>", text)
