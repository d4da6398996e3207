"""Whole graphs, written through gRPC and read back equal."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.examples import program

import twinfront_server.sample
from twinfront import AsyncTwinfrontClient, DigitalTwin, Relationship, patch

SAMPLE = Path(twinfront_server.sample.__file__).parent

loading = program.load("load_graph.py")


async def _load(client: AsyncTwinfrontClient, path: Path, models: Path | None = None) -> Any:
    graph = loading.read_graph(path, models)
    report = await loading.load_graph(client, graph)
    assert report.failures == []
    assert (report.models, report.twins, report.relationships) == (
        len(graph.models),
        len(graph.twins),
        len(graph.relationships),
    )
    return graph


async def _is_read_back(client: AsyncTwinfrontClient, path: Path) -> None:
    """Compares with the lines of the file, without the example's own reading and comparing."""
    rows = _rows(path)
    edges = [row for row in rows if "$relationshipId" in row]
    for row in rows:
        if "@id" in row:
            assert (await client.get_model(row["@id"], include_model_definition=True)).dtdl_model == row
        if "$metadata" in row:
            await _is_twin(client, row, edges)


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines() if line]


async def _is_twin(client: AsyncTwinfrontClient, row: dict[str, Any], edges: list[dict[str, Any]]) -> None:
    twin_id = row["$dtId"]
    written, read = DigitalTwin.from_dict(row), await client.get_digital_twin(twin_id)
    assert (read.model_id, read.properties) == (written.model_id, written.properties)
    for name, component in written.components.items():
        assert read.components[name].properties == component.properties
    outgoing = {
        (entry.id, entry.name, entry.target_id, json.dumps(entry.properties))
        async for entry in client.list_relationships(twin_id)
    }
    assert outgoing == {
        (
            edge["$relationshipId"],
            edge["$relationshipName"],
            edge["$targetId"],
            json.dumps({name: value for name, value in edge.items() if not name.startswith("$")}),
        )
        for edge in edges
        if edge["$dtId"] == twin_id
    }
    incoming = {
        (entry.source_id, entry.relationship_id, entry.name)
        async for entry in client.list_incoming_relationships(twin_id)
    }
    assert incoming == {
        (edge["$dtId"], edge["$relationshipId"], edge["$relationshipName"])
        for edge in edges
        if edge["$targetId"] == twin_id
    }


async def test_the_sample_building_reads_back_equal(client: AsyncTwinfrontClient):
    graph = await _load(client, SAMPLE / "building.ndjson", SAMPLE / "models")
    assert await loading.compare_graph(client, graph) == []
    await _is_read_back(client, SAMPLE / "building.ndjson")


@pytest.mark.parametrize("name", ["national-grid", "building-scenario", "distribution-grid"])
async def test_a_real_graph_reads_back_equal(client: AsyncTwinfrontClient, shared: Path, name: str):
    path = shared / "data" / "graphs" / f"{name}.ndjson"
    graph = await _load(client, path)
    assert await loading.compare_graph(client, graph) == []
    await _is_read_back(client, path)


async def test_a_changed_property_is_a_difference(client: AsyncTwinfrontClient):
    graph = await _load(client, SAMPLE / "building.ndjson", SAMPLE / "models")
    await client.update_digital_twin("room-001", patch().replace("/temperature", 30))
    [difference] = await loading.compare_graph(client, graph)
    assert difference.startswith("twin room-001: ")


async def test_a_missing_and_an_added_relationship_are_differences(client: AsyncTwinfrontClient):
    graph = await _load(client, SAMPLE / "building.ndjson", SAMPLE / "models")
    await client.delete_relationship("floor-0", "hasRoom-room-001")
    await client.create_or_replace_relationship("ahu-1", "more", Relationship(name="serves", target_id="room-103"))
    differences = sorted(difference.partition(":")[0] for difference in await loading.compare_graph(client, graph))
    assert differences == [
        "relationships from ahu-1",
        "relationships from floor-0",
        "relationships to room-001",
        "relationships to room-103",
    ]


async def test_a_missing_twin_is_a_difference(client: AsyncTwinfrontClient):
    graph = await _load(client, SAMPLE / "building.ndjson", SAMPLE / "models")
    await client.delete_relationship("motion-01", "observes-room-001")
    await client.delete_digital_twin("motion-01")
    differences = await loading.compare_graph(client, graph)
    assert any(difference.startswith("twin motion-01: [TWIN_NOT_FOUND]") for difference in differences)


async def test_another_definition_of_a_model_is_a_difference(client: AsyncTwinfrontClient):
    graph = loading.read_graph(SAMPLE / "building.ndjson", SAMPLE / "models")
    await client.create_models([{**model, "comment": "of somebody else"} for model in graph.models])
    report = await loading.load_graph(client, graph)
    assert (report.models, report.twins) == (0, len(graph.twins))
    differences = await loading.compare_graph(client, graph)
    assert len(differences) == len(graph.models)
    assert all(difference.startswith("model dtmi:") for difference in differences)
