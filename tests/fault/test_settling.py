"""Writes whose answers are lost, where somebody may have written of whom this server knows nothing.

What there is to tell by is what is stored: the etag, the content, and the service's own times.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import grpc
import grpc.aio
import orjson
import pytest

from twinfront.errors import from_rpc_error
from twinfront.v1 import digital_twin_service_pb2 as twins
from twinfront.v1 import model_service_pb2 as models
from twinfront.v1 import relationship_service_pb2 as relationships
from twinfront.v1.digital_twin_pb2 import DigitalTwin
from twinfront.v1.digital_twin_service_pb2_grpc import DigitalTwinServiceStub
from twinfront.v1.relationship_service_pb2_grpc import RelationshipServiceStub

from .calls import (
    CREATE_TWIN,
    DELETE_TWIN,
    JOB,
    MODEL,
    RPCS,
    UPDATE_RELATIONSHIP_IF_MATCH,
    UPDATE_TWIN_IF_MATCH,
    Rpc,
)
from .fault_server import Answer, FaultServer

LOST = Answer(503)
CHANGED = Answer(412, {"error": {"code": "PreconditionFailed", "message": "The etag is another."}})
MODEL_WITHOUT_NAME = {"id": MODEL, "decommissioned": False, "model": {}}
LONG_AGO = timedelta(seconds=-10)
JUST_BEFORE = timedelta(seconds=-1)
AFTER = timedelta(seconds=1)

DELETE_TWIN_IF_MATCH = DELETE_TWIN.having(if_match='W/"1"')
CREATE_MODELS, CREATE_IMPORT_JOB, CREATE_DELETE_JOB = (
    next(rpc for rpc in RPCS if rpc.name == name) for name in ("CreateModels", "CreateImportJob", "CreateDeleteJob")
)


def time(since: timedelta, clock: timedelta = timedelta()) -> str:
    """A time of the service, from now, on a clock that may not be this machine's."""
    return f"{(datetime.now(UTC) + clock + since).replace(tzinfo=None).isoformat(timespec='microseconds')}0Z"


def twin(version: int, written: str, temperature: object = 1, **properties: tuple[object, str]) -> dict[str, Any]:
    """A twin whose temperature was written last, with other properties as value and time."""
    values = {"temperature": (temperature, written), **properties}
    times = {name: {"lastUpdateTime": at} for name, (_, at) in values.items()}
    return {
        "$dtId": "room",
        "$etag": f'W/"{version}"',
        **{name: value for name, (value, _) in values.items()},
        "$metadata": {"$model": MODEL, "$lastUpdateTime": written, **times},
    }


def stored(document: dict[str, Any], **headers: str) -> Answer:
    return Answer(200, document, {"ETag": document.get("$etag", ""), **headers})


def bare(version: int, written: str) -> dict[str, Any]:
    """What `CREATE_TWIN` makes."""
    metadata = {"$model": MODEL, "$lastUpdateTime": written}
    return {"$dtId": "room", "$etag": f'W/"{version}"', "$metadata": metadata}


async def outcome(rpc: Rpc, channel: grpc.aio.Channel) -> str:
    """OK, or the reason of the refusal."""
    try:
        await rpc.call(channel)
    except grpc.aio.AioRpcError as error:
        return from_rpc_error(error).reason
    return "OK"


@pytest.mark.parametrize(
    ("found", "written", "expected"),
    [
        (bare, LONG_AGO, "TWIN_ALREADY_EXISTS"),
        (bare, AFTER, "OK"),
        (twin, LONG_AGO, "TWIN_ALREADY_EXISTS"),
        (twin, AFTER, "OUTCOME_UNKNOWN"),
    ],
)
async def test_a_twin_that_was_there_before_is_somebody_elses(
    upstream: FaultServer,
    channel: grpc.aio.Channel,
    found: Callable[[int, str], dict[str, Any]],
    written: timedelta,
    expected: str,
):
    upstream.on("PUT", LOST, CHANGED)
    upstream.on("GET", stored(found(2, time(written))))
    assert await outcome(CREATE_TWIN, channel) == expected


@pytest.mark.parametrize("clock", [timedelta(hours=-3), timedelta(hours=3)])
@pytest.mark.parametrize(("written", "expected"), [(LONG_AGO, "TWIN_ALREADY_EXISTS"), (AFTER, "OK")])
async def test_the_time_before_a_write_is_told_by_the_services_clock(
    upstream: FaultServer, channel: grpc.aio.Channel, clock: timedelta, written: timedelta, expected: str
):
    date = format_datetime(datetime.now(UTC) + clock, usegmt=True)
    upstream.on("PUT", LOST, CHANGED)
    upstream.on("GET", stored(bare(2, time(written, clock)), Date=date))
    assert await outcome(CREATE_TWIN, channel) == expected


async def test_clocks_of_the_service_may_be_a_little_apart(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("PUT", LOST, CHANGED)
    upstream.on("GET", stored(bare(2, time(JUST_BEFORE))))
    assert await outcome(CREATE_TWIN, channel) == "OK"


@pytest.mark.parametrize(("source_time", "expected"), [("2020-01-01", "OK"), ("2021-01-01", "OUTCOME_UNKNOWN")])
async def test_a_twin_with_another_source_time_is_not_the_one_that_was_put(
    upstream: FaultServer, channel: grpc.aio.Channel, source_time: str, expected: str
):
    sent = {"temperature": 1, "$metadata": {"$model": MODEL, "temperature": {"sourceTime": "2020-01-01"}}}
    found = twin(2, time(AFTER))
    found["$metadata"]["temperature"]["sourceTime"] = source_time
    upstream.on("PUT", LOST, CHANGED)
    upstream.on("GET", stored(found))
    request = twins.CreateOrReplaceDigitalTwinRequest(
        digital_twin_id="room", digital_twin=DigitalTwin(json=orjson.dumps(sent)), if_none_match="*"
    )
    assert await outcome(replace(CREATE_TWIN, request=request), channel) == expected


@pytest.mark.parametrize("was_there", [True, False])
@pytest.mark.parametrize(
    ("rpc", "refusal", "reason"),
    [
        (CREATE_IMPORT_JOB, (409, "JobIdAlreadyExists"), "JOB_ALREADY_EXISTS"),
        (CREATE_DELETE_JOB, (400, "ValidationFailed"), "JOB_ALREADY_EXISTS"),
        (CREATE_MODELS, (409, "ModelIdAlreadyExists"), "MODEL_ALREADY_EXISTS"),
    ],
)
async def test_a_job_or_a_model_that_was_there_before_is_somebody_elses(
    upstream: FaultServer,
    channel: grpc.aio.Channel,
    rpc: Rpc,
    refusal: tuple[int, str],
    reason: str,
    was_there: bool,
):
    status, code = refusal
    created = time(LONG_AGO if was_there else AFTER)
    found = JOB | {"createdDateTime": created} if "job" in rpc.path else MODEL_WITHOUT_NAME | {"uploadTime": created}
    upstream.on(f"^{rpc.method}", LOST, Answer(status, {"error": {"code": code, "message": "There is one."}}))
    upstream.on("^GET", Answer(200, found))
    assert await outcome(rpc, channel) == (reason if was_there else "OK")


async def test_models_that_two_callers_create_the_same_may_be_either_ones(
    upstream: FaultServer, channel: grpc.aio.Channel
):
    model = {"@id": MODEL, "@type": "Interface"}
    upstream.on("^POST", Answer(503, delay=0.2))
    upstream.on("^GET", Answer(200, MODEL_WITHOUT_NAME | {"model": model, "uploadTime": time(AFTER)}))
    create = replace(CREATE_MODELS, request=models.CreateModelsRequest(dtdl_models=[orjson.dumps(model).decode()]))
    outcomes = await asyncio.gather(*(outcome(create, channel) for _ in range(2)))
    assert outcomes == ["OUTCOME_UNKNOWN", "OUTCOME_UNKNOWN"]


@pytest.mark.parametrize(
    ("temperature", "written", "expected"),
    [
        (1, AFTER, "OK"),
        (2, AFTER, "OUTCOME_UNKNOWN"),
        (1, LONG_AGO, "OUTCOME_UNKNOWN"),
        (2, LONG_AGO, "ETAG_MISMATCH"),
    ],
)
async def test_a_patch_under_an_etag_is_known_by_content_and_time(
    upstream: FaultServer, channel: grpc.aio.Channel, temperature: int, written: timedelta, expected: str
):
    upstream.on("PATCH", LOST, CHANGED)
    upstream.on("GET", stored(twin(2, time(written), temperature, other=(1, time(2 * LONG_AGO)))))
    assert await outcome(UPDATE_TWIN_IF_MATCH, channel) == expected


async def test_a_twin_to_which_more_was_written_is_not_answered_as_ones_own(
    upstream: FaultServer, channel: grpc.aio.Channel
):
    """The caller would take its etag for that of the state it knows, and overwrite what it does not know of."""
    written = time(AFTER)
    upstream.on("PATCH", LOST)
    upstream.on("GET", stored(twin(2, written, other=(1, written))))
    assert await outcome(UPDATE_TWIN_IF_MATCH, channel) == "OUTCOME_UNKNOWN"
    assert upstream.sent("PATCH") == 1


async def test_a_twin_to_which_something_was_written_since_is_not_answered_as_ones_own(
    upstream: FaultServer, channel: grpc.aio.Channel
):
    found = twin(3, time(AFTER))
    found["$metadata"]["$lastUpdateTime"] = time(2 * AFTER)
    upstream.on("PATCH", LOST)
    upstream.on("GET", stored(found))
    assert await outcome(UPDATE_TWIN_IF_MATCH, channel) == "OUTCOME_UNKNOWN"


async def test_an_etag_that_is_still_there_shows_that_nothing_was_applied(
    upstream: FaultServer, channel: grpc.aio.Channel
):
    upstream.on("PATCH", LOST, LOST, Answer(204, headers={"ETag": 'W/"2"'}))
    upstream.on("GET", stored(twin(1, time(LONG_AGO))))
    assert await outcome(UPDATE_TWIN_IF_MATCH, channel) == "OK"


@pytest.mark.parametrize("rpc", [UPDATE_TWIN_IF_MATCH, UPDATE_RELATIONSHIP_IF_MATCH], ids=str)
async def test_an_etag_that_is_refused_and_still_read_is_no_conflict(
    upstream: FaultServer, channel: grpc.aio.Channel, rpc: Rpc
):
    """A read that lags behind must not turn a write of the caller's into a conflict with itself."""
    upstream.on("PATCH", LOST, CHANGED)
    upstream.on("GET", stored(twin(1, time(LONG_AGO))))
    assert await outcome(rpc, channel) == "OUTCOME_UNKNOWN"


async def test_a_twin_that_is_gone_was_deleted(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("DELETE", LOST)
    upstream.on("GET", Answer(404, {"error": {"code": "DigitalTwinNotFound", "message": "No."}}))
    assert await outcome(DELETE_TWIN_IF_MATCH, channel) == "OK"


@pytest.mark.parametrize(("written", "expected"), [(LONG_AGO, "ETAG_MISMATCH"), (AFTER, "OUTCOME_UNKNOWN")])
async def test_a_twin_with_another_etag_was_not_deleted_if_it_was_there_before(
    upstream: FaultServer, channel: grpc.aio.Channel, written: timedelta, expected: str
):
    upstream.on("DELETE", LOST, CHANGED)
    upstream.on("GET", stored(twin(2, time(written))))
    assert await outcome(DELETE_TWIN_IF_MATCH, channel) == expected


async def test_an_empty_patch_of_a_relationship_leaves_nothing_to_know_it_by(
    upstream: FaultServer, channel: grpc.aio.Channel
):
    """Relationships have no times: whatever another wrote would pass for it."""
    upstream.on("PATCH", LOST)
    upstream.on("GET", stored({"$relationshipId": "r", "$etag": 'W/"2"', "temperature": 5}))
    request = relationships.UpdateRelationshipRequest(digital_twin_id="floor", relationship_id="r", if_match='W/"1"')
    rpc = Rpc(RelationshipServiceStub, "UpdateRelationship", "PATCH", "", request)
    assert await outcome(rpc, channel) == "OUTCOME_UNKNOWN"


@pytest.mark.parametrize(
    ("op", "path", "expected", "sent"),
    [
        ("add", "/list/-", "OUTCOME_UNKNOWN", 1),
        ("remove", "/list/0", "OUTCOME_UNKNOWN", 1),
        ("replace", "/list/0", "OK", 2),
    ],
)
async def test_a_patch_that_does_more_when_it_lands_twice_is_not_sent_again(
    upstream: FaultServer, channel: grpc.aio.Channel, op: str, path: str, expected: str, sent: int
):
    upstream.on("PATCH", LOST, Answer(204, headers={"ETag": 'W/"2"'}))
    upstream.on("GET", stored(twin(1, time(LONG_AGO)) | {"list": [1, 2]}))
    request = twins.UpdateDigitalTwinRequest(digital_twin_id="room")
    request.patch.add(op=f"OP_{op.upper()}", path=path, value_json=b"" if op == "remove" else b"3")
    rpc = Rpc(DigitalTwinServiceStub, "UpdateDigitalTwin", "PATCH", "", request)
    assert await outcome(rpc, channel) == expected
    assert upstream.sent("PATCH") == sent


async def test_a_delete_job_without_an_id_is_asked_for_with_one(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("POST", LOST, CREATE_DELETE_JOB.succeeds())
    upstream.on("GET", Answer(404, {"error": {"code": "DeleteJobNotFound", "message": "No."}}))
    assert await outcome(CREATE_DELETE_JOB.having(job_id=""), channel) == "OK"
    first, second = (request.headers["operation-id"] for request in upstream.requests if request.method == "POST")
    assert first == second != ""
