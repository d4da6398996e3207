"""Something between the server and the upstream answers in its place, or breaks in ways of its own.

What the upstream has carried out is settled as if its answer had been lost: the caller gets the success.
"""

import ssl
from collections.abc import Awaitable, Callable

import aiohttp
import pytest
from azure.core.rest import HttpRequest

from localtwins.message import Response
from localtwins.transport import LocalResponse, LocalTransport
from twinfront import OutcomeUnknownError, UnavailableError

from .house import serving
from .lost_writes import TELEMETRY, WRITES, Write
from .test_injected_faults import furnish

pytestmark = pytest.mark.usefixtures("blobs")

HTML = {"Content-Type": "text/html"}
Hop = Callable[[HttpRequest, Response], Response]


def page(_request: HttpRequest, _answer: Response) -> Response:
    return Response(200, HTML, b"<html>Sign in</html>")


def half(_request: HttpRequest, answer: Response) -> Response:
    return Response(200, answer.headers, (answer.body or b'{"a": 1}')[:-2])


def redirect(_request: HttpRequest, _answer: Response) -> Response:
    return Response(302, {"Location": "https://elsewhere.invalid/"}, b"")


def other_type(_request: HttpRequest, answer: Response) -> Response:
    return Response(
        answer.status if answer.body else 200, {**answer.headers, "Content-Type": "text/plain"}, answer.body
    )


def another_success(_request: HttpRequest, answer: Response) -> Response:
    """204 for what has a body, and a body where there is none."""
    return Response(204, {}, b"") if answer.status != 204 else Response(200, {}, b"{}")


def somebody_else_s(_request: HttpRequest, answer: Response) -> Response:
    """JSON of another service, in the form that is expected: an object, or a list of such."""
    of_list = (answer.body or b"").startswith(b"[")
    return Response(200, {"Content-Type": "application/json"}, b'[{"ok":true}]' if of_list else b'{"ok":true}')


HOPS = [page, half, redirect, other_type, another_success, somebody_else_s]
BREAKS = [
    RuntimeError("File descriptor 21 is used by transport"),
    OSError(9, "Bad file descriptor"),
    ssl.SSLError(1, "bad record mac"),
    aiohttp.ClientError("odd"),
    aiohttp.ClientPayloadError("cut"),
    AssertionError(),
    ValueError("odd"),
    KeyError("odd"),
    TimeoutError(),
]
Send = Callable[[LocalTransport, HttpRequest], Awaitable[LocalResponse]]


def _is_write(request: HttpRequest) -> bool:
    return request.method != "GET" and "/query?" not in request.url


def _hop(monkeypatch: pytest.MonkeyPatch, hop: Hop | Exception, *, of_writes: bool = True) -> None:
    """Puts the hop in the way of the first answer to each request, which has been carried out by then."""
    send: Send = LocalTransport.send
    seen: set[tuple[str, str]] = set()

    async def sent(transport: LocalTransport, request: HttpRequest, **_options: object) -> LocalResponse:
        response = await send(transport, request)
        line = (request.method, request.url)
        if _is_write(request) is not of_writes or line in seen or response.status_code >= 400:
            return response
        seen.add(line)
        if isinstance(hop, Exception):
            raise hop
        return LocalResponse(request, hop(request, Response(response.status_code, response.headers, response.content)))

    monkeypatch.setattr(LocalTransport, "send", sent)


@pytest.mark.parametrize("hop", HOPS, ids=lambda hop: hop.__name__)
@pytest.mark.parametrize("write", WRITES, ids=str)
async def test_an_answer_that_cannot_be_read_is_settled(write: Write, hop: Hop, monkeypatch: pytest.MonkeyPatch):
    async with serving() as house:
        await furnish(house.client)
        await write.prepare(house.client)
        _hop(monkeypatch, hop)
        assert await write.call(house.client)
        assert house.counted("twinfront_settled_writes_total") >= len(write.operations.split())
        assert not house.counted("twinfront_settled_writes_total", outcome="unknown")


@pytest.mark.parametrize("hop", HOPS, ids=lambda hop: hop.__name__)
@pytest.mark.parametrize("write", TELEMETRY, ids=str)
async def test_telemetry_whose_answer_is_lost_has_an_unknown_outcome(
    write: Write, hop: Hop, monkeypatch: pytest.MonkeyPatch
):
    async with serving() as house:
        await furnish(house.client)
        _hop(monkeypatch, hop)
        with pytest.raises(OutcomeUnknownError):
            await write.call(house.client)


@pytest.mark.parametrize(
    ("write", "broken"),
    [*((write, BREAKS[0]) for write in WRITES), *((WRITES[0], broken) for broken in BREAKS[1:])],
    ids=lambda value: str(value) if isinstance(value, Write) else type(value).__name__,
)
async def test_a_transport_that_fails_in_a_way_of_its_own_has_lost_the_answer(
    write: Write, broken: Exception, monkeypatch: pytest.MonkeyPatch
):
    async with serving() as house:
        await furnish(house.client)
        await write.prepare(house.client)
        _hop(monkeypatch, broken)
        assert await write.call(house.client)
        assert not house.counted("twinfront_settled_writes_total", outcome="unknown")
        assert not house.counted("twinfront_errors_total", reason="INTERNAL")


@pytest.mark.parametrize("broken", BREAKS, ids=lambda error: type(error).__name__)
async def test_what_a_transport_failed_to_read_is_read_again(broken: Exception, monkeypatch: pytest.MonkeyPatch):
    async with serving() as house:
        await furnish(house.client)
        _hop(monkeypatch, broken, of_writes=False)
        assert (await house.client.get_digital_twin("lobby"))["temperature"] == 20.5
        assert [row async for row in house.client.query("SELECT T.$dtId FROM digitaltwins T")]


@pytest.mark.parametrize("broken", BREAKS, ids=lambda error: type(error).__name__)
async def test_a_transport_that_always_fails_is_an_outage(broken: Exception, monkeypatch: pytest.MonkeyPatch):
    async def fails(*_arguments: object, **_options: object) -> LocalResponse:
        raise broken

    async with serving() as house:
        await furnish(house.client)
        monkeypatch.setattr(LocalTransport, "send", fails)
        with pytest.raises(UnavailableError):
            await house.client.get_digital_twin("lobby")
        with pytest.raises(UnavailableError):
            [each async for each in house.client.list_relationships("lobby")]
        assert not house.counted("twinfront_errors_total", reason="INTERNAL")
        assert not await house.app.upstream.probe()
