"""Requests that are larger than anybody needs: refused before any work is done on them, each with its own error."""

import asyncio
import gc
import json
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from localtwins import LocalTwins, Settings, limits
from localtwins.engine.json_text import parse_json
from localtwins.errors import AdtError
from localtwins.rest.call import _parse_known_query

from .adt import MACHINE_TWIN, MODELS, ROOM, SENSOR, SPACE, Adt, add

TWIN_WRITES = [
    ("PUT", "/digitaltwins/room"),
    ("PATCH", "/digitaltwins/room"),
    ("PATCH", "/digitaltwins/room/components/sensor"),
    ("PUT", "/digitaltwins/room/relationships/r"),
    ("PATCH", "/digitaltwins/room/relationships/r"),
]
OTHER_BODIES = [
    ("POST", "/query"),
    ("POST", "/digitaltwins/room/telemetry"),
    ("PUT", "/eventroutes/r"),
    ("PUT", "/jobs/imports/j"),
    ("PATCH", "/models/dtmi:test:Room;1"),
]


def of_size(size: int) -> bytes:
    """JSON of so many bytes that is no valid body of any operation."""
    return b'"%b"' % (b"x" * (size - 2))


@pytest.mark.parametrize(("method", "path"), TWIN_WRITES + OTHER_BODIES)
async def test_a_body_may_be_as_large_as_its_operation_allows_and_no_larger(graph: Adt, method: str, path: str):
    limit = limits.TWIN_BODY_BYTES if (method, path) in TWIN_WRITES else limits.OTHER_BODY_BYTES
    headers = {"message_id": "1"}
    within = await graph.send(method, path, of_size(limit), **headers)
    assert within.status == 204 or within.code != "LimitExceeded"
    beyond = await graph.send(method, path, of_size(limit + 1), **headers)
    assert (beyond.status, beyond.code) == (400, "LimitExceeded")
    assert f"larger than the {limit} bytes" in beyond.message


async def test_models_may_have_what_the_setting_allows():
    service = await LocalTwins.open(":memory:", Settings(max_request_bytes=1000))
    answer = await Adt(service).post("/models", b" " * 1001)
    assert (answer.status, answer.code) == (413, "RequestBodyTooLarge")
    answer = await Adt(service).put("/digitaltwins/m", of_size(1001))
    assert (answer.status, answer.code) == (413, "RequestBodyTooLarge")
    await service.close()


@pytest.mark.parametrize(
    "values",
    [
        lambda: b"[" + b"[]," * 400_000 + b"1]",
        lambda: b"[" + b"1," * 400_000 + b"1]",
        lambda: b"[" + b"{}," * 400_000 + b"1]",
        lambda: json.dumps({f"unknown{number}": 1 for number in range(200_000)}).encode(),
        lambda: json.dumps([{"op": "remove", "path": "/label"}] * 100_000).encode(),
    ],
    ids=[f"values{number}" for number in range(5)],
)
@pytest.mark.parametrize(("method", "path"), TWIN_WRITES)
async def test_a_body_may_have_as_many_values_as_a_twin_may_have_bytes(
    graph: Adt, method: str, path: str, values: Callable[[], bytes]
):
    answer = await graph.send(method, path, values())
    assert (answer.status, answer.code) == (400, "LimitExceeded")
    assert "more values than the 32768" in answer.message


async def test_an_upload_of_models_may_have_more_values(adt: Adt):
    answer = await adt.post("/models", b"[" + b"[]," * 100_000 + b"1]")
    assert "models and may have 250" in answer.message
    answer = await adt.post("/models", b"[" + b"[]," * 600_000 + b"1]")
    assert (answer.status, answer.code) == (400, "LimitExceeded")
    assert "more values than the 1000000" in answer.message


async def test_a_patch_has_no_more_than_10_000_operations():
    service = await LocalTwins.open(":memory:", Settings(max_twin_bytes=100_000))
    adt = Adt(service)
    await adt.post("/models", MODELS)
    await adt.put("/digitaltwins/m", MACHINE_TWIN)
    assert (await adt.patch("/digitaltwins/m", *[add("/power", 1)] * limits.PATCH_OPERATIONS)).status == 204
    answer = await adt.patch("/digitaltwins/m", *[add("/power", 1)] * (limits.PATCH_OPERATIONS + 1))
    assert (answer.status, answer.code) == (400, "LimitExceeded")
    await service.close()


@pytest.mark.parametrize("path", ["/a" * 2_000_000, "/" * 4_000_000, "/a." + " " * 300_000, "/~1" * 1_000_000])
async def test_a_patch_path_of_megabytes_is_refused_with_a_short_message(graph: Adt, path: str):
    for target in ("/digitaltwins/room", "/digitaltwins/room/components/sensor"):
        answer = await graph.patch(target, add(path, 1))
        assert (answer.status, answer.code) == (400, "JsonPatchInvalid")
        assert answer.message.startswith(f"A path of {len(path)} characters is longer than the 16384")


async def test_a_path_of_the_largest_length_is_looked_up(graph: Adt):
    path = "/a" * (limits.PATCH_PATH_LENGTH // 2)
    answer = await graph.patch("/digitaltwins/room", add(path, 1))
    assert answer.message.startswith("/a/a")
    assert " … " in answer.message
    assert answer.message.endswith("https://aka.ms/adtv2twins.")
    assert len(answer.message) <= limits.MESSAGE_LENGTH


@pytest.mark.parametrize(
    ("target", "told"),
    [
        (f"/digitaltwins/{'x' * 20_000}", "path of the URL"),
        (f"/digitaltwins/{'%41' * 10_000}", "path of the URL"),
        (f"/digitaltwins/x?{'y' * 70_000}", "query of the URL"),
        (f"/digitaltwins/x?{'y&' * 1_000}", "query parameters"),
        (f"/models?{'dependenciesFor=dtmi:test:Room;1&' * 1_000}", "query parameters"),
    ],
)
async def test_a_url_that_is_too_long_is_refused(graph: Adt, target: str, told: str):
    answer = await graph.get(target)
    assert (answer.status, answer.code) == (400, "InvalidArgument")
    assert told in answer.message


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("PATCH", "/digitaltwins/room", "if-match"),
        ("DELETE", "/digitaltwins/room", "if-match"),
        ("PUT", "/digitaltwins/room", "if-none-match"),
        ("PATCH", "/digitaltwins/room/components/sensor", "if-match"),
        ("PUT", "/digitaltwins/room/relationships/r", "if-none-match"),
        ("PATCH", "/digitaltwins/room/relationships/r", "if-match"),
        ("DELETE", "/digitaltwins/room/relationships/r", "if-match"),
        ("GET", "/models", "max-items-per-page"),
        ("POST", "/jobs/deletions", "operation-id"),
        ("POST", "/digitaltwins/room/telemetry", "message-id"),
    ],
)
async def test_a_header_of_a_megabyte_is_refused(graph: Adt, method: str, path: str, name: str):
    answer = await graph.send(method, path, [], **{name: "x" * 1_000_000})
    assert (answer.status, answer.code) == (400, "InvalidArgument")
    assert f"header {name} is longer than 8190" in answer.message


async def test_a_url_of_many_ids_within_the_limits_is_answered(adt: Adt):
    answer = await adt.get(f"/models?{'&'.join(['dependenciesFor=dtmi:test:Room;1'] * 900)}")
    assert [model["id"] for model in answer.body["value"]] == [model["@id"] for model in (SENSOR, SPACE, ROOM)]


async def test_long_queries_of_urls_are_not_kept(adt: Adt):
    await adt.get("/models?x=" + "y" * 10_000)
    kept = _parse_known_query.cache_info().currsize
    for number in range(10):
        await adt.get(f"/models?x={number}" + "y" * 10_000)
    assert _parse_known_query.cache_info().currsize == kept


def wrong(count: int) -> dict[str, Any]:
    return {f"wrong{number}": 1 for number in range(count)}


async def test_the_first_100_problems_are_told_and_the_others_counted(graph: Adt):
    for count, more in ((99, None), (100, None), (101, "and 1 more"), (5000, "and 4,900 more")):
        answer = await graph.put("/digitaltwins/m", {**MACHINE_TWIN, **wrong(count)})
        assert (answer.status, answer.code) == (400, "ValidationFailed")
        told = [f"wrong{number} does not appear on the DTDL for Twin." for number in range(min(count, 100))]
        assert answer.details == told + ([more] if more else [])


async def test_problems_are_bounded_wherever_they_are_found(graph: Adt):
    related = {"$relationshipName": "linkedTo", "$targetId": "hall"}
    await graph.put("/digitaltwins/room/relationships/r", related)
    long = "n" * 2000
    for answer in (
        await graph.put("/digitaltwins/room/relationships/r", {**related, **wrong(5000)}),
        await graph.patch("/digitaltwins/room", *(add(f"/{name}", 1) for name in wrong(5000))),
        await graph.patch("/digitaltwins/room/components/sensor", *(add(f"/{name}", 1) for name in wrong(5000))),
        await graph.patch("/digitaltwins/room/relationships/r", *(add(f"/{name}", 1) for name in wrong(5000))),
        await graph.patch("/digitaltwins/room", add("/limits", {f"{long}{number}": 1 for number in range(1000)})),
        await graph.patch("/digitaltwins/room", add("/tags", ["x" * 5000] * 800)),
    ):
        assert answer.code == "ValidationFailed"
        assert (len(answer.details), answer.details[-1][:4]) == (101, "and "), answer.details[-1]
        assert max(map(len, answer.details)) <= 1024


async def test_a_name_that_is_too_long_is_not_written_out_for_every_value_below_it(graph: Adt):
    """Names of megabytes in the paths of thousands of values would fill the memory, and take a minute."""
    value = {"n" * 3_900_000: 1.0}
    answer = await graph.patch("/digitaltwins/room", add("/limits", value))
    assert answer.details == ["A name in limits on Twin is longer than 1024 bytes."]


async def test_a_large_body_leaves_the_loop_to_others(graph: Adt, monkeypatch: pytest.MonkeyPatch):
    threads: list[threading.Thread] = []

    def noted(*arguments: Any, **options: Any) -> Any:
        threads.append(threading.current_thread())
        return parse_json(*arguments, **options)

    monkeypatch.setattr("localtwins.rest.bodies.parse_json", noted)
    await graph.send("PUT", "/digitaltwins/room", of_size(1_000_000))
    await graph.put("/digitaltwins/m", MACHINE_TWIN)
    assert threads[0].name.startswith("localtwins-worker")
    assert threads[1] is threading.main_thread()


@pytest.mark.parametrize("uri", ["file:" + "../" * 300_000, "https://account/" + "a/" * 300_000, "x" * 900_000])
async def test_the_uri_of_a_blob_is_not_endless(empty: Adt, uri: str):
    answer = await empty.put("/jobs/imports/j", {"inputBlobUri": uri, "outputBlobUri": "file:out"})
    assert (answer.status, answer.code) == (400, "InvalidArgument")
    assert "longer than 8192 characters" in answer.message
    assert len(answer.message) < 1000


async def test_what_a_refused_request_held_is_let_go_of_at_once(graph: Adt):
    """An error that anything keeps is in a ring with the frames that it passed, and they have the whole request."""
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            await graph.get("/digitaltwins/nobody")
            await graph.put("/digitaltwins/m", {**MACHINE_TWIN, **wrong(10)})
            await graph.put("/digitaltwins/m", b"{")
            await graph.put("/digitaltwins/m", of_size(1_000_000))
            await graph.put("/digitaltwins/m", {**MACHINE_TWIN, **wrong(10)}, localtwins_validate_only="true")
            await graph.patch("/digitaltwins/room", add("/label", 1), if_match='W/"other"')
            await graph.patch("/digitaltwins/room", add("/nothing/a", 1))
            await graph.post("/models", [{"@id": "x"}])
            await graph.post("/models", [{"@id": "x", "comment": "x" * 100_000}])
            await graph.post("/query", {"query": "SELECT"})
        async with asyncio.timeout(10):  # a thread may be about to let go of its last one
            while any(isinstance(found, AdtError) for found in gc.get_objects()):
                await asyncio.sleep(0.01)
    finally:
        gc.enable()


async def test_the_writer_keeps_nothing_of_its_last_write(graph: Adt):
    class Write:
        def __call__(self, _transaction: object) -> None:
            pass

    write = Write()
    kept = weakref.ref(write)
    await graph.service._database.write(write)
    del write
    async with asyncio.timeout(10):
        while kept() is not None:
            await asyncio.sleep(0.001)
