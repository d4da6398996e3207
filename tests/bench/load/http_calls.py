"""Calls to a facade that speaks HTTP."""

from collections.abc import Mapping
from typing import Final

import aiohttp
import orjson
from workload import QUERY, TWINS, name_of, patch_json, twin_json

from load.job import Call, Job

_JSON: Final = {"Content-Type": "application/json"}


async def open_facade(job: Job) -> Mapping[str, Call]:
    """Opens a session; answers are parsed, as a caller would."""
    session = aiohttp.ClientSession(f"http://{job.address}", raise_for_status=True)

    async def get(number: int) -> int:
        async with session.get(f"/twins/{name_of(number % TWINS)}") as answer:
            orjson.loads(await answer.read())
        return 1

    async def update(number: int) -> int:
        body = orjson.dumps(patch_json(number + 0.5))
        async with session.patch(f"/twins/{name_of(number % TWINS)}", data=body, headers=_JSON) as answer:
            await answer.read()
        return 1

    async def create(number: int) -> int:
        at = TWINS + number % TWINS
        body = orjson.dumps(twin_json(at, float(number)))
        async with session.put(f"/twins/{name_of(at)}", data=body, headers=_JSON) as answer:
            orjson.loads(await answer.read())
        return 1

    async def page(_: int) -> int:
        async with session.post("/query", data=orjson.dumps({"query": QUERY}), headers=_JSON) as answer:
            return len(orjson.loads(await answer.read()))

    return {"get": get, "update 3 properties": update, "create or replace": create, "page of 100": page}
