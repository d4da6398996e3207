"""The file of --policy: read at the start, followed while the server runs."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from structlog.testing import capture_logs
from tests.rpc.access.issuer import Issuer

from twinfront_program.startup_error import StartupError
from twinfront_server.access import policy_file
from twinfront_server.app import App
from twinfront_server.settings import Settings

from .caller import Caller, method_named
from .plant import MODELS, POLICY, Plant

READERS = 'version: 1\nbindings: [{role: reader, to: {principals: ["jwt:alice"]}}]'
WRITERS = READERS.replace("reader", "writer")
LIST, CREATE = method_named("ListModels"), method_named("UpdateDigitalTwin")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "policy.yaml"


@pytest.fixture
async def app(settings: Settings, file: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    monkeypatch.setattr(policy_file, "LOOK_SECONDS", 0.02)
    file.write_text(READERS)
    async with App(settings.changed(policy=str(file))) as app:
        yield app


@pytest.fixture
async def alice(app: App, issuer: Issuer) -> AsyncIterator[Caller]:
    async with grpc.aio.insecure_channel(str(app.address)) as channel:
        yield Caller(channel, issuer)


def replace(file: Path, text: str) -> None:
    """Puts another file in the place of one, at once, as those who deploy do."""
    other = file.with_suffix(".new")
    other.write_text(text)
    other.replace(file)


async def read(app: App, outcome: str, times: int) -> None:
    """Waits until a read of the file has come to something so many times."""
    async with asyncio.timeout(10):
        while app.metrics.registry.get_sample_value("twinfront_policy_reads_total", {"outcome": outcome}) != times:
            await asyncio.sleep(0.01)


async def test_another_policy_is_in_force_without_a_restart(app: App, alice: Caller, file: Path):
    assert await alice.reason(LIST) == ""
    assert await alice.reason(CREATE) == "CALLER_NOT_PERMITTED"
    replace(file, WRITERS)
    await read(app, "applied", 2)
    assert await alice.reason(CREATE) == "INVALID_ARGUMENT"
    replace(file, READERS.replace("alice", "bob"))
    await read(app, "applied", 3)
    assert await alice.reason(LIST) == "CALLER_NOT_PERMITTED"


BAD = {
    "that is no YAML": "version: [",
    "with an unknown role": READERS.replace("reader", "admin"),
    "with an unknown model": READERS.replace("}]", ', within: {models: ["dtmi:acme:Nothing;1"]}}]', 1),
    "with an unknown claim": READERS.replace("principals", "claim"),
    "that is too large": READERS + "\n#" + "x" * (1 << 20),
}


@pytest.mark.parametrize("what", BAD)
async def test_a_policy_that_is_bad_leaves_the_one_of_before(app: App, alice: Caller, file: Path, what: str):
    with capture_logs() as log:
        replace(file, BAD[what])
        await read(app, "refused", 1)
    warning = next(line for line in log if line["event"] == "the policy cannot be used, the one of before stays")
    assert (warning["log_level"], warning["file"]) == ("warning", str(file))
    assert warning["error"]
    assert await alice.reason(LIST) == ""
    replace(file, WRITERS)
    await read(app, "applied", 2)
    assert await alice.reason(CREATE) == "INVALID_ARGUMENT"


async def test_a_policy_that_is_taken_away_stays_in_force(app: App, alice: Caller, file: Path):
    file.unlink()
    await read(app, "refused", 1)
    assert await alice.reason(LIST) == ""


async def test_a_file_that_was_read_before_it_was_whole_is_read_again(app: App, alice: Caller, file: Path):
    file.write_text(WRITERS[:30])
    await read(app, "refused", 1)
    file.write_text(WRITERS)
    await read(app, "applied", 2)
    assert await alice.reason(CREATE) == "INVALID_ARGUMENT"


@pytest.mark.parametrize("what", BAD)
async def test_a_server_does_not_start_with_a_bad_policy_and_says_why(settings: Settings, file: Path, what: str):
    file.write_text(BAD[what])
    with pytest.raises(StartupError) as refusal:
        async with App(settings.changed(policy=str(file))):
            pass
    complaint = str(refusal.value)
    assert complaint.startswith(f"--policy {file}: ")
    told = {
        "with an unknown role": "bindings[0].role: 'admin' is no role; there are reader, writer, modeller, operator",
        "with an unknown model": "bindings[0].within.models[0]: there is no model 'dtmi:acme:Nothing;1'",
        "with an unknown claim": "bindings[0].to.claim: extra inputs are not permitted (it is ['jwt:alice'])",
    }
    assert told.get(what, "") in complaint


async def test_a_server_does_not_start_without_its_policy(settings: Settings, file: Path):
    with pytest.raises(StartupError, match="cannot be read: No such file or directory"):
        async with App(settings.changed(policy=str(file))):
            pass


async def test_a_policy_about_models_is_used_though_the_upstream_cannot_tell_of_them(
    settings: Settings, file: Path, issuer: Issuer
):
    file.write_text(POLICY)
    elsewhere = {"upstream": "http://127.0.0.1:1", "upstream_credential": "none", "read_retries": 0}
    async with (
        App(settings.changed(policy=str(file), **elsewhere)) as app,
        grpc.aio.insecure_channel(str(app.address)) as channel,
    ):
        assert await Caller(channel, issuer).known_as("olga", "owners").reason(LIST) == "UPSTREAM_UNAVAILABLE"


def test_a_policy_needs_callers_that_are_known():
    with pytest.raises(ValueError, match="--policy needs --auth jwt or mtls"):
        Settings(listen="127.0.0.1:0", policy="policy.yaml")


async def test_a_model_made_after_the_start_is_within_bounds_if_it_descends(plant: Plant):
    shed = json.loads(MODELS[1]) | {"@id": "dtmi:acme:Shed;1"}
    pit = {"@context": "dtmi:dtdl:context;2", "@type": "Interface", "@id": "dtmi:acme:Pit;1"}
    read: dict[str, Any] = {}
    for model in (shed, pit):
        read[model["@id"]] = await plant.spaces.reason(method_named("GetModel"), model_id=model["@id"])
    assert set(read.values()) == {"CALLER_NOT_PERMITTED"}
    await plant.owner.ask("CreateModels", dtdl_models=[json.dumps(shed), json.dumps(pit)])
    for model in (shed, pit):
        read[model["@id"]] = await plant.spaces.reason(method_named("GetModel"), model_id=model["@id"])
    assert read == {"dtmi:acme:Shed;1": "", "dtmi:acme:Pit;1": "CALLER_NOT_PERMITTED"}


async def test_a_file_that_changes_within_the_clocks_grain_is_read(app: App, alice: Caller, file: Path):
    """It is told by its size and its place on the disk too."""
    before = file.stat()
    replace(file, WRITERS)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    await read(app, "applied", 2)
    assert await alice.reason(CREATE) == "INVALID_ARGUMENT"
