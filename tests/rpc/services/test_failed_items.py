"""What fails inside a batch or an import is counted by reason, and stands in the log's line of the call."""

import re
from typing import Any

import grpc.aio
import orjson
import pytest
from google.protobuf.descriptor import Descriptor
from google.rpc.status_pb2 import Status
from tests.contract_services import METHODS

from twinfront import AsyncTwinfrontClient, CreateOrReplace, Delete, Merge, Update, patch
from twinfront.v1.error_reason_pb2 import ErrorReason
from twinfront_server.app import App
from twinfront_server.metric_table import METHODS_WITH_ITEMS

from .building import Building

REASONS = {name.removeprefix("ERROR_REASON_") for name in ErrorReason.keys()[1:]}


@pytest.fixture
async def client(channel: grpc.aio.Channel, building: Building) -> AsyncTwinfrontClient:
    for twin in ("room", "hall"):
        await building.add_room(twin)
    await building.connect("room", "door", "hall")
    return AsyncTwinfrontClient.from_channel(channel)


class _Counted:
    """What is counted from here on."""

    def __init__(self, server: App) -> None:
        self._server = server
        self._before = self._all()

    def __call__(self, name: str, **labels: str) -> dict[str, float]:
        """By reason, or by method where there is none, what has been added to a counter."""
        now = self._all()
        return {
            dict(key[1]).get("reason") or dict(key[1]).get("grpc_method", ""): now[key] - self._before[key]
            for key in now
            if key[0] == name and labels.items() <= dict(key[1]).items() and now[key] != self._before[key]
        }

    def _all(self) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        return {
            (sample.name, tuple(sample.labels.items())): sample.value
            for metric in self._server.metrics.registry.collect()
            for sample in metric.samples
        }


@pytest.fixture
def counted(server: App, client: AsyncTwinfrontClient) -> _Counted:  # noqa: ARG001  (whose own writes do not count)
    return _Counted(server)


def _line(text: str, method: str) -> dict[str, str]:
    line = [line for line in text.splitlines() if f"/{method} " in line][-1]
    return dict(re.findall(r"(\w+)=(\S*)", line))


async def test_writes_of_a_batch(client: AsyncTwinfrontClient, counted: _Counted, capsys: pytest.CaptureFixture[str]):
    stale = 'W/"stale"'
    await client.batch_write_digital_twins(
        [
            Update("hall", patch().add("/temperature", 1.0)),
            *(Update(f"nobody-{number}", patch().add("/temperature", 1.0)) for number in range(5)),
            Delete("room"),
            Merge("room-2", {"temperature": 1}),
            CreateOrReplace("room-3", {"$metadata": {"$model": "dtmi:example:Nothing;1"}}),
        ]
    )
    await client.batch_write_digital_twins(
        [Update("room", [], if_match=stale), Merge("hall", {"temperature": 2}, if_match=stale)]
    )
    assert counted("twinfront_item_errors_total", grpc_method="BatchWriteDigitalTwins") == {
        "TWIN_NOT_FOUND": 6,
        "TWIN_HAS_RELATIONSHIPS": 1,
        "VALIDATION_FAILED": 1,
        "ETAG_MISMATCH": 2,
    }
    assert counted("twinfront_etag_conflicts_total") == {"BatchWriteDigitalTwins": 2}
    assert counted("twinfront_blocked_deletes_total") == {"": 1}
    assert counted("twinfront_errors_total") == {}
    line = _line(capsys.readouterr().out, "BatchWriteDigitalTwins")
    assert (line["code"], line["items"], line["failed"]) == ("OK", "2", "2")


async def test_twins_that_a_batch_does_not_find(
    client: AsyncTwinfrontClient, counted: _Counted, capsys: pytest.CaptureFixture[str]
):
    await client.batch_get_digital_twins(["room", "nobody", "nowhere", "hall", "nobody"])
    assert counted("twinfront_item_errors_total") == {"TWIN_NOT_FOUND": 2}
    line = _line(capsys.readouterr().out, "BatchGetDigitalTwins")
    assert (line["code"], line["items"], line["failed"]) == ("OK", "4", "2")


async def test_items_of_an_import(client: AsyncTwinfrontClient, counted: _Counted, capsys: pytest.CaptureFixture[str]):
    rows: list[dict[str, Any]] = [
        {"Section": "Header"},
        {"fileVersion": "1.0.0"},
        {"Section": "Twins"},
        {"$dtId": "hall", "$metadata": {"$model": "dtmi:example:Nothing;1"}},
        {"Section": "Relationships"},
        {"$relationshipId": "r", "$sourceId": "hall", "$targetId": "nobody", "$relationshipName": "adjacentTo"},
        {"$relationshipId": "r", "$sourceId": "hall", "$targetId": "room", "$relationshipName": "adjacentTo"},
    ]
    async for _ in client.import_graph_text([orjson.dumps(row) + b"\n" for row in rows]):
        pass
    assert counted("twinfront_item_errors_total", grpc_method="ImportGraph") == {
        "VALIDATION_FAILED": 1,
        "TARGET_TWIN_NOT_FOUND": 1,
    }
    line = _line(capsys.readouterr().out, "ImportGraph")
    assert (line["code"], line["items"], line["failed"]) == ("OK", "3", "2")


async def test_calls_about_one_thing_have_no_items(client: AsyncTwinfrontClient, capsys: pytest.CaptureFixture[str]):
    await client.get_digital_twin("room")
    assert "items" not in _line(capsys.readouterr().out, "GetDigitalTwin")


def test_every_series_is_there_from_the_start(server: App):
    value = server.metrics.registry.get_sample_value
    for method in METHODS_WITH_ITEMS:
        for reason in REASONS:
            assert value("twinfront_item_errors_total", {"grpc_method": method, "reason": reason}) == 0


def test_every_rpc_with_statuses_in_its_response_counts_failed_items():
    def has_statuses(message: Descriptor) -> bool:
        inside = [field.message_type for field in message.fields if field.message_type is not None]
        deeper = [field.message_type for each in inside for field in each.fields]
        return Status.DESCRIPTOR in [*inside, *deeper]

    assert {method.name for method in METHODS if has_statuses(method.output_type)} <= set(METHODS_WITH_ITEMS)
