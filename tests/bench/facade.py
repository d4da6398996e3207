"""A facade of REST as one writes it in an afternoon: FastAPI on uvicorn, and the SDK.

Run as `facade.py KIND URL CA`. The default kind has the SDK as its README shows, and lets FastAPI make the JSON. The
slim one has the SDK as twinfront has it, and passes the bytes on.
"""

import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import orjson
import uvicorn
import uvloop
from azure.digitaltwins.core.aio import DigitalTwinsClient
from fastapi import FastAPI, Request, Response
from load.sdk_calls import FixedAsyncToken
from prometheus_client import CollectorRegistry

from twinfront_server.adt.body import Body
from twinfront_server.metrics import Metrics
from twinfront_server.settings import Settings
from twinfront_server.upstream import open_upstream

Endpoint: TypeAlias = Callable[..., Awaitable[Any]]


def default_facade(url: str) -> FastAPI:
    """Gives that with all defaults."""
    client = DigitalTwinsClient(url, FixedAsyncToken())

    async def get(twin_id: str) -> Any:
        return await client.get_digital_twin(twin_id)

    async def put(twin_id: str, twin: dict[str, Any]) -> Any:
        return await client.upsert_digital_twin(twin_id, twin)

    async def patch(twin_id: str, changes: list[dict[str, Any]]) -> None:
        await client.update_digital_twin(twin_id, changes)

    async def query(asked: dict[str, str]) -> list[dict[str, Any]]:
        async for page in client.query_twins(asked["query"]).by_page():
            return [row async for row in page]
        return []

    return _app(get, put, patch, query)


async def slim_facade(url: str, ca: str) -> FastAPI:
    """Gives the slim one."""
    settings = Settings.of({"upstream": url, "upstream_ca": ca, "upstream_credential": "none"})
    upstream = await open_upstream(settings, Metrics(CollectorRegistry()))

    def json(content: bytes) -> Response:
        return Response(content, media_type="application/json")

    async def get(twin_id: str) -> Response:
        return json((await upstream.twins.get(twin_id)).body)

    async def put(twin_id: str, request: Request) -> Response:
        body = Body(await request.body(), "digital_twin")
        return json((await upstream.twins.put(twin_id, body, if_none_match=False)).body)

    async def patch(twin_id: str, request: Request) -> None:
        await upstream.twins.patch(twin_id, Body(await request.body(), "patch"), if_match="")

    async def query(request: Request) -> Response:
        asked = orjson.loads(await request.body())
        page = await upstream.queries.page(asked["query"], "", page_size=100)
        return json(orjson.dumps(page.items))

    return _app(get, put, patch, query)


def _app(get: Endpoint, put: Endpoint, patch: Endpoint, query: Endpoint) -> FastAPI:
    app = FastAPI()
    app.get("/twins/{twin_id}")(get)
    app.put("/twins/{twin_id}")(put)
    app.patch("/twins/{twin_id}")(patch)
    app.post("/query")(query)
    return app


async def main(kind: str, url: str, ca: str) -> None:
    """Serves on a free port, prints the address and goes on until it is stopped."""
    app = default_facade(url) if kind == "default" else await slim_facade(url, ca)
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    print(f"127.0.0.1:{listener.getsockname()[1]}", flush=True)
    await uvicorn.Server(uvicorn.Config(app, access_log=False, log_level="warning")).serve(sockets=[listener])


uvloop.run(main(*sys.argv[1:]))
