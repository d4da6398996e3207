"""An HTTP server in the place of Azure Digital Twins that answers what a test tells it, or does not answer at all."""

import asyncio
import contextlib
import math
import re
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import orjson
from aiohttp import web

PROBE = "dtmi:twinfront:probe"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer.

    Attributes:
        body: bytes, or what is sent as JSON.
        delay: seconds before anything is sent.
        pause: seconds between the bytes of the body, each of which is then sent alone.
        breaks: where the connection breaks instead: before the request is read, after it, or within the answer's body.
    """

    status: int = 200
    body: object = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    pause: float = 0.0
    breaks: Literal["never", "before", "after", "within"] = "never"

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else orjson.dumps(self.body)


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came; `target` is path and query, percent-encoded as sent."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


NEVER = Answer(delay=math.inf)
"""No answer: the request waits until whoever sent it goes away."""

NOT_SCRIPTED = Answer(599, b"the test has no answer for this")


class FaultServer:
    """Answers requests by script.

    Attributes:
        url: where it listens.
        requests: all that came, save the health probes of the server under test.
        probe: what the server under test is answered when it probes.
        probes: how often it did.
        abandoned: set when a client has gone away while it waited for its answer.
    """

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[Received] = []
        self.probe = Answer(404, {"error": {"code": "ModelNotFound", "message": "No."}})
        self.probes = 0
        self.abandoned = asyncio.Event()
        self.received = asyncio.Event()
        self._script: list[tuple[re.Pattern[str], list[Answer]]] = []

    def on(self, pattern: str, *answers: Answer) -> None:
        """Answers requests whose `METHOD target` matches with these, one after the other; the last one stays."""
        self._script.append((re.compile(pattern), list(answers)))

    def sent(self, method: str) -> int:
        """How many requests of a method came."""
        return sum(request.method == method for request in self.requests)

    async def asked(self, method: str) -> None:
        """Waits until a request of a method has come."""
        while not self.sent(method):
            self.received.clear()
            await self.received.wait()

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if PROBE in request.raw_path:
            self.probes += 1
            return web.Response(status=self.probe.status, headers=self.probe.headers, body=self.probe.content)
        answer = self._next(f"{request.method} {request.raw_path}")
        if answer.breaks == "before":
            return self._break(request)
        body = await request.content.read()
        self.requests.append(Received(request.method, request.raw_path, request.headers, body))
        self.received.set()
        if answer.breaks == "after":
            return self._break(request)
        try:
            await asyncio.sleep(answer.delay)
        except asyncio.CancelledError:
            self.abandoned.set()
            raise
        headers = {"Content-Type": "application/json; charset=utf-8", **answer.headers}
        if answer.breaks == "within":
            response = web.StreamResponse(status=answer.status, headers=headers)
            response.content_length = len(answer.content) + 1
            await response.prepare(request)
            await response.write(answer.content)
            return self._break(request)
        if answer.pause:
            return await self._send_slowly(request, answer, headers)
        return web.Response(status=answer.status, headers=headers, body=answer.content)

    async def _send_slowly(
        self, request: web.BaseRequest, answer: Answer, headers: Mapping[str, str]
    ) -> web.StreamResponse:
        response = web.StreamResponse(status=answer.status, headers=headers)
        response.content_length = len(answer.content)
        await response.prepare(request)
        for byte in answer.content:
            await response.write(bytes([byte]))
            await asyncio.sleep(answer.pause)
        return response

    def _next(self, line: str) -> Answer:
        for pattern, answers in self._script:
            if pattern.search(line):
                return answers.pop(0) if len(answers) > 1 else answers[0]
        return NOT_SCRIPTED

    def _break(self, request: web.BaseRequest) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()


@contextlib.asynccontextmanager
async def fault_server(tls: ssl.SSLContext | None = None) -> AsyncIterator[FaultServer]:
    """Serves on a free port inside the block."""
    server = FaultServer()
    runner = web.ServerRunner(web.Server(server.answer, handler_cancellation=True), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    server.url = f"{'https' if tls else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()
