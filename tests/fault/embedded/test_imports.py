"""An import over an embedded service that is slow in turns and throttles: everything is written, and in order."""

from collections.abc import Iterator

import grpc.aio
import pytest

from twinfront.v1 import graph_service_pb2 as graphs
from twinfront.v1.digital_twin_pb2 import DigitalTwin
from twinfront.v1.digital_twin_service_pb2 import GetDigitalTwinRequest
from twinfront.v1.digital_twin_service_pb2_grpc import DigitalTwinServiceStub
from twinfront.v1.graph_service_pb2 import GraphItem
from twinfront.v1.graph_service_pb2_grpc import GraphServiceStub
from twinfront.v1.relationship_pb2 import Relationship
from twinfront.v1.value_pb2 import Value
from twinfront_server.app import App
from twinfront_server.settings import Settings

MODEL = """{"@id": "dtmi:example:Node;1", "@type": "Interface", "@context": "dtmi:dtdl:context;3", "contents": [
    {"@type": "Property", "name": "round", "schema": "integer"},
    {"@type": "Relationship", "name": "next",
     "properties": [{"@type": "Property", "name": "round", "schema": "integer"}]}]}"""
NODES, ROUNDS = 20, 10


def rounds() -> Iterator[GraphItem]:
    """A ring of twins, written again and again."""
    yield GraphItem(dtdl_model=MODEL)
    for number in range(ROUNDS):
        properties = {"round": Value(int_value=number)}
        for node in range(NODES):
            twin = DigitalTwin(id=f"node-{node}", model_id="dtmi:example:Node;1", properties=properties)
            yield GraphItem(digital_twin=twin)
            if node or number:
                target = f"node-{(node - 1) % NODES}"
                relationship = Relationship(
                    id="next", source_id=f"node-{node}", target_id=target, name="next", properties=properties
                )
                yield GraphItem(relationship=relationship)


@pytest.mark.parametrize("faults", ["latency=0ms-20ms:on=writes", "throttle:on=writes:rate=0.5:count=4"])
async def test_every_item_is_written_and_the_last_one_of_a_twin_stays(monkeypatch: pytest.MonkeyPatch, faults: str):
    monkeypatch.setenv("LOCALTWINS_INJECT", faults)
    settings = Settings(listen="127.0.0.1:0", metrics_listen="none", data_dir=":memory:", health_interval=3600.0)
    items = list(rounds())
    async with App(settings) as app, grpc.aio.insecure_channel(str(app.address)) as channel:
        call = GraphServiceStub(channel).ImportGraph(iter([graphs.ImportGraphRequest(items=items)]))
        messages = [message async for message in call]
        twins = DigitalTwinServiceStub(channel)
        read = [await twins.GetDigitalTwin(GetDigitalTwinRequest(digital_twin_id=f"node-{n}")) for n in range(NODES)]
        export = GraphServiceStub(channel).ExportGraph(graphs.ExportGraphRequest(exclude_models=True))
        exported = [item async for message in export for item in message.items]
    assert [result for message in messages for result in message.results if result.status.code] == []
    assert messages[-1].progress.acknowledged_count == len(items)
    assert {each.digital_twin.properties["round"].int_value for each in read} == {ROUNDS - 1}
    relationships = [item.relationship for item in exported if item.HasField("relationship")]
    assert [each.properties["round"].int_value for each in relationships] == [ROUNDS - 1] * NODES
    last = {result.resource: result.etag for message in messages for result in message.results}
    assert {each.etag for each in read} <= set(last.values())
