"""The example that loads a graph in the import format."""

import asyncio
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

import twinfront_server.sample
from twinfront import TwinfrontClient

from . import program

PROGRAM = "load_graph.py"
SAMPLE = Path(twinfront_server.sample.__file__).parent
load_graph = program.load(PROGRAM)

MODEL = {
    "@context": "dtmi:dtdl:context;3",
    "@id": "dtmi:twinfront:loading:Node;1",
    "@type": "Interface",
    "contents": [
        {"@type": "Property", "name": "weight", "schema": "double"},
        {"@type": "Relationship", "name": "next"},
    ],
}


def node(twin_id: str, **properties: Any) -> dict[str, Any]:
    return {"$dtId": twin_id, "$metadata": {"$model": MODEL["@id"]}, **properties}


def edge(source: str, target: str, **members: Any) -> dict[str, Any]:
    return {
        "$dtId": source,
        "$relationshipId": f"{source}-{target}",
        "$targetId": target,
        "$relationshipName": "next",
        **members,
    }


def write(path: Path, *, twins: Iterable[Any] = (), relationships: Iterable[Any] = (), models: Any = (MODEL,)) -> Path:
    rows = [
        {"Section": "Header"},
        {"fileVersion": "1.0.0", "author": "tests", "organization": "twinfront"},
        {"Section": "Models"},
        *models,
        {"Section": "Twins"},
        *twins,
        {"Section": "Relationships"},
        *relationships,
    ]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def test_the_sample_building_is_loaded_and_read_back_equal(address: str):
    words = (SAMPLE / "building.ndjson", "--models", SAMPLE / "models", "--verify", "--address", address)
    finished = program.run(PROGRAM, *words)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout.splitlines() == [
        "models: 11 of 11",
        "twins: 30 of 30",
        "relationships: 41 of 41",
        "models compared: 11 of 11",
        "twins compared: 30 of 30",
        "loaded 11 models, 30 twins, 41 relationships",
        "read back equal",
    ]


def test_loading_again_leaves_the_models_and_replaces_the_rest(address: str, tmp_path: Path):
    graph = write(tmp_path / "graph.ndjson", twins=[node("a", weight=1.5)])
    program.run(PROGRAM, graph, "--address", address)
    graph = write(tmp_path / "graph.ndjson", twins=[node("a", weight=2.5)])
    finished = program.run(PROGRAM, graph, "--verify", "--address", address)
    assert finished.returncode == 0
    assert "loaded 0 models, 1 twins, 0 relationships" in finished.stdout


def test_the_source_of_a_relationship_is_dtid_or_sourceid(tmp_path: Path):
    other = edge("b", "a", **{"$sourceId": "b"})
    del other["$dtId"]
    graph = load_graph.read_graph(
        write(
            tmp_path / "graph.ndjson",
            twins=[node("a"), node("b")],
            relationships=[edge("a", "b", **{"$sourceId": None, "$etag": None}), other],
        )
    )
    assert [(entry.source_id, entry.target_id) for entry in graph.relationships] == [("a", "b"), ("b", "a")]


def test_a_byte_order_mark_and_empty_lines_do_not_matter(tmp_path: Path):
    path = write(tmp_path / "graph.ndjson", twins=[node("a")])
    path.write_text("\ufeff" + path.read_text() + "\r\n\n")
    assert [twin.id for twin in load_graph.read_graph(path).twins] == ["a"]


def test_what_fails_is_listed_and_the_rest_is_loaded(address: str, tmp_path: Path):
    graph = write(
        tmp_path / "graph.ndjson",
        twins=[node("a"), node("b", weight="heavy"), node("c")],
        relationships=[edge("a", "c"), edge("a", "b")],
    )
    finished = program.run(PROGRAM, graph, "--verify", "--address", address)
    assert finished.returncode == 1
    assert "loaded 1 models, 2 twins, 1 relationships" in finished.stdout
    assert "read back equal" not in finished.stdout
    problems = finished.stderr.splitlines()
    assert any(re.match(r"failed: twin b: \[VALIDATION_FAILED\].*weight", line) for line in problems)
    assert any(re.match(r"failed: relationship a/a-b: \[TARGET_TWIN_NOT_FOUND\]", line) for line in problems)
    assert any(line.startswith("differs: twin b: [TWIN_NOT_FOUND]") for line in problems)
    with TwinfrontClient(address) as client:
        assert [entry.target_id for entry in client.list_relationships("a")] == ["c"]


def test_models_that_are_refused_are_listed(address: str, tmp_path: Path):
    graph = write(tmp_path / "graph.ndjson", models=[{"@id": "dtmi:twinfront:loading:Bad;1", "@type": "Interface"}])
    finished = program.run(PROGRAM, graph, "--address", address)
    assert finished.returncode == 1
    assert "failed: models dtmi:twinfront:loading:Bad;1" in finished.stderr
    assert "[DTDL_INVALID]" in finished.stderr


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"Section": "Header"}\n{"x": ', "graph.ndjson, line 2: "),
        ('{"Section": "Header"}\n[]', "graph.ndjson, line 2: is no JSON object"),
        ('{"$dtId": "a"}', "graph.ndjson, line 1: comes before the first section"),
        ('{"Section": "Twinz"}', "graph.ndjson, line 1: no section is called 'Twinz'"),
        ('{"Section": ["Twins"]}', "graph.ndjson, line 1: no section is called ['Twins']"),
        ('{"Section": "Models"}\n{"@type": "Interface"}', "graph.ndjson, line 2: lacks an id"),
        (
            '{"Section": "Twins"}\n{"$dtId": "a", "$metadata": "none"}',
            "graph.ndjson, line 2: has a $metadata that is none",
        ),
        ('{"Section": "Twins"}\n{"weight": 1}', "graph.ndjson, line 2: lacks an id"),
        ('{"Section": "Relationships"}\n{"$dtId": "a", "$targetId": "b"}', "graph.ndjson, line 2: lacks an id"),
    ],
)
def test_a_file_in_another_format_is_refused_with_the_line(tmp_path: Path, text: str, problem: str):
    path = tmp_path / "graph.ndjson"
    path.write_text(text)
    finished = program.run(PROGRAM, path, "--address", "127.0.0.1:1")
    assert finished.returncode == 2
    assert finished.stderr.startswith(problem)
    assert "Traceback" not in finished.stderr


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    finished = program.run(PROGRAM, tmp_path / "graph.ndjson", "--address", "127.0.0.1:1")
    assert finished.returncode == 2
    assert "graph.ndjson" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_models_go_in_batches_that_never_refer_to_a_later_one():
    chain = [_model(n, extends=n + 1) for n in range(600)] + [_model(600)]
    known: set[str] = set()
    sizes = []
    for batch in load_graph.model_batches(chain):
        known |= {model["@id"] for model in batch}
        assert {model["extends"] for model in batch if "extends" in model} <= known
        sizes.append(len(batch))
    assert sizes == [250, 250, 101]


def test_a_batch_is_small_enough_for_one_message():
    large = [_model(n) | {"comment": "x" * 900_000} for n in range(5)]
    assert [len(batch) for batch in load_graph.model_batches(large)] == [2, 2, 1]


def test_models_that_extend_each_other_in_a_circle_are_refused():
    with pytest.raises(load_graph.GraphError, match="in a circle"):
        list(load_graph.model_batches([_model(0, extends=1), _model(1, extends=0)]))


def test_two_models_of_one_id_are_refused():
    with pytest.raises(load_graph.GraphError, match="2 models with only 1 different ids"):
        list(load_graph.model_batches([_model(0), _model(0)]))


def test_without_any_concurrency_nothing_could_be_loaded(tmp_path: Path):
    finished = program.run(PROGRAM, write(tmp_path / "graph.ndjson"), "--concurrency", "0", "--address", "127.0.0.1:1")
    assert finished.returncode == 2
    assert "--concurrency is at least 1" in finished.stderr


def test_a_value_that_is_no_json_fails_alone(address: str, tmp_path: Path):
    path = write(tmp_path / "graph.ndjson", twins=[node("a", weight=float("nan")), node("b")])
    finished = program.run(PROGRAM, path, "--address", address)
    assert finished.returncode == 1
    assert "failed: twin a: " in finished.stderr
    assert "loaded 1 models, 1 twins, 0 relationships" in finished.stdout


async def test_no_more_calls_are_under_way_than_allowed():
    under_way = most = 0

    async def act(_item: int) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1

    done: list[int] = []
    await load_graph.each(range(40), act, concurrency=4, done=done.append)
    assert most == 4
    assert done == list(range(1, 41))


def _model(number: int, *, extends: int | None = None) -> dict[str, Any]:
    model = {"@context": "dtmi:dtdl:context;3", "@id": f"dtmi:twinfront:loading:M{number};1", "@type": "Interface"}
    return model if extends is None else model | {"extends": f"dtmi:twinfront:loading:M{extends};1"}
