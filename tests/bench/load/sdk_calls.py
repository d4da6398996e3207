"""Calls of the SDK with no front between: as its README shows, and with the pipeline that the front gives it."""

import time
from collections.abc import Mapping
from typing import Any, Final

import orjson
from azure.core.credentials import AccessToken
from azure.core.credentials_async import AsyncTokenCredential
from azure.digitaltwins.core import DigitalTwinsClient
from azure.digitaltwins.core.aio import DigitalTwinsClient as AsyncDigitalTwinsClient
from prometheus_client import CollectorRegistry
from workload import PAGE, QUERY, TWINS, name_of, patch_json, twin_json

from load.job import BlockingCall, Call, Job
from load.twin_calls import twin_calls
from twinfront_server.adt.body import Body
from twinfront_server.metrics import Metrics
from twinfront_server.settings import Settings
from twinfront_server.upstream import open_upstream

_DAY: Final = 86_400


class FixedToken:
    """Gives a token, at the price of a cached one."""

    def get_token(self, *scopes: str, **kwargs: Any) -> AccessToken:  # noqa: ARG002  (the protocol's signature)
        """A token for a day."""
        return AccessToken("token", int(time.time()) + _DAY)


class FixedAsyncToken(AsyncTokenCredential):
    """The same for asyncio."""

    async def get_token(self, *scopes: str, **kwargs: Any) -> AccessToken:  # noqa: ARG002  (the protocol's signature)
        """A token for a day."""
        return AccessToken("token", int(time.time()) + _DAY)

    async def close(self) -> None:
        """Has nothing to close."""

    async def __aexit__(self, *args: object) -> None:
        """Has nothing to close."""


async def open_sync(job: Job) -> Mapping[str, BlockingCall]:
    """Opens the SDK with all its defaults."""
    client = DigitalTwinsClient(job.address, FixedToken())

    def page(_: int) -> int:
        return len(list(next(client.query_twins(QUERY).by_page())))

    def rows(_: int) -> int:
        return sum(1 for _ in client.query_twins(QUERY))

    return {**twin_calls(client, client.upsert_digital_twin), "page of 100": page, "stream": rows}


async def open_aio(job: Job) -> Mapping[str, Call]:
    """Opens the asyncio SDK with all its defaults."""
    client = AsyncDigitalTwinsClient(job.address, FixedAsyncToken())

    async def get(number: int) -> int:
        await client.get_digital_twin(name_of(number % TWINS))
        return 1

    async def update(number: int) -> int:
        await client.update_digital_twin(name_of(number % TWINS), patch_json(number + 0.5))
        return 1

    async def create(number: int) -> int:
        at = TWINS + number % TWINS
        await client.upsert_digital_twin(name_of(at), twin_json(at, float(number)))
        return 1

    async def page(_: int) -> int:
        async for found in client.query_twins(QUERY).by_page():
            return len([row async for row in found])
        return 0

    return {"get": get, "update 3 properties": update, "create or replace": create, "page of 100": page}


async def open_slim(job: Job) -> Mapping[str, Call]:
    """Opens what the front has the SDK as: its pipeline, and answers as the bytes that came."""
    settings = Settings.of({"upstream": job.address, "upstream_ca": job.ca, "upstream_credential": "none"})
    upstream = await open_upstream(settings, Metrics(CollectorRegistry()))

    async def get(number: int) -> int:
        orjson.loads((await upstream.twins.get(name_of(number % TWINS))).body)
        return 1

    async def update(number: int) -> int:
        body = Body(orjson.dumps(patch_json(number + 0.5)), "patch")
        await upstream.twins.patch(name_of(number % TWINS), body, if_match="")
        return 1

    async def create(number: int) -> int:
        at = TWINS + number % TWINS
        body = Body(orjson.dumps(twin_json(at, float(number))), "digital_twin")
        await upstream.twins.put(name_of(at), body, if_none_match=False)
        return 1

    async def page(_: int) -> int:
        return len((await upstream.queries.page(QUERY, "", page_size=PAGE)).items)

    return {"get": get, "update 3 properties": update, "create or replace": create, "page of 100": page}
