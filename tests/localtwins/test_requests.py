"""What holds for every request: routes, api-versions, ids, headers, bodies, errors."""

import asyncio
import json
import logging
import time
from typing import Any
from urllib.parse import quote

import pytest

from localtwins import LocalTwins, Request
from localtwins.operations import digital_twins

from .adt import MACHINE_TWIN, ROOM_TWIN, Adt, parsed, replace

VERSION = "api-version=2023-10-31"


@pytest.mark.parametrize(
    "version",
    ["2020-10-31", "2021-06-30-preview", "2022-05-31", "2023-02-27-preview", "2023-06-30", "2023-10-31"],
)
async def test_api_versions_that_are_served(graph: Adt, version: str):
    assert (await Adt(graph.service, version).get("/digitaltwins/room")).status == 200


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "ApiVersionUnspecified"),
        ("api-version=", "ApiVersionUnspecified"),
        ("api-version=2019-01-01", "UnsupportedApiVersion"),
        ("api-version=%FF", "UnsupportedApiVersion"),
    ],
)
async def test_an_api_version_is_needed(graph: Adt, query: str, code: str):
    answer = parsed(await graph.service.handle(Request("GET", "/digitaltwins/room", query)))
    assert (answer.status, answer.code) == (400, code)


async def test_the_first_api_version_has_no_update_time_of_the_whole(graph: Adt):
    old = Adt(graph.service, "2020-10-31")
    twin = await old.twin("room")
    assert list(twin["$metadata"]) == ["$model", "temperature"]
    assert list(twin["sensor"]["$metadata"]) == ["reading"]
    assert list((await old.get("/digitaltwins/room/components/sensor")).body["$metadata"]) == ["reading"]
    assert "$lastUpdateTime" not in (await old.put("/digitaltwins/room", ROOM_TWIN)).body["$metadata"]
    assert "$lastUpdateTime" in (await graph.twin("room"))["$metadata"]


async def test_the_first_api_version_links_without_tls(adt: Adt):
    assert "https://aka.ms/adtv2query" in (await adt.get("/digitaltwins/x")).message
    assert "http://aka.ms/adtv2query" in (await Adt(adt.service, "2020-10-31").get("/digitaltwins/x")).message


@pytest.mark.parametrize("path", ["/Models", "/MODELS", "/DigitalTwins/room", "/digitalTwins/room/Relationships"])
async def test_routes_match_in_any_case(graph: Adt, path: str):
    assert (await graph.get(path)).status == 200


async def test_ids_are_case_sensitive(graph: Adt):
    assert (await graph.get("/digitaltwins/ROOM")).status == 404


async def test_parameter_names_match_in_any_case(graph: Adt):
    answer = await graph.service.handle(Request("GET", "/models", "API-Version=2023-10-31&IncludeModelDefinition=TRUE"))
    assert "model" in parsed(answer).body["value"][0]


@pytest.mark.parametrize(
    "path", ["/", "/nothing", "/digitaltwins", "/digitaltwins/room/x", "/digitaltwins/room/components", "*", ""]
)
async def test_paths_that_are_no_resource(graph: Adt, path: str):
    answer = await graph.get(path)
    assert (answer.status, answer.body) == (404, None)


async def test_methods_that_a_resource_does_not_have(graph: Adt):
    answer = await graph.put("/models", [])
    assert (answer.status, answer.headers["Allow"], answer.body) == (405, "GET, POST", None)


@pytest.mark.parametrize(
    "twin_id", ["a", "A b", "é", "a.b:c;d-e_f", "x" * 128, "100%", "+", "a&b=c", "{}", "room's", "𝄞"]
)
async def test_ids_that_are_allowed(adt: Adt, twin_id: str):
    path = f"/digitaltwins/{quote(twin_id, safe='')}"
    assert (await adt.put(path, MACHINE_TWIN)).body["$dtId"] == twin_id
    assert (await adt.get(path)).body["$dtId"] == twin_id
    assert (await adt.delete(path)).status == 204


@pytest.mark.parametrize(
    "segment",
    ["", "x" * 129, "a%2Fb", "a%5Cb", "a%3Fb", "a%23b", "%24x", "a%00", "a%0Ab", "a%7F", "a%C2%85", "%FF", "a%ZZ%FF"],
)
async def test_ids_that_are_refused(graph: Adt, segment: str):
    for method, path, body in (
        ("GET", f"/digitaltwins/{segment}", None),
        ("PUT", f"/digitaltwins/{segment}", MACHINE_TWIN),
        ("PATCH", f"/digitaltwins/{segment}", []),
        ("DELETE", f"/digitaltwins/{segment}", None),
        ("GET", f"/digitaltwins/{segment}/components/sensor", None),
        ("GET", f"/digitaltwins/{segment}/relationships", None),
        ("GET", f"/digitaltwins/{segment}/incomingrelationships", None),
        ("PUT", f"/digitaltwins/room/relationships/{segment}", {"$relationshipName": "linkedTo", "$targetId": "hall"}),
        ("GET", f"/digitaltwins/room/relationships/{segment}", None),
        ("PATCH", f"/digitaltwins/room/relationships/{segment}", []),
        ("DELETE", f"/digitaltwins/room/relationships/{segment}", None),
    ):
        answer = await graph.send(method, path, body)
        assert (answer.status, answer.code) == (400, "InvalidArgument"), (method, path)


async def test_the_rule_for_ids_is_told(adt: Adt):
    answer = await adt.put("/digitaltwins/a%2Fb", MACHINE_TWIN)
    assert answer.message == (
        "The digital twin id 'a/b' is not valid. An id has 1 to 128 characters, no control characters, "
        "none of / \\ ? #, and does not begin with $."
    )


MALFORMED = [
    "",
    "x",
    "XXX",
    'W/"a',
    "abc",
    "W/*",
    '*, "a"',
    'w/"a"',
    '"a\x7f"',
    '"a" "b"',
    '"a",',
    ',"a"',
    '"a",,"b"',
    '"a", b',
]


@pytest.mark.parametrize("value", MALFORMED)
async def test_if_match_must_name_etags_or_be_a_star(graph: Adt, value: str):
    for answer in (
        await graph.patch("/digitaltwins/room", if_match=value),
        await graph.delete("/digitaltwins/room", if_match=value),
        await graph.patch("/digitaltwins/room/components/sensor", if_match=value),
        await graph.patch("/digitaltwins/room/relationships/r", if_match=value),
        await graph.delete("/digitaltwins/room/relationships/r", if_match=value),
    ):
        assert (answer.status, answer.code) == (400, "InvalidArgument")
        assert answer.message == ("Invalid If-Match header value. Allowed value(s): If-Match: {etag} or If-Match: *")


@pytest.mark.parametrize("form", ['"old",{}', '{},"old"', '"old" , {} ,\t"older"', '"a,b", {}', "{},{}"])
async def test_one_of_several_etags_in_if_match_has_to_be_the_current_one(graph: Adt, form: str):
    current = (await graph.twin("room"))["$etag"]
    stale = '"old", W/"older"'
    for path, operation in (
        ("/digitaltwins/room", replace("/temperature", 1)),
        ("/digitaltwins/room/components/sensor", replace("/reading", 1)),
    ):
        assert (await graph.patch(path, operation, if_match=stale)).status == 412
        answer = await graph.patch(path, operation, if_match=form.replace("{}", current))
        assert answer.status == 204
        current = answer.etag
    assert (await graph.delete("/digitaltwins/room", if_match=stale)).status == 412
    assert (await graph.delete("/digitaltwins/room", if_match=form.replace("{}", current))).status == 204


async def test_a_long_if_match_is_read_in_no_time(graph: Adt):
    for value in ('"a", ' * 200_000 + '"b"', '"a"' + " " * 1_000_000, "W/" * 500_000, '"' * 1_000_001):
        start = time.process_time()
        answer = await graph.patch("/digitaltwins/room", if_match=value)
        assert time.process_time() - start < 1
        assert answer.code in {"InvalidArgument", "PreconditionFailed"}
        assert len(answer.message) < 1000


@pytest.mark.parametrize("value", ["", "XXX", 'W/"a"', "**", "x", "*, *"])
async def test_if_none_match_must_be_a_star(graph: Adt, value: str):
    for path, body in (("/digitaltwins/room", MACHINE_TWIN), ("/digitaltwins/room/relationships/r", {})):
        answer = await graph.put(path, body, if_none_match=value)
        assert (answer.status, answer.code) == (400, "InvalidArgument")
        assert answer.message == "Invalid If-None-Match header value. Allowed value(s): If-None-Match: *"


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"{'a': 1}",
        b"nothing",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a": "\xff"}',
        b'{"a": "\\ud800"}',
        b'\xef\xbb\xbf{"a": 1}',
        b'{"a": 01}',
        b'{"a": 1} {}',
        b"[" * 5000,
        b"[" * 200 + b"]" * 200,
        b'{"a":' * 1500 + b"1" + b"}" * 1500,
        b'{"a": ' + b"9" * 5000 + b"}",
        b" ",
        b"\x00",
    ],
)
async def test_bodies_that_are_no_json_to_keep(graph: Adt, body: bytes):
    for method, path in (
        ("PUT", "/digitaltwins/room"),
        ("PATCH", "/digitaltwins/room"),
        ("PATCH", "/digitaltwins/room/components/sensor"),
        ("PUT", "/digitaltwins/room/relationships/r"),
        ("PATCH", "/digitaltwins/room/relationships/r"),
        ("POST", "/models"),
        ("PATCH", "/models/dtmi:test:Room;1"),
    ):
        answer = await graph.send(method, path, body)
        assert (answer.status, answer.code) == (400, "InvalidArgument"), (method, path)


async def test_brackets_in_strings_are_no_nesting(graph: Adt):
    answer = await graph.patch("/digitaltwins/room", {"op": "add", "path": "/label", "value": '["{\\"' * 300})
    assert answer.status == 204


async def test_digits_in_strings_are_no_integers(graph: Adt):
    answer = await graph.patch("/digitaltwins/room", {"op": "add", "path": "/label", "value": "9" * 30})
    assert answer.status == 204


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63), 1.5e300, 1234567890.123456789012])
async def test_numbers_within_range_are_kept(graph: Adt, number: float):
    assert (await graph.patch("/digitaltwins/room", replace("/temperature", number))).status == 204
    assert (await graph.twin("room"))["temperature"] == number


async def test_of_a_repeated_name_the_last_value_counts(graph: Adt):
    body = b'{"$metadata": {"$model": "dtmi:test:Machine;1"}, "power": 1, "power": 2}'
    assert (await graph.send("PUT", "/digitaltwins/machine", body)).body["power"] == 2


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/digitaltwins/x"), ("PATCH", "/digitaltwins/room"), ("PUT", "/digitaltwins/room/relationships/r")],
)
async def test_writes_need_a_body(graph: Adt, method: str, path: str):
    answer = await graph.send(method, path, None)
    assert (answer.status, answer.code, answer.message) == (400, "BadRequest", "A non-empty request body is required.")


async def test_a_flag_must_be_true_or_false(adt: Adt):
    answer = await adt.get("/models?includeModelDefinition=maybe")
    assert (answer.status, answer.code) == (400, "InvalidArgument")


async def test_a_defect_is_answered_and_logged(
    graph: Adt, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def broken(*_arguments: Any, **_options: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(digital_twins, "put", broken)
    with caplog.at_level(logging.ERROR, "localtwins"):
        answer = await graph.put("/digitaltwins/x", MACHINE_TWIN)
    assert (answer.status, answer.code) == (500, "InternalServerError")
    assert "ZeroDivisionError" in caplog.text
    assert (await graph.get("/digitaltwins/room")).status == 200


async def test_no_random_body_breaks_the_service(graph: Adt):
    """No body that is JSON makes a server error, wherever it is sent."""
    values: list[Any] = [None, True, 0, -1.5, "", "x", [], {}, [[]], [{}], {"a": {}}, [None], {"$metadata": None}]
    values += [{"op": value, "path": value, "value": value} for value in values]
    values += [
        [{"op": "add", "path": path, "value": value}]
        for path in ("/sensor", "/temperature", "//", "/a/")
        for value in values
    ]
    values += [{"$metadata": {"$model": value}} for value in values]
    values += [{"$metadata": {"$model": "dtmi:test:Room;1", "sensor": value}, "sensor": value} for value in values]
    values += [{"$relationshipName": value, "$targetId": value} for value in values]
    for method, path in (
        ("PUT", "/digitaltwins/room"),
        ("PATCH", "/digitaltwins/room"),
        ("PATCH", "/digitaltwins/room/components/sensor"),
        ("PUT", "/digitaltwins/room/relationships/r"),
        ("PATCH", "/digitaltwins/room/relationships/r"),
        ("POST", "/models"),
        ("PATCH", "/models/dtmi:test:Room;1"),
    ):
        for value in values:
            answer = await graph.send(method, path, json.dumps(value).encode())
            assert answer.status < 500, (method, path, value)


async def test_an_open_service_can_be_closed_with_writes_under_way():
    service = await LocalTwins.open(":memory:")
    writes = [asyncio.ensure_future(Adt(service).post("/models", [])) for _ in range(3)]
    await asyncio.sleep(0)
    await service.close()
    assert [answer.status for answer in await asyncio.gather(*writes)] == [400] * 3


async def test_a_hostile_body_is_refused_quickly(graph: Adt):
    """Quadratic work on this body would outlast the time limit of the test."""
    answer = await graph.send("PUT", "/digitaltwins/room", b"[" * 101 + b'"' + b'\\"' * 1_000_000)
    assert (answer.status, answer.code) == (400, "InvalidArgument")


async def test_a_patch_of_a_model_whose_operation_is_no_text_is_refused(adt: Adt):
    ops: list[Any] = [{}, [], 1, True, {"a": []}]
    for op in ops:
        operation = {"op": op, "path": "/decommissioned", "value": True}
        answer = await adt.patch("/models/dtmi:test:Room;1", operation)
        assert (answer.status, answer.code) == (400, "JsonPatchInvalid")
