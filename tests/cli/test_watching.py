"""`watch`."""

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from twinfront import DigitalTwin, TwinfrontClient, patch

from .conftest import Command

MODEL = "dtmi:twinfront:sample:Room;1"


@pytest.fixture
def client(address: str) -> Iterator[TwinfrontClient]:
    with TwinfrontClient(address) as client:
        yield client


@pytest.fixture
def start(environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts `twinfront watch`; ended when the test ends."""
    started: list[subprocess.Popen[str]] = []

    def run(*words: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            ["twinfront", "watch", *words],
            env=environment,
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def document(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    told: dict[str, Any] = json.loads(process.stdout.readline())
    return told


def change_room(client: TwinfrontClient, temperature: float) -> None:
    client.update_digital_twin("room-001", patch().replace("/temperature", temperature))


def test_changes_are_printed_as_they_happen(start: Callable[..., subprocess.Popen[str]], client: TwinfrontClient):
    watch = start("--id", "room-001", "--path", "/temperature", "-o", "ndjson")
    assert document(watch)["item"] == "checkpoint"
    client.update_digital_twin("room-001", patch().replace("/thermostat/setpoint", 19))
    change_room(client, 23.5)
    told = document(watch)
    assert (told["item"], told["kind"], told["digitalTwinId"]) == ("change", "twin_updated", "room-001")
    assert told["patch"] == [{"op": "replace", "path": "/temperature", "value": 23.5}]
    assert (told["modelId"], "digitalTwin" in told) == (MODEL, False)


def test_an_interrupted_watch_ends_well(start: Callable[..., subprocess.Popen[str]]):
    watch = start("-o", "ndjson")
    document(watch)
    watch.send_signal(signal.SIGINT)
    stdout, stderr = watch.communicate(timeout=10)
    assert (watch.returncode, stdout, stderr.strip()) == (0, "", "")


def test_a_watch_goes_on_from_a_token(twinfront: Command, client: TwinfrontClient):
    first = twinfront("watch", "--id", "room-001", "--initial", "twins", "--limit", "1", "-o", "ndjson")
    token = json.loads(first.stdout)["resumeToken"]
    change_room(client, 24.5)
    words = ("--id", "room-001", "--initial", "twins", "--from-token", token)
    told = map(json.loads, twinfront("watch", *words, "--limit", "1", "-o", "ndjson").stdout.splitlines())
    assert [each["patch"][0]["value"] for each in told if each["item"] == "change"] == [24.5]


def test_the_state_is_told_before_the_changes(twinfront: Command):
    words = ("watch", "--initial", "graph", "--prefix", "floor-0", "--relationship", "hasRoom", "--limit", "2")
    told = [json.loads(line) for line in twinfront(*words, "-o", "ndjson").stdout.splitlines()]
    assert told[0]["digitalTwin"]["$dtId"] == "floor-0"
    assert told[1]["relationship"]["$sourceId"] == "floor-0"


def test_with_after_an_update_comes_with_what_it_has_made(
    start: Callable[..., subprocess.Popen[str]], client: TwinfrontClient
):
    watch = start("--id", "room-001", "--after", "-o", "ndjson")
    document(watch)
    change_room(client, 25.5)
    assert document(watch)["digitalTwin"]["temperature"] == 25.5


def test_a_table_says_when_what_and_how(start: Callable[..., subprocess.Popen[str]], client: TwinfrontClient):
    watch = start("--prefix", "cli-", "--initial", "twins", "--limit", "3")
    assert watch.stdout is not None
    assert watch.stdout.readline().strip() == "state_end"
    client.create_or_replace_digital_twin("cli-a", DigitalTwin(model_id="dtmi:twinfront:sample:Floor;1"))
    client.update_digital_twin("cli-a", patch().add("/level", 7))
    client.delete_digital_twin("cli-a")
    created, updated, deleted = (line.split() for line in watch.communicate(timeout=20)[0].splitlines())
    assert created[1:] == ["twin_created", "cli-a", '{"$model":"dtmi:twinfront:sample:Floor;1"}']
    assert updated[1:] == ["twin_updated", "cli-a", "/level=7"]
    assert deleted[1:] == ["twin_deleted", "cli-a"]


def test_changes_since_a_time_are_told(twinfront: Command, client: TwinfrontClient):
    change_room(client, 26.5)
    told = twinfront("watch", "--since", "2020-01-01T00:00:00Z", "--limit", "1", "--id", "room-001", "-o", "ndjson")
    kinds = [json.loads(line)["item"] for line in told.stdout.splitlines()]
    if told.returncode == 0:
        assert kinds[-1] == "change"
    else:
        assert "CHANGES_EXPIRED" in told.stderr


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--kind", "twin_moved"], 2, "invalid choice: 'twin_moved'"),
        (["--since", "yesterday"], 2, "yesterday"),
        (["--from-token", "made-up"], 2, "RESUME_TOKEN_INVALID"),
        (["--limit", "0"], 2, "no whole number from 1"),
        (["--path", "temperature"], 2, "filter.paths[0]"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(twinfront: Command, words: list[str], code: int, message: str):
    ended = twinfront("watch", *words)
    assert ended.returncode == code
    assert message in ended.stderr
