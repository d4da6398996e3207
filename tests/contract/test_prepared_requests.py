"""Requests that are built beforehand, held against those that the SDK builds: same requests, answers and errors."""

import platform
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from operator import attrgetter
from typing import Any

import orjson
import pytest
from azure.core.rest import HttpRequest
from azure.digitaltwins.core.aio import DigitalTwinsClient
from prometheus_client import CollectorRegistry
from tests.fault.fault_server import Answer, FaultServer, fault_server

from localtwins.transport import LocalTransport
from twinfront_server.adt.body import Body
from twinfront_server.errors import TwinfrontError
from twinfront_server.metrics import Metrics
from twinfront_server.settings import Settings
from twinfront_server.upstream import Upstream, open_upstream
from twinfront_server.upstream.operation import Asked
from twinfront_server.upstream.sdk.credential import NO_CREDENTIAL
from twinfront_server.upstream.sdk.prepared_requests import _MARKS, PreparedRequests
from twinfront_server.upstream.sending import send
from twinfront_server.upstream.writing import Writing

Call = Callable[[Upstream, str], Awaitable[Any]]

TWIN = Body(orjson.dumps({"$metadata": {"$model": "dtmi:example:Room;1"}, "name": "Küche"}), "digital_twin")
PATCH = Body(b'[{"op":"replace","path":"/temperature","value":21.5}]', "patch", items=["/temperature"])
EDGE = Body(b'{"$relationshipName":"next","$targetId":"b"}', "relationship", ids={"target_id": "b"})
LARGE = Body(orjson.dumps({"text": "x" * (2 << 20)}), "digital_twin")
"""One that goes in pieces."""
ETAG = 'W/"e59ce8f5-03c0-4356-aea9-249ecbdc07f9"'

CALLS: dict[str, Call] = {
    "get_digital_twin": lambda upstream, name: upstream.twins.get(name),
    "upsert_digital_twin": lambda upstream, name: upstream.twins.put(name, TWIN, if_none_match=False),
    "upsert_digital_twin, large": lambda upstream, name: upstream.twins.put(name, LARGE, if_none_match=False),
    "upsert_digital_twin, new": lambda upstream, name: upstream.twins.put(name, TWIN, if_none_match=True),
    "update_digital_twin": lambda upstream, name: upstream.twins.patch(name, PATCH, if_match=""),
    "update_digital_twin, etag": lambda upstream, name: upstream.twins.patch(name, PATCH, if_match=ETAG),
    "update_digital_twin, *": lambda upstream, name: upstream.twins.patch(name, PATCH, if_match="*"),
    "delete_digital_twin": lambda upstream, name: upstream.twins.delete(name, if_match=""),
    "delete_digital_twin, etag": lambda upstream, name: upstream.twins.delete(name, if_match=ETAG),
    "delete_digital_twin, *": lambda upstream, name: upstream.twins.delete(name, if_match="*"),
    "get_component": lambda upstream, name: upstream.twins.get_component("room", name),
    "update_component": lambda upstream, name: upstream.twins.patch_component(name, "lamp", PATCH, if_match=""),
    "update_component, etag": lambda upstream, name: upstream.twins.patch_component("a", name, PATCH, if_match=ETAG),
    "update_component, *": lambda upstream, name: upstream.twins.patch_component(name, name, PATCH, if_match="*"),
    "get_relationship": lambda upstream, name: upstream.relationships.get(name, f"{name}{name}"),
    "upsert_relationship": lambda upstream, name: upstream.relationships.put("a", name, EDGE, if_none_match=False),
    "upsert_relationship, new": lambda upstream, name: upstream.relationships.put(name, "r", EDGE, if_none_match=True),
    "update_relationship": lambda upstream, name: upstream.relationships.patch("a", name, PATCH, if_match=""),
    "update_relationship, etag": lambda upstream, name: upstream.relationships.patch(name, "r", PATCH, if_match=ETAG),
    "update_relationship, *": lambda upstream, name: upstream.relationships.patch(name, "r", PATCH, if_match="*"),
    "delete_relationship": lambda upstream, name: upstream.relationships.delete("a", name, if_match=""),
    "delete_relationship, etag": lambda upstream, name: upstream.relationships.delete(name, name, if_match=ETAG),
    "delete_relationship, *": lambda upstream, name: upstream.relationships.delete(name, "r", if_match="*"),
    "_client.query.query_twins": lambda upstream, name: upstream.queries.page(
        f"SELECT * FROM digitaltwins WHERE $dtId = '{name}'", "", page_size=len(name)
    ),
    "_client.query.query_twins, next page": lambda upstream, name: upstream.queries.page(
        "SELECT * FROM digitaltwins", f"token {name}", page_size=100
    ),
}
"""By the SDK's method."""

NAMES = [
    "room",
    "room 1",
    "a/b",
    "/a",
    "a/../b",
    "...",
    "a%2Fb",
    "%7Bid%7D",
    "{id}",
    "{0}",
    "{",
    "a?b=c&api-version=1",
    "a#b",
    "a+b",
    "a:b;c,d",
    "a\\b",
    "'\"<>",
    "~a_b-c.d",
    "raum-ä",
    "\u90e8\u5c4b\U0001f3e2\u00a0",
    "x" * 2048,
    *_MARKS[:2],
    f"a{_MARKS[1]}{_MARKS[0]}b",
]

DATE = "Mon, 01 Jun 2026 07:30:00 GMT"
OK = {
    "GET": Answer(200, {"$dtId": "room", "temperature": 21}, {"ETag": ETAG}),
    "PUT": Answer(200, {"$dtId": "room", "$relationshipId": "r"}, {"ETag": ETAG}),
    "POST": Answer(200, {"value": [{"$dtId": "room"}], "continuationToken": "further"}, {"query-charge": "2.5"}),
    "PATCH": Answer(204, headers={"ETag": ETAG}),
    "DELETE": Answer(204),
}


def refusal(code: str, message: str = "It is so. See the documentation.") -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "details": [{"code": "Detail", "message": "In one place."}]}}


ANSWERS = {
    "without an etag": Answer(200, {"$dtId": "room"}),
    "of a success that it has not": Answer(202, {"$dtId": "room"}, {"ETag": ETAG}),
    "without content": Answer(204, headers={"ETag": ETAG}),
    "without content or etag": Answer(204),
    "in part": Answer(206, {"$dtId": "room"}),
    "of several charges": Answer(200, {"value": []}, {"query-charge": "2.5, 3"}),
    "of no charge": Answer(200, {"value": []}, {"query-charge": "-1"}),
    "without a charge": Answer(200, {"value": []}),
    "with an odd etag": Answer(200, {"$dtId": "room", "value": []}, {"ETag": "\u00e4 odd"}),
    "with no JSON": Answer(200, b"<html>Sign in</html>", {"Content-Type": "text/html"}),
    "that leads elsewhere": Answer(302, headers={"Location": "https://example.com/"}),
    "that is not modified": Answer(304),
    "400": Answer(400, refusal("ValidationFailed")),
    "400 of JSON Patch": Answer(400, refusal("JsonPatchInvalid")),
    "400 without a body": Answer(400),
    "400 with a long body": Answer(400, refusal("ValidationFailed", "long " * 5000)),
    "401": Answer(401, refusal("Unauthenticated")),
    "403": Answer(403, b"no"),
    "404": Answer(404, refusal("DigitalTwinNotFound")),
    "404 of a relationship": Answer(404, refusal("RelationshipNotFound")),
    "404 of something else": Answer(404, b"nobody here", {"Content-Type": "text/plain"}),
    "409": Answer(409, refusal("RelationshipAlreadyExists")),
    "412": Answer(412, refusal("PreconditionFailed")),
    "429": Answer(429, refusal("TooManyRequests"), {"Retry-After": "7"}),
    "501": Answer(501, refusal("NotImplemented")),
}


def plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has the methods that are asked for from now on be the SDK's own."""

    def init(self: Any, sdk: DigitalTwinsClient) -> None:
        self.sdk = sdk

    def method(
        self: Any, name: str, arranged: Callable[..., tuple[Any, ...]] = lambda *texts: texts, **_options: Any
    ) -> Callable[..., Any]:
        own = attrgetter(name)(self.sdk)
        return lambda *texts, **options: own(*arranged(*texts), **options)

    monkeypatch.setattr(PreparedRequests, "__init__", init)
    monkeypatch.setattr(PreparedRequests, "method", method)


@pytest.fixture
async def server() -> AsyncIterator[FaultServer]:
    async with fault_server() as server:
        yield server


@pytest.fixture
def written() -> list[Any]:
    """Gives what writes over HTTP were answered; what is made of a lost answer is none of the requests' business."""
    return []


@pytest.fixture
async def over_http(
    server: FaultServer, written: list[Any], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Upstream, Upstream]]:
    """Two upstreams at one server: with requests that are prepared, and with the SDK's own."""

    async def write(_self: object, asked: Asked, method: Callable[..., Any], *texts: str, **options: Any) -> Any:
        written.append(await send(asked, method, *texts, **options))
        return written[-1]

    monkeypatch.setattr(Writing, "write", write)
    settings = Settings(upstream=server.url, upstream_credential="none", read_retries=0, upstream_failures=0)
    prepared = await open_upstream(settings, Metrics(CollectorRegistry()))
    with pytest.MonkeyPatch.context() as patched:
        plainly(patched)
        plain = await open_upstream(settings, Metrics(CollectorRegistry()))
    yield prepared, plain
    await prepared.close()
    await plain.close()


@pytest.fixture
async def in_process() -> AsyncIterator[tuple[Upstream, Upstream]]:
    """The same with an embedded service each."""
    prepared = await open_upstream(Settings(data_dir=":memory:"), Metrics(CollectorRegistry()))
    with pytest.MonkeyPatch.context() as patched:
        plainly(patched)
        plain = await open_upstream(Settings(data_dir=":memory:"), Metrics(CollectorRegistry()))
    yield prepared, plain
    await prepared.close()
    await plain.close()


def test_the_calls_are_about_every_method_that_is_prepared(monkeypatch: pytest.MonkeyPatch):
    prepared = set()

    def method(_self: object, name: str, *_args: object, **_options: object) -> None:
        prepared.add(name)

    monkeypatch.setattr(PreparedRequests, "method", method)
    Upstream(DigitalTwinsClient("https://example.com", NO_CREDENTIAL, policies=[]))
    assert {name.partition(",")[0] for name in CALLS} == prepared


@pytest.mark.parametrize("name", NAMES, ids=lambda name: name[:20])
async def test_requests_over_http_are_the_same(server: FaultServer, over_http: tuple[Upstream, Upstream], name: str):
    for method, answer in OK.items():
        server.on(f"^{method} ", replace(answer, headers={"Date": DATE, **answer.headers}))
    for about, call in CALLS.items():
        prepared, plain = [await call(upstream, name) for upstream in over_http]
        sent = [(each.method, each.target, _fields(each.headers), each.body) for each in server.requests]
        assert sent[0] == sent[1], about
        assert prepared == plain, about
        assert len(sent) == 2
        server.requests.clear()


@pytest.mark.parametrize("name", NAMES, ids=lambda name: name[:20])
async def test_requests_in_process_are_the_same(
    in_process: tuple[Upstream, Upstream], name: str, monkeypatch: pytest.MonkeyPatch
):
    sent: list[tuple[Any, ...]] = []
    send = LocalTransport.send

    async def recorded(self: LocalTransport, request: HttpRequest, **options: object) -> Any:
        content = request.content
        body = content.getvalue() if hasattr(content, "getvalue") else content
        sent.append((request.method, request.url, _fields(request.headers), body))
        return await send(self, request, **options)

    monkeypatch.setattr(LocalTransport, "send", recorded)
    for about, call in CALLS.items():
        prepared, plain = [await _outcome(call(upstream, name)) for upstream in in_process]
        half = len(sent) // 2
        assert sent[:half] == sent[half:], about
        assert prepared == plain, about
        assert sent
        sent.clear()


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
async def test_what_an_answer_means_is_the_same(
    server: FaultServer, over_http: tuple[Upstream, Upstream], written: list[Any], answer: Answer
):
    server.on("", replace(answer, headers={"Date": DATE, **answer.headers}))
    for about, call in CALLS.items():
        prepared, plain = [await _outcome(call(upstream, "room")) for upstream in over_http]
        assert prepared == plain, about
    assert written[::2] == written[1::2]


async def test_requests_are_built_once(monkeypatch: pytest.MonkeyPatch, in_process: tuple[Upstream, Upstream]):
    upstream, _ = in_process
    built = []
    build = PreparedRequests.build

    def counted(self: PreparedRequests, *args: Any) -> HttpRequest:
        built.append(args)
        return build(self, *args)

    monkeypatch.setattr(PreparedRequests, "build", counted)
    for name in ("a", "b", "c"):
        await _outcome(upstream.twins.patch(name, PATCH, if_match=""))
        await _outcome(upstream.twins.patch(name, PATCH, if_match=f'"{name}"'))
    assert len(built) == 2


def test_to_build_a_request_runs_no_program(monkeypatch: pytest.MonkeyPatch):
    """The SDK would run `uname` for its user agent, on the event loop."""
    requests = PreparedRequests(DigitalTwinsClient("https://example.com", NO_CREDENTIAL, policies=[]))

    def runs(*_args: object, **_options: object) -> None:
        pytest.fail("it asks for the platform")

    monkeypatch.setattr(platform, "platform", runs)
    assert requests.build("get_digital_twin", ("room",), {}).method == "GET"


def _fields(headers: Any) -> list[tuple[str, str]]:
    return sorted((name.lower(), value) for name, value in headers.items())


async def _outcome(call: Awaitable[Any]) -> Any:
    try:
        return await call
    except TwinfrontError as error:
        return error.reason, error.message, error.metadata, [str(each) for each in error.details], error.pushback_ms
