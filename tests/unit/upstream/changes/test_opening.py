"""The source of changes that the settings name."""

import sys
from pathlib import Path

import pytest

from twinfront_program.startup_error import StartupError
from twinfront_server.settings import Settings
from twinfront_server.upstream.changes.event_hubs import EventHubLog
from twinfront_server.upstream.changes.kafka import KafkaLog
from twinfront_server.upstream.changes.opening import open_log
from twinfront_server.upstream.changes.partitioned_log import PartitionedLog

KAFKA = "kafkas://ns.servicebus.windows.net:9093/twins"
HUB = "eventhub://ns.servicebus.windows.net/twins"
CONNECTION = "Endpoint=sb://ns.servicebus.windows.net/;SharedAccessKeyName=read;SharedAccessKey=aGlkZGVu"


async def opened(**given: object) -> PartitionedLog:
    log = open_log(Settings.load(given))
    await log.close()
    return log


async def test_a_kafka_topic_is_opened_with_user_and_secret(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(CONNECTION + "\n")
    log = await opened(changes=KAFKA, changes_user="$ConnectionString", changes_secret_file=str(secret))
    assert isinstance(log, KafkaLog)
    assert log._connection["security_protocol"] == "SASL_SSL"
    assert log._connection["sasl_plain_username"] == "$ConnectionString"
    assert log._connection["sasl_plain_password"] == CONNECTION


@pytest.mark.parametrize("secret", [CONNECTION, CONNECTION + ";EntityPath=twins"])
async def test_an_event_hub_is_opened_with_its_connection_string(secret: str) -> None:
    assert isinstance(await opened(changes=HUB, changes_secret=secret), EventHubLog)


async def test_an_event_hub_is_opened_with_the_servers_own_credential() -> None:
    assert isinstance(await opened(changes=HUB), EventHubLog)


@pytest.mark.parametrize(
    ("secret", "told"),
    [
        ("hidden", "is no connection string"),
        (CONNECTION.replace("ns.", "other."), "of another Event Hub"),
        (CONNECTION + ";EntityPath=other", "of another Event Hub"),
    ],
)
async def test_a_secret_that_is_not_that_of_the_event_hub_is_refused_and_not_repeated(secret: str, told: str) -> None:
    with pytest.raises(StartupError, match=told) as refused:
        await opened(changes=HUB, changes_secret=secret)
    assert "hidden" not in str(refused.value)
    assert "aGlkZGVu" not in str(refused.value)


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff\xfe"])
async def test_a_file_without_a_secret_is_refused(tmp_path: Path, content: bytes | None) -> None:
    secret = tmp_path / "secret"
    if content is not None:
        secret.write_bytes(content)
    with pytest.raises(StartupError, match="--changes-secret-file"):
        await opened(changes=HUB, changes_secret_file=str(secret))


async def test_authorities_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match="--changes-ca"):
        await opened(changes=KAFKA, changes_ca=str(tmp_path / "none"))


@pytest.mark.parametrize(
    ("url", "module", "extra"), [(KAFKA, "aiokafka", "kafka"), (HUB, "azure.eventhub", "eventhub")]
)
async def test_a_library_that_is_not_installed_is_told_with_its_extra(
    url: str, module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith((module, "twinfront_server.upstream.changes."))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)  # stands for a module that is not there
    with pytest.raises(StartupError, match=rf"twinfront\[{extra}\]"):
        await opened(changes=url)
