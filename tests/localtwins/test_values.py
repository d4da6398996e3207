"""Values that other software writes: times without a zone, and doubles that look like integers."""

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from localtwins import LocalTwins, Settings
from localtwins.jobs.offline import export_graph, import_graph

from .adt import CONTEXT, Adt, add
from .jobs.importing import Jobs, lines

PART = {
    "@id": "dtmi:values:Part;1",
    "@type": "Interface",
    "@context": CONTEXT,
    "contents": [
        {"@type": "Property", "name": "moment", "schema": "dateTime"},
        {"@type": "Property", "name": "clock", "schema": "time"},
        {"@type": "Property", "name": "mass", "schema": "double"},
        {"@type": "Property", "name": "weight", "schema": "float"},
        {"@type": "Property", "name": "count", "schema": "long"},
        {"@type": "Property", "name": "small", "schema": "integer"},
    ],
}
FIELDS = [{"name": content["name"], "schema": content["schema"]} for content in PART["contents"]]  # type: ignore[index]


def holding(name: str, schema: Any) -> dict[str, Any]:
    return {"@type": "Property", "name": name, "schema": schema}


THING = {
    "@id": "dtmi:values:Thing;1",
    "@type": "Interface",
    "@context": CONTEXT,
    "contents": [
        *PART["contents"],
        holding("nested", {"@type": "Object", "fields": FIELDS}),
        *(
            holding(
                f"{field['name']}Map",
                {
                    "@type": "Map",
                    "mapKey": {"name": "key", "schema": "string"},
                    "mapValue": {"name": "value", "schema": field["schema"]},
                },
            )
            for field in FIELDS
        ),
        *(holding(f"{field['name']}List", {"@type": "Array", "elementSchema": field["schema"]}) for field in FIELDS),
        {"@type": "Component", "name": "part", "schema": "dtmi:values:Part;1"},
        {"@type": "Relationship", "name": "near", "properties": PART["contents"]},
    ],
}
TWIN: dict[str, Any] = {"$metadata": {"$model": "dtmi:values:Thing;1"}, "part": {"$metadata": {}}}
NEAR = {"$relationshipName": "near", "$targetId": "other"}


@pytest.fixture
async def adt(tmp_path: Path) -> AsyncIterator[Adt]:
    service = await LocalTwins.open(tmp_path / "data", Settings(jobs_dir=str(tmp_path)))
    adt = Adt(service)
    assert (await adt.post("/models", [PART, THING])).status == 201
    for twin_id in ("thing", "other"):
        assert (await adt.put(f"/digitaltwins/{twin_id}", TWIN)).status == 200
    yield adt
    await service.close()


def everywhere(name: str, text: str) -> list[tuple[str, str, str]]:
    """The requests that write the JSON text of a value of a property's schema, in each place where one may stand."""
    metadata = '"$metadata":{"$model":"dtmi:values:Thing;1"}'
    places = [
        (f'{{{metadata},"{name}":{text},"part":{{"$metadata":{{}}}}}}', f"/{name}", text),
        (f'{{{metadata},"nested":{{"{name}":{text}}},"part":{{"$metadata":{{}}}}}}', "/nested", f'{{"{name}":{text}}}'),
        (f'{{{metadata},"{name}Map":{{"k":{text}}},"part":{{"$metadata":{{}}}}}}', f"/{name}Map", f'{{"k":{text}}}'),
        (f'{{{metadata},"{name}List":[{text}],"part":{{"$metadata":{{}}}}}}', f"/{name}List", f"[{text}]"),
        (f'{{{metadata},"part":{{"{name}":{text},"$metadata":{{}}}}}}', f"/part/{name}", text),
    ]
    requests = []
    for put, path, value in places:
        requests.append(("PUT", "/digitaltwins/thing", put))
        requests.append(("PATCH", "/digitaltwins/thing", f'[{{"op":"add","path":"{path}","value":{value}}}]'))
    patch = f'[{{"op":"add","path":"/{name}","value":{text}}}]'
    near = "/digitaltwins/thing/relationships/r"
    return [
        *requests,
        ("PATCH", "/digitaltwins/thing/components/part", patch),
        ("PUT", near, f'{{"$relationshipName":"near","$targetId":"other","{name}":{text}}}'),
        ("PATCH", near, patch),
    ]


async def write(adt: Adt, request: tuple[str, str, str]) -> tuple[int, str]:
    await adt.put("/digitaltwins/thing/relationships/r", NEAR)
    method, path, body = request
    answer = await adt.send(method, path, body.encode())
    return answer.status, "" if answer.status < 300 else answer.code


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("moment", "2022-05-01T12:45:00"),
        ("moment", "2020-08-01T10:42:08.1234567"),
        ("clock", "12:42:50"),
        ("clock", "23:59:59.9999999"),
    ],
)
async def test_a_time_needs_no_zone_wherever_it_stands(adt: Adt, name: str, value: str):
    for request in everywhere(name, json.dumps(value)):
        status, _ = await write(adt, request)
        assert status in {200, 204}, request
    assert (await adt.twin("thing"))["part"][name] == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("moment", "2022-05-01T12:45"),
        ("moment", "2022-05-01"),
        ("moment", "2022-05-01 12:45:00"),
        ("moment", "2022-05-01T12:45:60"),
        ("clock", "12:42"),
        ("clock", "24:00:00"),
        ("clock", "12:42:50+15:00"),
    ],
)
async def test_texts_that_are_no_times_are_refused_wherever_they_stand(adt: Adt, name: str, value: str):
    for request in everywhere(name, json.dumps(value)):
        assert await write(adt, request) == (400, "ValidationFailed"), request


DOUBLES = [
    *("9223372036854775808", "10000000000000000000", "18446744073709551615", "18446744073709551616"),
    *("100000000000000000000", "123456789012345680000", "-9223372036854775809", "-10000000000000000000"),
    "1" + "0" * 38,
]


@pytest.mark.parametrize("text", DOUBLES)
async def test_a_double_may_be_written_as_an_integer_of_any_length_wherever_it_stands(adt: Adt, text: str):
    for name in ("mass", "weight"):
        for request in everywhere(name, text):
            status, _ = await write(adt, request)
            assert status in {200, 204}, request
        assert (await adt.twin("thing"))["part"][name] == float(text)


@pytest.mark.parametrize("text", DOUBLES)
async def test_a_double_without_a_fraction_is_neither_a_long_nor_an_integer(adt: Adt, text: str):
    for name in ("count", "small"):
        for request in everywhere(name, text):
            assert await write(adt, request) == (400, "ValidationFailed"), request


@pytest.mark.parametrize("text", ["1e400", "-1e400", "9" * 400, "9" * 1_000_000])
async def test_a_number_that_no_double_holds_is_refused_at_once(adt: Adt, text: str):
    start = time.process_time()
    for request in everywhere("mass", text):
        assert await write(adt, request) == (400, "InvalidArgument")
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("mass", "1.7976931348623157E308"),
        ("mass", "-1.7976931348623157e308"),
        ("mass", "5e-324"),
        ("weight", "3.4028234663852886e38"),
        ("weight", "3.4028235E38"),
        ("weight", "1e-50"),
    ],
)
async def test_the_largest_and_smallest_numbers_of_the_schema_are_taken(adt: Adt, name: str, text: str):
    for request in everywhere(name, text):
        status, _ = await write(adt, request)
        assert status in {200, 204}, request
    assert (await adt.twin("thing"))["part"][name] == float(text)


async def test_what_a_float_rounds_to_infinity_is_refused(adt: Adt):
    assert await write(adt, everywhere("weight", "3.4028236e38")[0]) == (400, "ValidationFailed")


@pytest.mark.parametrize("text", DOUBLES)
async def test_queries_find_doubles_of_any_length_by_either_way_of_writing_them(adt: Adt, text: str):
    await adt.patch("/digitaltwins/thing", add("/mass", float(text)))
    for literal in (text, repr(float(text))):
        query = f"SELECT T.mass FROM DIGITALTWINS T WHERE T.mass = {literal}"
        assert (await adt.post("/query", {"query": query})).body["value"] == [{"mass": float(text)}]


async def test_doubles_of_any_length_and_times_without_zone_go_through_an_import_and_an_export(
    adt: Adt, tmp_path: Path
):
    twin = {**TWIN, "$dtId": "there", "moment": "2022-05-01T12:45:00", "mass": "MASS", "massList": ["MASS"]}
    content = [line.replace(b'"MASS"', b"10000000000000000000") for line in lines(models=[], twins=[twin])]
    job = await Jobs(adt, tmp_path).run("one", content)
    assert job["status"] == "succeeded"
    await adt.service.close()
    export_graph(Settings(data_dir=str(tmp_path / "data")), str(tmp_path / "graph.ndjson"))
    said: list[str] = []
    assert await import_graph(Settings(data_dir=str(tmp_path / "copy")), str(tmp_path / "graph.ndjson"), said.append)
    copy = await LocalTwins.open(tmp_path / "copy")
    there = await Adt(copy).twin("there")
    await copy.close()
    assert (there["mass"], there["massList"], there["moment"]) == (1e19, [1e19], "2022-05-01T12:45:00")


@pytest.mark.parametrize("twin_id", [".", "..", "%2E", "%2e%2E"])
async def test_ids_that_clients_resolve_away_are_refused(adt: Adt, twin_id: str):
    for path, body in ((f"/digitaltwins/{twin_id}", TWIN), (f"/digitaltwins/thing/relationships/{twin_id}", NEAR)):
        answer = await adt.put(path, body)
        assert (answer.status, answer.code) == (400, "InvalidArgument")
        assert "must not be . or .." in answer.message


async def test_import_jobs_refuse_ids_that_clients_resolve_away(adt: Adt, tmp_path: Path):
    twins = [{**TWIN, "$dtId": "."}, {**TWIN, "$dtId": "..."}]
    near = [{**NEAR, "$dtId": "thing", "$relationshipId": ".."}]
    jobs = Jobs(adt, tmp_path)
    assert (await jobs.run("one", lines(models=[], twins=twins, relationships=near)))["status"] == "failed"
    assert len(jobs.refused("one")) == 2
    assert (await adt.twin("..."))["$dtId"] == "..."


async def test_a_source_time_is_kept_as_it_was(adt: Adt):
    with_zone = {"$model": "dtmi:values:Thing;1", "mass": {"sourceTime": "2022-05-01T12:45:00Z"}}
    assert (await adt.put("/digitaltwins/thing", {**TWIN, "$metadata": with_zone, "mass": 1})).status == 200
    without_date = {"$model": "dtmi:values:Thing;1", "mass": {"sourceTime": "12:45:00"}}
    answer = await adt.put("/digitaltwins/thing", {**TWIN, "$metadata": without_date, "mass": 1})
    assert answer.code == "ValidationFailed"
