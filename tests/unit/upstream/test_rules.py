"""What the state of a resource means for a write whose answer was lost: every row of the table of the rules."""

from collections.abc import Callable
from typing import Any, cast

import orjson
import pytest

from twinfront_server.adt.answer import Answer
from twinfront_server.adt.body import Body
from twinfront_server.call import Call
from twinfront_server.errors import TwinfrontError, resource_error, upstream_unavailable
from twinfront_server.reasons import Reason
from twinfront_server.upstream import operation as operations
from twinfront_server.upstream.operation import Asked, Operation
from twinfront_server.upstream.reads import Reads
from twinfront_server.upstream.settling.rules import Ruling, judge
from twinfront_server.upstream.settling.sent_writes import SentWrite, SentWrites

CALL = Call("id", "twinfront.v1.DigitalTwinService/UpdateDigitalTwin", None)
LONG_AGO, NOW = "2023-11-14T22:13:20.0000000Z", "Tue, 14 Nov 2023 23:13:20 GMT"
IDS = {"digital_twin_id": "room", "model_id": "dtmi:a;1", "event_route_id": "all", "job_id": "one"}
SENT = {"$metadata": {"$model": "dtmi:a;1"}, "temperature": 2}


def put(*, create_only: bool = False) -> Asked:
    return Asked(operations.PUT_DIGITAL_TWIN, IDS, Body(orjson.dumps(SENT), "digital_twin"), create_only=create_only)


def patch(if_match: str = "", *operations_sent: dict[str, Any], any_author_counts: bool = False) -> Asked:
    sent = operations_sent or ({"op": "replace", "path": "/temperature", "value": 2},)
    return Asked(
        operations.PATCH_DIGITAL_TWIN,
        IDS,
        Body(orjson.dumps(sent), "patch"),
        if_match=if_match,
        any_author_counts=any_author_counts,
    )


def delete(if_match: str = "") -> Asked:
    return Asked(operations.DELETE_DIGITAL_TWIN, IDS, if_match=if_match)


def twin(etag: str = "2", temperature: object = 2, *, date: str = "", written: str = "") -> Answer:
    """Makes what is read; with both times it is older than any write of a test."""
    metadata = {"$model": "dtmi:a;1"} | ({"$lastUpdateTime": written} if written else {})
    document = {"$dtId": "room", "$etag": etag, "temperature": temperature, "$metadata": metadata}
    return Answer(orjson.dumps(document), etag, date=date)


EFFECT, OTHER = twin(), twin(temperature=3)
OLD_EFFECT, OLD_OTHER = (twin(temperature=each, date=NOW, written=LONG_AGO) for each in (2, 3))
MISSING = resource_error(Reason.TWIN_NOT_FOUND, "twinfront.v1.DigitalTwin", "room", "No.")

Scene = Callable[[SentWrites, Asked], SentWrite]
"""Has rivals write before or while a write is under way, and begins it."""


def alone(writes: SentWrites, asked: Asked) -> SentWrite:
    return writes.begin(asked, CALL)


def after_a_rival(writes: SentWrites, asked: Asked) -> SentWrite:
    writes.answered(writes.begin(patch("0"), CALL), Answer(b"", "2"))
    return writes.begin(asked, CALL)


def beside(rival: Asked, answer: Answer | None = None) -> Scene:
    """Has a rival begin after the write; it is answered, or not yet."""

    def scene(writes: SentWrites, asked: Asked) -> SentWrite:
        write = writes.begin(asked, CALL)
        other = writes.begin(rival, CALL)
        if answer is not None:
            writes.answered(other, answer)
        return write

    return scene


DELETED = Answer(b"", "")
APPLIED, REPEATABLE, UNCLEAR = Ruling.APPLIED, Ruling.REPEATABLE, Ruling.UNCLEAR
MOVED = {"op": "add", "path": "/temperature/0", "value": 1}

ROWS: dict[str, tuple[Asked, Scene, Answer | TwinfrontError, Ruling]] = {
    "put-nothing": (put(), alone, MISSING, REPEATABLE),
    "put-known-before": (put(), after_a_rival, EFFECT, REPEATABLE),
    "put-older": (put(), alone, OLD_EFFECT, REPEATABLE),
    "put-as-put": (put(), alone, EFFECT, APPLIED),
    "put-anything-else": (put(), alone, OTHER, REPEATABLE),
    "create-nothing": (put(create_only=True), alone, MISSING, REPEATABLE),
    "create-deleted-by-a-rival": (put(create_only=True), beside(delete(), DELETED), MISSING, UNCLEAR),
    "create-perhaps-deleted": (put(create_only=True), beside(delete()), MISSING, UNCLEAR),
    "create-beside-a-patch": (put(create_only=True), beside(patch()), MISSING, REPEATABLE),
    "create-known-before": (put(create_only=True), after_a_rival, EFFECT, REPEATABLE),
    "create-older": (put(create_only=True), alone, OLD_EFFECT, REPEATABLE),
    "create-another": (put(create_only=True), alone, OTHER, UNCLEAR),
    "create-perhaps-a-rival": (put(create_only=True), beside(put()), EFFECT, UNCLEAR),
    "create-own": (put(create_only=True), alone, EFFECT, APPLIED),
    "patch-nothing": (patch(), alone, MISSING, REPEATABLE),
    "patch-effect": (patch(), alone, EFFECT, APPLIED),
    "patch-effect-known-before": (patch(), after_a_rival, EFFECT, REPEATABLE),
    "patch-effect-older": (patch(), alone, OLD_EFFECT, REPEATABLE),
    "patch-no-effect": (patch(), alone, OTHER, REPEATABLE),
    "patch-under-a-star": (patch("*"), alone, OTHER, REPEATABLE),
    "patch-moves-elements": (patch("", MOVED), alone, twin(temperature=[1]), UNCLEAR),
    "etag-nothing-deleted-under-it": (patch("1"), beside(delete("1"), DELETED), MISSING, REPEATABLE),
    "etag-nothing-deleted-under-another": (patch("1"), beside(delete("7"), DELETED), MISSING, UNCLEAR),
    "etag-nothing": (patch("1"), alone, MISSING, UNCLEAR),
    "etag-as-it-was": (patch("1"), alone, twin("1", 3), REPEATABLE),
    "etag-effect-by-anybody": (patch("1", any_author_counts=True), after_a_rival, EFFECT, APPLIED),
    "etag-no-effect-by-anybody": (patch("1", any_author_counts=True), alone, OTHER, UNCLEAR),
    "etag-a-rivals": (patch("1"), beside(patch("1"), Answer(b"", "2")), EFFECT, REPEATABLE),
    "etag-a-rivals-of-another-etag": (patch("1"), beside(patch("0"), Answer(b"", "2")), EFFECT, UNCLEAR),
    "etag-older-without-effect": (patch("1"), alone, OLD_OTHER, REPEATABLE),
    "etag-older-with-effect": (patch("1"), alone, OLD_EFFECT, UNCLEAR),
    "etag-without-effect": (patch("1"), alone, OTHER, UNCLEAR),
    "etag-perhaps-a-rivals": (patch("1"), beside(patch("1")), EFFECT, UNCLEAR),
    "etag-own": (patch("1"), alone, EFFECT, APPLIED),
    "delete-nothing": (delete(), alone, MISSING, APPLIED),
    "delete-something": (delete(), alone, EFFECT, REPEATABLE),
    "delete-under-a-star": (delete("*"), alone, MISSING, APPLIED),
    "delete-etag-by-a-rival": (delete("1"), beside(delete("1"), DELETED), MISSING, REPEATABLE),
    "delete-etag-by-a-rival-otherwise": (delete("1"), beside(delete(), DELETED), MISSING, UNCLEAR),
    "delete-etag-perhaps-by-a-rival": (delete("1"), beside(delete()), MISSING, UNCLEAR),
    "delete-etag-nothing": (delete("1"), alone, MISSING, APPLIED),
    "delete-etag-as-it-was": (delete("2"), alone, EFFECT, REPEATABLE),
    "delete-etag-known-before": (delete("1"), after_a_rival, EFFECT, REPEATABLE),
    "delete-etag-older": (delete("1"), alone, OLD_EFFECT, REPEATABLE),
    "delete-etag-another": (delete("1"), alone, EFFECT, UNCLEAR),
}


class Upstream:
    """Answers reads of a resource, and of models by their ids."""

    def __init__(self, found: Answer | TwinfrontError, models: dict[str, Answer] | None = None) -> None:
        self._found = found
        self._models = models or {}

    async def resource(self, _asked: Asked) -> Answer:
        if isinstance(self._found, TwinfrontError):
            raise self._found
        return self._found

    async def model(self, model_id: str, *, include_model_definition: bool) -> Answer:
        assert include_model_definition
        if model_id not in self._models:
            raise resource_error(Reason.MODEL_NOT_FOUND, "twinfront.v1.Model", model_id, "No.")
        return self._models[model_id]


@pytest.mark.parametrize(("asked", "scene", "found", "ruling"), ROWS.values(), ids=ROWS)
async def test_a_write_is_judged_by_what_is_there(
    asked: Asked, scene: Scene, found: Answer | TwinfrontError, ruling: Ruling
):
    writes = SentWrites()
    write = scene(writes, asked)
    assert (await judge(cast("Reads", Upstream(found)), writes, write)).ruling is ruling


@pytest.mark.parametrize(
    ("asked", "found", "answer"),
    [
        (put(), EFFECT, EFFECT),
        (put(create_only=True), EFFECT, EFFECT),
        (patch(), EFFECT, Answer(b"", "2")),
        (patch("1"), EFFECT, Answer(b"", "2")),
        (patch("2"), EFFECT, EFFECT),
        (delete("2"), EFFECT, EFFECT),
        (delete(), MISSING, Answer(b"", "")),
    ],
    ids=["put", "create", "patch", "patch-etag", "patch-as-it-was", "delete-as-it-was", "delete"],
)
async def test_the_answer_of_a_write_that_was_applied_is_made_of_what_is_there(
    asked: Asked, found: Answer | TwinfrontError, answer: Answer
):
    writes = SentWrites()
    assert (await judge(cast("Reads", Upstream(found)), writes, writes.begin(asked, CALL))).answer == answer


async def test_an_empty_patch_is_sent_again_since_nothing_shows_it():
    writes = SentWrites()
    empty = Asked(operations.PATCH_DIGITAL_TWIN, IDS, Body(b"[]", "patch"))
    assert (await judge(cast("Reads", Upstream(EFFECT)), writes, writes.begin(empty, CALL))).ruling is REPEATABLE


async def test_what_keeps_a_resource_from_being_read_is_told():
    writes = SentWrites()
    with pytest.raises(TwinfrontError) as caught:
        await judge(cast("Reads", Upstream(upstream_unavailable("Down."))), writes, writes.begin(put(), CALL))
    assert caught.value.reason == "UPSTREAM_UNAVAILABLE"


@pytest.mark.parametrize(
    ("operation", "document", "ruling"),
    [
        (operations.DECOMMISSION_MODEL, {"id": "dtmi:a;1", "decommissioned": True}, APPLIED),
        (operations.DECOMMISSION_MODEL, {"id": "dtmi:a;1", "decommissioned": False}, REPEATABLE),
        (operations.DECOMMISSION_MODEL, {"id": "dtmi:a;1"}, REPEATABLE),
        (operations.DECOMMISSION_MODEL, None, REPEATABLE),
        (operations.CANCEL_IMPORT_JOB, {"id": "one", "status": "Cancelling"}, APPLIED),
        (operations.CANCEL_IMPORT_JOB, {"id": "one", "status": "cancelled"}, APPLIED),
        (operations.CANCEL_IMPORT_JOB, {"id": "one", "status": "running"}, REPEATABLE),
        (operations.CANCEL_IMPORT_JOB, None, REPEATABLE),
        (operations.DELETE_MODEL, None, APPLIED),
        (operations.DELETE_EVENT_ROUTE, None, APPLIED),
        (operations.DELETE_IMPORT_JOB, {"id": "one"}, REPEATABLE),
        (operations.PUBLISH_TELEMETRY, {"$dtId": "room"}, UNCLEAR),
    ],
    ids=lambda value: value.name if isinstance(value, Operation | Ruling) else str(value),
)
async def test_a_write_that_changes_no_twin_is_judged_by_its_own_rule(
    operation: Operation, document: dict[str, Any] | None, ruling: Ruling
):
    writes = SentWrites()
    upstream = Upstream(MISSING if document is None else Answer(orjson.dumps(document), ""))
    verdict = await judge(cast("Reads", upstream), writes, writes.begin(Asked(operation, IDS), CALL))
    assert verdict.ruling is ruling
    if operation is operations.CANCEL_IMPORT_JOB and document is not None:
        assert (verdict.answer.body == orjson.dumps(document)) is (ruling is APPLIED)


@pytest.mark.parametrize(
    ("operation", "sent", "found", "ruling"),
    [
        (
            operations.PUT_IMPORT_JOB,
            {"inputBlobUri": "a"},
            {"id": "one", "inputBlobUri": "a", "status": "running"},
            APPLIED,
        ),
        (operations.PUT_IMPORT_JOB, {"inputBlobUri": "a"}, {"id": "one", "inputBlobUri": "b"}, REPEATABLE),
        (operations.POST_DELETE_JOB, None, {"id": "one", "status": "running"}, APPLIED),
        (operations.PUT_EVENT_ROUTE, {"endpointName": "a"}, {"id": "all", "endpointName": "a"}, APPLIED),
        (operations.PUT_EVENT_ROUTE, {"endpointName": "a"}, {"id": "all", "endpointName": "b"}, REPEATABLE),
    ],
    ids=["job", "job-of-another", "delete-job", "route", "route-of-another"],
)
async def test_a_job_or_an_event_route_is_the_write_s_if_it_is_as_that_puts_it(
    operation: Operation, sent: dict[str, Any] | None, found: dict[str, Any], ruling: Ruling
):
    writes = SentWrites()
    body = None if sent is None else Body(orjson.dumps(sent), "import_job")
    asked = Asked(operation, IDS, body, create_only=operation is not operations.PUT_EVENT_ROUTE)
    upstream = Upstream(Answer(orjson.dumps(found), ""))
    assert (await judge(cast("Reads", upstream), writes, writes.begin(asked, CALL))).ruling is ruling


A, B = {"@id": "dtmi:a;1", "@type": "Interface"}, {"@id": "dtmi:b;1", "@type": "Interface"}
UPLOADED = "2023-11-14T22:13:21Z"


def stored(model: dict[str, Any], *, date: str = "") -> Answer:
    document = {"id": model["@id"], "decommissioned": False, "uploadTime": UPLOADED, "model": model}
    return Answer(orjson.dumps(document), "", date=date)


@pytest.mark.parametrize(
    ("there", "ruling"),
    [
        ({}, REPEATABLE),
        ({"dtmi:a;1": stored(A)}, UNCLEAR),
        ({"dtmi:b;1": stored(B)}, REPEATABLE),
        ({"dtmi:a;1": stored(A), "dtmi:b;1": stored({**B, "displayName": "B"})}, REPEATABLE),
        ({"dtmi:a;1": stored(A), "dtmi:b;1": stored(B, date=NOW)}, REPEATABLE),
        ({"dtmi:a;1": stored(A), "dtmi:b;1": stored(B)}, APPLIED),
    ],
    ids=["none", "the-first", "the-second", "another", "older", "all"],
)
@pytest.mark.parametrize("rival", [False, True], ids=["alone", "beside-a-rival"])
async def test_models_are_created_all_or_none(there: dict[str, Answer], ruling: Ruling, rival: bool):
    writes = SentWrites()
    asked = Asked(operations.POST_MODELS, {}, Body(orjson.dumps([A, B]), "dtdl_models"), create_only=True)
    write = writes.begin(asked, CALL)
    if rival:
        writes.begin(asked, CALL)
    verdict = await judge(cast("Reads", Upstream(MISSING, there)), writes, write)
    assert verdict.ruling is (UNCLEAR if rival and ruling is APPLIED else ruling)
    if verdict.ruling is APPLIED:
        assert orjson.loads(verdict.answer.body) == [
            {"id": each["@id"], "decommissioned": False, "uploadTime": UPLOADED} for each in (A, B)
        ]
