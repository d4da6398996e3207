"""The doctor asks the source of changes."""

import pytest
from tests.changes.event_hub import Hub
from tests.changes.kafka_broker import Broker

from twinfront_server.doctor.changes import check_changes
from twinfront_server.doctor.finding import Finding
from twinfront_server.settings import Settings


async def found(**given: object) -> Finding:
    (finding,) = await check_changes(Settings.of(given))
    assert finding.check == "--changes"
    assert (finding.state == "ok") != bool(finding.advice)
    return finding


async def test_without_a_source_there_is_nothing_to_look_at() -> None:
    assert await check_changes(Settings()) == []


async def test_a_topic_that_is_there_is_found_sound(broker: Broker) -> None:
    url = f"kafka://{broker.address}/{await broker.topic(3)}"
    finding = await found(changes=url)
    assert (finding.state, finding.text) == ("ok", f"{url} answers: 3 partitions, 0 messages")


async def test_a_topic_that_is_not_there_is_told(broker: Broker) -> None:
    finding = await found(changes=f"kafka://{broker.address}/nowhere")
    assert finding.state == "failed"
    assert "does not have the topic" in finding.text


async def test_a_broker_that_is_not_there_is_told() -> None:
    finding = await found(changes="kafka://127.0.0.1:1/twins")
    assert finding.state == "failed"
    assert "cannot be reached" in finding.text


async def test_a_secret_that_is_none_is_told() -> None:
    finding = await found(changes="eventhub://ns.servicebus.windows.net/twins", changes_secret="none")
    assert finding.state == "failed"
    assert "no connection string" in finding.text


async def test_an_event_hub_that_is_there_is_found_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub("0", "1")
    hub.add({}, b"{}")
    monkeypatch.setattr("azure.eventhub.aio.EventHubConsumerClient", lambda *_, **__: hub.connect())
    finding = await found(changes="eventhub://ns.servicebus.windows.net/twins")
    assert finding.text.endswith("answers: 2 partitions, 1 messages")


async def test_what_the_client_says_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub()
    hub.fail(OSError("the name is not known"))
    monkeypatch.setattr("azure.eventhub.aio.EventHubConsumerClient", lambda *_, **__: hub.connect())
    finding = await found(changes="eventhub://ns.servicebus.windows.net/twins")
    assert (finding.state, "the name is not known" in finding.text) == ("failed", True)
