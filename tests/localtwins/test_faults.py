"""Faults on demand: which requests they hit, and what becomes of those."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from azure.core.exceptions import ServiceResponseError
from azure.digitaltwins.core.aio import DigitalTwinsClient

from localtwins import LocalTwins, Request, Settings
from localtwins.errors import AnswerLostError
from localtwins.faults import Fault, parse_faults
from localtwins.transport import LocalTransport
from twinfront_program.settings import SettingsError

from .adt import MACHINE_TWIN, MODELS, Adt, replace
from .serving import refused, serving
from .test_sdk import AsyncCredential

ROOM = "/digitaltwins/room"
QUERY = "?api-version=2023-10-31"


async def statuses(adt: Adt, count: int, target: str = ROOM) -> list[int]:
    return [(await adt.get(target)).status for _ in range(count)]


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("", []),
        (" , ", []),
        ("latency=50ms", [Fault("latency", seconds=(0.05, 0.05))]),
        ("latency=1.5s", [Fault("latency", seconds=(1.5, 1.5))]),
        ("latency=20ms-2s", [Fault("latency", seconds=(0.02, 2))]),
        ("error", [Fault("error", status=503)]),
        ("error=500:rate=0.25", [Fault("error", status=500, rate=0.25)]),
        ("throttle", [Fault("throttle", retry_after=1)]),
        ("throttle=7:count=3", [Fault("throttle", retry_after=7, count=3)]),
        ("lost", [Fault("lost")]),
        ("lost=503", [Fault("lost", status=503)]),
        (
            "lost:on=patch_digital_twin+put_relationship , error",
            [
                Fault("lost", operations=frozenset({"patch_digital_twin", "put_relationship"})),
                Fault("error", status=503),
            ],
        ),
    ],
)
def test_faults_are_written_in_one_line(text: str, faults: list[Fault]):
    assert parse_faults(text) == faults


def test_reads_and_writes_stand_for_many_operations():
    (reads,) = parse_faults("error:on=reads")
    (writes,) = parse_faults("error:on=writes+query_twins")
    assert reads.operations
    assert writes.operations
    assert {"get_digital_twin", "list_models", "query_twins"} <= reads.operations
    assert {"patch_digital_twin", "publish_telemetry", "query_twins"} <= writes.operations
    assert not reads.operations & writes.operations - {"query_twins"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("slow", "is not latency, error, throttle or lost"),
        ("latency", "a latency is written"),
        ("latency=50", "a latency is written"),
        ("latency=2s-1s", "ends before it begins"),
        ("latency=1s-", "a latency is written"),
        ("error=404", "must be 500 or 503"),
        ("error=", "no value after ="),
        ("throttle=0", "whole number from 1"),
        ("throttle=99999", "longer than"),
        ("lost=200", "must be 500 or 503"),
        ("error:rate=2", "from 0 to 1"),
        ("error:rate=nan", "from 0 to 1"),
        ("error:rate=", "from 0 to 1"),
        ("error:count=-1", "whole number from 1"),
        ("error:count", "whole number from 1"),
        ("error:on=", "is not an operation"),
        ("error:on=get_twin", "is not an operation; there are reads, writes, "),
        ("error:often=1", "is not one of on=, rate= and count="),
        ("error:rate=1:rate=1", "at most once"),
    ],
)
def test_what_is_wrong_with_a_fault_is_told(text: str, problem: str):
    with pytest.raises(ValueError, match=problem):
        parse_faults(text)
    with pytest.raises(SettingsError, match=problem):
        Settings(inject=text)


async def test_an_error_changes_nothing(graph: Adt):
    before = await graph.twin("room")
    for fault, status, code in (
        ("error", 503, "ServiceUnavailable"),
        ("error=500", 500, "InternalServerError"),
        ("error=503", 503, "ServiceUnavailable"),
    ):
        graph.service.inject(f"{fault}:on=patch_digital_twin")
        answer = await graph.patch(ROOM, replace("/temperature", 1))
        assert (answer.status, answer.code) == (status, code)
    assert await graph.twin("room") == before


async def test_a_throttle_answers_as_the_instance_does(graph: Adt):
    graph.service.inject("throttle=7")
    answer = await graph.get(ROOM)
    assert (answer.status, answer.headers["Retry-After"]) == (429, "7")
    assert answer.body["error"]["statusCode"] == 429


async def test_a_lost_answer_is_of_a_request_that_was_carried_out(graph: Adt):
    graph.service.inject("lost:on=patch_digital_twin:count=1")
    with pytest.raises(AnswerLostError):
        await graph.patch(ROOM, replace("/temperature", 1))
    assert (await graph.twin("room"))["temperature"] == 1
    assert (await graph.patch(ROOM, replace("/temperature", 2))).status == 204


async def test_a_lost_answer_can_look_like_an_error(graph: Adt):
    graph.service.inject("lost=503:on=patch_digital_twin")
    assert (await graph.patch(ROOM, replace("/temperature", 1))).status == 503
    assert (await graph.twin("room"))["temperature"] == 1


async def test_the_answer_of_a_refused_request_can_be_lost(graph: Adt):
    graph.service.inject("lost")
    with pytest.raises(AnswerLostError):
        await graph.get("/digitaltwins/nobody")


async def test_a_latency_comes_before_the_request_is_carried_out(graph: Adt):
    graph.service.inject("latency=10s:on=patch_digital_twin")
    slow = asyncio.create_task(graph.patch(ROOM, replace("/temperature", 1)))
    await asyncio.sleep(0.01)
    assert (await graph.twin("room"))["temperature"] == 20.5
    assert not slow.done()
    slow.cancel()
    graph.service.inject("latency=1ms-2ms")
    assert (await graph.patch(ROOM, replace("/temperature", 1))).status == 204


async def test_a_fault_hits_only_its_operations(graph: Adt):
    graph.service.inject("error:on=get_component+publish_telemetry")
    assert (await graph.get(f"{ROOM}/components/sensor")).status == 503
    assert (await graph.post(f"{ROOM}/telemetry", {}, message_id="m")).status == 503
    assert await statuses(graph, 1) == [200]


async def test_a_fault_ends_after_its_count(graph: Adt):
    graph.service.inject("error=500:count=2")
    assert await statuses(graph, 4) == [500, 500, 200, 200]


async def test_faults_are_drawn_in_their_order(graph: Adt):
    graph.service.inject("error=500:count=1,throttle:count=2")
    assert await statuses(graph, 3) == [500, 429, 200]


async def test_the_same_seed_hits_the_same_requests(graph: Adt):
    runs = []
    for seed in (1, 1, 2):
        graph.service.inject("error:rate=0.3,throttle:rate=0.3", seed=seed)
        runs.append(await statuses(graph, 60))
    assert runs[0] == runs[1] != runs[2]
    assert set(runs[0]) == {200, 429, 503}


async def test_other_operations_do_not_change_what_is_hit(graph: Adt):
    runs = []
    for others in (0, 5):
        graph.service.inject("error:on=get_digital_twin:rate=0.5,error=500:rate=0.5:on=list_models", seed=3)
        run = []
        for _ in range(30):
            run += await statuses(graph, 1)
            await statuses(graph, others, "/models")
        runs.append(run)
    assert runs[0] == runs[1]


async def test_faults_can_be_lifted(graph: Adt):
    graph.service.inject("error")
    with pytest.raises(ValueError, match="latency"):
        graph.service.inject("nonsense")
    assert await statuses(graph, 1) == [503]
    graph.service.inject("")
    assert await statuses(graph, 1) == [200]


async def test_the_settings_inject_from_the_start():
    service = await LocalTwins.open(":memory:", Settings(inject="error=500:rate=0.5", inject_seed=4))
    try:
        first = [(await service.handle(Request("GET", "/models", QUERY[1:]))).status for _ in range(20)]
        service.inject("error=500:rate=0.5", seed=4)
        again = [(await service.handle(Request("GET", "/models", QUERY[1:]))).status for _ in range(20)]
        assert first == again
        assert set(first) == {200, 500}
    finally:
        await service.close()


async def test_in_process_the_sdk_meets_a_lost_connection(graph: Adt):
    async with DigitalTwinsClient(
        "https://localhost", AsyncCredential(), transport=LocalTransport(graph.service), retry_total=0
    ) as client:
        graph.service.inject("lost:on=put_digital_twin")
        with pytest.raises(ServiceResponseError):
            await client.upsert_digital_twin("new", dict(MACHINE_TWIN))
    assert (await graph.twin("new"))["$dtId"] == "new"


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_over_http_a_lost_answer_is_a_reset_connection(tmp_path: Path, http: aiohttp.ClientSession, scheme: str):
    flags = ["--http"] if scheme == "http" else []
    fault = "lost:on=patch_digital_twin"
    async with serving("--data-dir", str(tmp_path), *flags, "--inject", fault) as server:
        options: dict[str, Any] = {} if scheme == "http" else {"ssl": False}
        url = f"{server.url}/digitaltwins/machine{QUERY}"
        async with http.post(f"{server.url}/models{QUERY}", json=MODELS, **options) as answer:
            assert answer.status == 201
        async with http.put(url, json=MACHINE_TWIN, **options) as answer:
            assert answer.status == 200
        patch = [{"op": "add", "path": "/power", "value": 1}]
        with pytest.raises((aiohttp.ClientOSError, aiohttp.ServerDisconnectedError)):
            await http.patch(url, json=patch, **options)
        async with http.get(url, **options) as answer:
            assert (await answer.json())["power"] == 1


async def test_the_flag_can_be_repeated(tmp_path: Path, http: aiohttp.ClientSession):
    flags = ("--inject", "error=500:on=list_models", "--inject", "throttle=3:on=get_model,error:on=query_twins")
    endpoints = ("--endpoint", f"a=file:{tmp_path / 'a'}", "--endpoint", "b=http://localhost/b?x=1,2")
    async with serving("--http", "--data-dir", str(tmp_path), *flags, *endpoints) as server:
        async with http.get(f"{server.url}/models{QUERY}") as answer:
            assert answer.status == 500
        async with http.get(f"{server.url}/models/dtmi:a;1{QUERY}") as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (429, "3")
        body = {"endpointName": "b", "filter": "false"}
        async with http.put(f"{server.url}/eventroutes/r{QUERY}", json=body) as answer:
            assert answer.status == 204


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--inject", "slow"), "--inject"),
        (("--endpoint", "nothing"), "NAME=TARGET"),
        (("--endpoint", "a=file:x", "--endpoint", "a=file:y"), "each name once"),
        (("--endpoint", "a=ftp://x"), "a: the target must be"),
        (("--rate-reads", "0"), "--rate-reads"),
    ],
)
async def test_wrong_settings_are_refused_at_the_start(tmp_path: Path, arguments: tuple[str, ...], message: str):
    status, text = await refused("--data-dir", str(tmp_path), *arguments)
    assert status == 2
    assert message in text
    assert "Traceback" not in text


async def test_endpoints_come_from_the_environment_as_json(tmp_path: Path, http: aiohttp.ClientSession):
    environment = {
        "LOCALTWINS_ENDPOINT": json.dumps({"a": f"file:{tmp_path / 'a'}"}),
        "LOCALTWINS_INJECT": "error=500:on=list_models,error:on=get_model",
    }
    async with serving("--http", "--data-dir", str(tmp_path), **environment) as server:
        async with http.get(f"{server.url}/models{QUERY}") as answer:
            assert answer.status == 500
        async with http.get(f"{server.url}/models/dtmi:a;1{QUERY}") as answer:
            assert answer.status == 503
        body = {"endpointName": "a", "filter": "false"}
        async with http.put(f"{server.url}/eventroutes/r{QUERY}", json=body) as answer:
            assert answer.status == 204
