"""The sample building that `twinfront serve --sample` loads."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from tests.rpc.serving import process

from twinfront import TwinfrontClient
from twinfront_server.metrics import Metrics
from twinfront_server.sample import SampleReport, load_sample
from twinfront_server.sample.building import sample_graph, sample_models
from twinfront_server.settings import Settings
from twinfront_server.upstream import Upstream, open_upstream

WHOLE = SampleReport(models=11, twins=30, relationships=41)


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    upstream = await open_upstream(Settings(data_dir=":memory:"), Metrics(CollectorRegistry()))
    yield upstream
    await upstream.close()


async def _relationships(upstream: Upstream, twin_id: str) -> list[dict[str, Any]]:
    return (await upstream.relationships.list(twin_id, "", "")).items


async def test_an_empty_instance_gets_the_whole_building(upstream: Upstream):
    report = await load_sample(upstream)
    assert report == WHOLE
    assert report.loaded
    for twin in sample_graph()["Twins"]:
        stored = json.loads((await upstream.twins.get(twin["$dtId"])).body)
        assert stored["$metadata"]["$model"] == twin["$metadata"]["$model"]
    assert len(await _relationships(upstream, "harbour-house")) == 5


async def test_loading_again_changes_nothing(upstream: Upstream):
    await load_sample(upstream)
    before = (await upstream.twins.get("room-001")).etag
    again = await load_sample(upstream)
    assert again == SampleReport()
    assert not again.loaded
    assert (await upstream.twins.get("room-001")).etag == before


async def test_an_integer_beyond_double_precision_survives(upstream: Upstream):
    await load_sample(upstream)
    stored = json.loads((await upstream.twins.get("ahu-1")).body)
    assert stored["supplyFan"]["revolutions"] == 2**53 + 1


def test_every_model_and_relationship_is_in_use():
    models = {model_id: json.loads(text) for model_id, text in sample_models().items()}
    graph = sample_graph()
    used = {twin["$metadata"]["$model"] for twin in graph["Twins"]}
    contents = [content for model in models.values() for content in model["contents"]]
    referred = {model.get("extends") for model in models.values()} | {
        content["schema"] for content in contents if content["@type"] == "Component"
    }
    assert used | referred >= models.keys()
    names = {content["name"] for content in contents if content["@type"] == "Relationship"}
    assert {entry["$relationshipName"] for entry in graph["Relationships"]} == names


def test_serve_loads_it_if_asked_to_and_keeps_what_has_changed_since(tmp_path: Path):
    words = ["--sample", f"--data-dir={tmp_path / 'data'}"]
    for expected, changed in ((21.2, 25.0), (25.0, 26.0)):
        served = process.start(tmp_path, words, {})
        try:
            with TwinfrontClient(served.address) as client:
                assert client.get_digital_twin("room-001")["temperature"] == expected
                change = {"op": "replace", "path": "/temperature", "value": changed}
                client.update_digital_twin("room-001", [change])
        finally:
            served.signal()
            assert served.exit_code() == 0
