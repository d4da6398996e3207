"""The audit log: who changed what, a line for each write that was sent, and no word of values."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from structlog.testing import capture_logs
from tests.rpc.serving import process

from twinfront import AsyncTwinfrontClient, Delete, Patch, Update
from twinfront.errors import TwinfrontError
from twinfront_server.access.permissions import Permission
from twinfront_server.access.rules import RULES
from twinfront_server.app import App
from twinfront_server.settings import Settings

from .calls import DELETE_TWIN, ETAG, GET_TWIN, UPDATE_TWIN, UPDATE_TWIN_IF_MATCH, WRITES, Rpc, refused
from .fault_server import Answer, FaultServer

CHANGING = {
    Permission.TWINS_WRITE,
    Permission.TELEMETRY_PUBLISH,
    Permission.MODELS_WRITE,
    Permission.GRAPH_IMPORT,
    Permission.ROUTES_WRITE,
    Permission.JOBS_WRITE,
}
SECRET = "a-value-of-a-property"
STALE = 'W/"00000000-0000-0000-0000-000000000000"'
LAMP = {
    "@context": "dtmi:dtdl:context;3",
    "@id": "dtmi:test:audit:Lamp;1",
    "@type": "Interface",
    "contents": [
        {"@type": "Property", "name": "note", "schema": "string"},
        {"@type": "Relationship", "name": "near"},
    ],
}
DARK = {"$metadata": {"$model": LAMP["@id"]}, "note": SECRET}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.ndjson"


@pytest.fixture
def settings(settings: Settings, path: Path) -> Settings:
    return settings.changed(audit_log=str(path))


@pytest.fixture
async def client(path: Path) -> AsyncIterator[AsyncTwinfrontClient]:
    """Of a server over an embedded service with two lamps near each other, whose audit log begins now."""
    settings = Settings(listen="127.0.0.1:0", metrics_listen="none", data_dir=":memory:", audit_log=str(path))
    async with App(settings) as app, AsyncTwinfrontClient(str(app.address), retry=False) as client:
        await client.create_models([LAMP])
        for lamp in ("one", "two"):
            await client.create_or_replace_digital_twin(lamp, DARK)
        near = {"$relationshipName": "near", "$targetId": "two"}
        await client.create_or_replace_relationship("one", "r", near)
        await lines_of(path, 4)
        path.write_text("")
        yield client


async def lines_of(path: Path, count: int) -> list[dict[str, Any]]:
    """The lines, once there are so many: a thread writes them."""
    async with asyncio.timeout(10):
        while path.read_text().count("\n") < count:
            await asyncio.sleep(0.01)
    return [json.loads(line) for line in path.read_text().splitlines()]


async def delete_import_job(client: AsyncTwinfrontClient) -> None:
    await client.delete_import_job("nobody's")


async def create_models(client: AsyncTwinfrontClient) -> None:
    await client.create_models([LAMP | {"@id": "dtmi:test:audit:Lamp;2"}])


async def merge(client: AsyncTwinfrontClient) -> None:
    await client.merge_digital_twin("one", {"note": "x"})


async def write_a_batch(client: AsyncTwinfrontClient) -> None:
    await client.batch_write_digital_twins([Update("one", Patch().replace("/note", "x")), Delete("two")])


async def import_two(client: AsyncTwinfrontClient) -> None:
    rows = ({"Section": "Header"}, {"fileVersion": "1.0.0"}, {"Section": "Twins"}, *(DARK | {"$dtId": i} for i in "ab"))
    text = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    async with aclosing(client.import_graph_text([text])) as results:
        async for _ in results:
            pass


SEVERAL: dict[str, tuple[Callable[[AsyncTwinfrontClient], Awaitable[None]], list[tuple[str, str, str]]]] = {
    "DeleteImportJob": (delete_import_job, [("delete_import_job", "nobody's", "NOT_FOUND")]),
    "CreateModels": (create_models, [("post_models", "dtmi:test:audit:Lamp;2", "OK")]),
    "MergeDigitalTwin": (merge, [("patch_digital_twin", "one", "OK")]),
    "BatchWriteDigitalTwins": (
        write_a_batch,
        [("delete_digital_twin", "two", "FAILED_PRECONDITION"), ("patch_digital_twin", "one", "OK")],
    ),
    "ImportGraph": (import_two, [("put_digital_twin", "a", "OK"), ("put_digital_twin", "b", "OK")]),
}
"""RPCs that are not one request to the upstream, and what is said of them: operations, ids, codes."""


def test_every_rpc_that_changes_something_is_tried_here() -> None:
    changing = {name.rpartition("/")[2] for name, rule in RULES.items() if rule.permission in CHANGING}
    assert {rpc.name for rpc in WRITES} | SEVERAL.keys() == changing


@pytest.mark.parametrize("rpc", WRITES, ids=str)
async def test_every_write_has_a_line(rpc: Rpc, upstream: FaultServer, channel: grpc.aio.Channel, path: Path) -> None:
    upstream.on(rpc.method, rpc.succeeds(ETag='W/"2"'))
    await rpc.call(channel, metadata=(("twinfront-call-id", "mine"),))
    [line] = await lines_of(path, 1)
    assert line.pop("time")
    assert line.pop("operation")
    assert line["method"].endswith(f"/{rpc.name}")
    assert (line["principal"], line["source"]) == ("anonymous", "anonymous")
    assert (line["call_id"], line["code"]) == ("mine", "OK")
    fields = {field.name for field, _ in rpc.request.ListFields() if field.name.endswith(("_id", "component_name"))}
    assert fields <= line.get("ids", {}).keys()


@pytest.mark.parametrize("name", SEVERAL)
async def test_what_sends_several_requests_or_others_has_a_line_for_each_write(
    client: AsyncTwinfrontClient, path: Path, name: str
) -> None:
    run, expected = SEVERAL[name]
    with suppress(TwinfrontError):
        await run(client)
    lines = await lines_of(path, len(expected))
    assert {line["method"].rpartition("/")[2] for line in lines} == {name}
    said = [
        (line["operation"], *line.get("ids", {}).values(), *line.get("model_ids", []), line["code"]) for line in lines
    ]
    assert sorted(each for each in said) == expected


async def test_a_delete_that_detaches_tells_of_the_relationships(client: AsyncTwinfrontClient, path: Path) -> None:
    await client.delete_digital_twin("two", relationships="detach")
    lines = await lines_of(path, 2)
    assert {line["operation"] for line in lines} >= {"delete_relationship", "delete_digital_twin"}
    assert {line["method"] for line in lines} == {"twinfront.v1.DigitalTwinService/DeleteDigitalTwin"}


async def test_a_line_has_the_etags_before_and_after_and_the_request_id(
    upstream: FaultServer, channel: grpc.aio.Channel, path: Path
) -> None:
    upstream.on("PATCH", Answer(204, headers={"ETag": 'W/"2"'}))
    await UPDATE_TWIN_IF_MATCH.having(request_id="again").call(channel)
    [line] = await lines_of(path, 1)
    assert (line["etag_before"], line["etag_after"], line["request_id"]) == (ETAG, 'W/"2"', "again")


async def test_a_write_without_condition_or_etag_claims_neither(
    upstream: FaultServer, channel: grpc.aio.Channel, path: Path
) -> None:
    upstream.on("DELETE", Answer(204))
    await DELETE_TWIN.call(channel)
    [line] = await lines_of(path, 1)
    assert {"etag_before", "etag_after", "request_id", "reason"}.isdisjoint(line)


async def test_a_repeated_write_was_done_once_and_has_one_line(
    upstream: FaultServer, channel: grpc.aio.Channel, path: Path
) -> None:
    upstream.on("PATCH", Answer(204, headers={"ETag": 'W/"2"'}))
    for _ in range(3):
        await UPDATE_TWIN.having(request_id="again").call(channel)
    upstream.on("DELETE", Answer(204))
    await DELETE_TWIN.call(channel)
    operations = [line["operation"] for line in await lines_of(path, 2)]
    assert operations == ["patch_digital_twin", "delete_digital_twin"]


async def test_a_refused_write_says_why(client: AsyncTwinfrontClient, path: Path) -> None:
    with suppress(TwinfrontError):
        await client.update_digital_twin("one", Patch().replace("/note", "x"), if_match=STALE)
    [line] = await lines_of(path, 1)
    assert (line["code"], line["reason"], line["etag_before"]) == ("ABORTED", "ETAG_MISMATCH", STALE)


async def test_a_write_that_nobody_knows_of_says_so(
    upstream: FaultServer, channel: grpc.aio.Channel, path: Path
) -> None:
    upstream.on("PATCH", Answer(breaks="after"))
    upstream.on("GET", Answer(503))
    await refused(UPDATE_TWIN.call(channel, timeout=2))
    [line] = await lines_of(path, 1)
    assert line["reason"] == "OUTCOME_UNKNOWN"


async def test_a_write_whose_caller_left_has_a_line(
    upstream: FaultServer, channel: grpc.aio.Channel, path: Path
) -> None:
    upstream.on("PATCH", Answer(204, delay=30))
    call: Any = UPDATE_TWIN.call(channel)
    waiting = asyncio.ensure_future(call)
    await upstream.received.wait()
    waiting.cancel()
    [line] = await lines_of(path, 1)
    assert line["code"] == "CANCELLED"


async def test_neither_reads_nor_dry_runs_have_lines(client: AsyncTwinfrontClient, path: Path) -> None:
    await client.get_digital_twin("one")
    await client.update_digital_twin("one", Patch().replace("/note", "x"), validate_only=True)
    await create_models(client)
    [line] = await lines_of(path, 1)
    assert line["operation"] == "post_models"


async def test_no_line_has_values(client: AsyncTwinfrontClient, path: Path) -> None:
    await client.create_or_replace_digital_twin("one", DARK)
    await client.update_digital_twin("one", Patch().replace("/note", SECRET))
    await import_two(client)
    await lines_of(path, 4)
    assert SECRET not in path.read_text()
    assert "/note" not in path.read_text()


async def test_an_id_with_a_line_break_is_still_one_line(
    upstream: FaultServer, channel: grpc.aio.Channel, path: Path
) -> None:
    upstream.on("PATCH", Answer(204))
    await UPDATE_TWIN.call(channel, metadata=(("twinfront-call-id", '","code":"OK'),))
    [line] = await lines_of(path, 1)
    assert line["call_id"] == '","code":"OK'


async def test_a_file_that_is_moved_away_is_begun_anew(client: AsyncTwinfrontClient, path: Path) -> None:
    await merge(client)
    await lines_of(path, 1)
    path.rename(path.with_suffix(".1"))
    await create_models(client)
    async with asyncio.timeout(10):
        while not path.exists():
            await asyncio.sleep(0.01)
    [line] = await lines_of(path, 1)
    assert line["operation"] == "post_models"


async def test_the_file_is_for_its_owner_to_read(client: AsyncTwinfrontClient, path: Path) -> None:
    path.unlink()
    await merge(client)
    async with asyncio.timeout(10):
        while not path.exists():
            await asyncio.sleep(0.01)
    assert path.stat().st_mode & 0o777 == 0o600


async def test_a_full_disk_costs_lines_and_no_calls(upstream: FaultServer, settings: Settings) -> None:
    upstream.on("DELETE", Answer(204))
    with capture_logs() as lines:
        async with (
            App(settings.changed(audit_log="/dev/full")) as app,
            grpc.aio.insecure_channel(str(app.address)) as channel,
        ):
            for _ in range(3):
                await DELETE_TWIN.call(channel)
        assert app.metrics.registry.get_sample_value("twinfront_audit_lines_lost_total") == 3
    told = [line for line in lines if line["event"] == "lines of the audit log are lost"]
    assert [line["cause"] for line in told] == ["OSError: [Errno 28] No space left on device"]


def test_a_file_that_cannot_be_written_ends_the_start(tmp_path: Path) -> None:
    done = process.run("serve", "--listen=127.0.0.1:0", "--data-dir=:memory:", f"--audit-log={tmp_path / 'no/such'}")
    assert done.returncode == 1
    assert "--audit-log" in done.stderr


def test_stdout_gets_lines_of_json_alone_without_the_greeting(tmp_path: Path) -> None:
    served = process.start(tmp_path, ["--audit-log=stdout"], {})
    greeting = served.stdout.read_text()
    with grpc.insecure_channel(served.address) as channel:
        call = DELETE_TWIN.stub(channel).DeleteDigitalTwin.future(DELETE_TWIN.request)
        assert call.code() is grpc.StatusCode.NOT_FOUND
    served.signal()
    served.exit_code()
    line = json.loads(served.stdout.read_text().removeprefix(greeting))
    assert (line["operation"], line["reason"]) == ("delete_digital_twin", "TWIN_NOT_FOUND")


def test_a_hangup_after_the_file_was_moved_away_as_logrotate_has_it_ends_nothing(tmp_path: Path) -> None:
    path = tmp_path / "audit.ndjson"
    served = process.start(tmp_path, [f"--audit-log={path}"], {})
    path.rename(path.with_suffix(".1"))
    served.signal(signal.SIGHUP)
    process.wait_until(lambda: "SIGHUP changes nothing" in served.log())
    with grpc.insecure_channel(served.address) as channel:
        call = DELETE_TWIN.stub(channel).DeleteDigitalTwin.future(DELETE_TWIN.request)
        assert call.code() is grpc.StatusCode.NOT_FOUND
    served.signal()
    assert served.exit_code() == 0
    assert json.loads(path.read_text())["operation"] == "delete_digital_twin"


@pytest.mark.parametrize("wanted", [False, True])
async def test_the_line_of_a_call_names_twins_only_where_a_setting_wants_it(
    upstream: FaultServer, settings: Settings, wanted: bool
) -> None:
    upstream.on("GET", GET_TWIN.succeeds())
    with capture_logs() as lines:
        async with (
            App(settings.changed(access_log_ids=wanted)) as app,
            grpc.aio.insecure_channel(str(app.address)) as channel,
        ):
            await GET_TWIN.call(channel)
    [line] = [line for line in lines if line["event"] == "rpc"]
    assert line.get("digital_twin_id") == ("room" if wanted else None)
