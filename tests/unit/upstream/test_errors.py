"""Answers of the upstream that say no, and the errors they become: every row of the table."""

from collections.abc import Mapping
from typing import Any

import grpc
import orjson
import pytest
from azure.core.exceptions import (
    HttpResponseError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceRequestTimeoutError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)
from azure.core.rest import HttpRequest
from google.rpc.error_details_pb2 import BadRequest, PreconditionFailure, QuotaFailure, ResourceInfo, RetryInfo
from hypothesis import given
from hypothesis import strategies as st

from localtwins.message import UNCHANGED, Response
from localtwins.transport import LocalResponse
from twinfront.v1.error_details_pb2 import EtagConflict
from twinfront.v1.error_reason_pb2 import ErrorReason
from twinfront_server.adt.body import Body
from twinfront_server.call import Call, enter_call
from twinfront_server.errors import MAX_STATUS_BYTES, TwinfrontError
from twinfront_server.upstream import operation as operations
from twinfront_server.upstream.operation import Asked, Operation, Origin
from twinfront_server.upstream.refusals import errors
from twinfront_server.upstream.refusals.errors import error_of
from twinfront_server.upstream.sdk.credential import CredentialError

IDS = {"digital_twin_id": "floor", "relationship_id": "r", "target_id": "room"}
OPERATIONS = [value for value in vars(operations).values() if isinstance(value, Operation)]
WRITES = [operation for operation in OPERATIONS if operation.write]
READS = [operation for operation in OPERATIONS if not operation.write]
Code = grpc.StatusCode


def _answered(status: int, body: object = None, headers: Mapping[str, str] | None = None) -> HttpResponseError:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    answer = Response(status, {"Content-Type": "application/json", **(headers or {})}, content)
    return HttpResponseError(response=LocalResponse(HttpRequest("GET", "https://localhost"), answer))


def _refused(
    status: int, code: str, message: str = "No.", *details: str, asked: Asked | None = None, **headers: str
) -> TwinfrontError:
    listed = [{"code": code, "message": detail} for detail in details]
    body = {"error": {"code": code, "message": message, "details": listed}}
    return error_of(_answered(status, body, headers), asked or Asked(operations.PUT_RELATIONSHIP, IDS))


def _detail(error: TwinfrontError, kind: type[Any]) -> Any:
    found = [detail for detail in error.details if isinstance(detail, kind)]
    assert len(found) == 1, f"{len(found)} of {kind.__name__}"
    return found[0]


ROWS: list[tuple[int, str, Code, str, type[Any] | None]] = [
    (404, "DigitalTwinNotFound", Code.NOT_FOUND, "TWIN_NOT_FOUND", ResourceInfo),
    (404, "RelationshipNotFound", Code.NOT_FOUND, "RELATIONSHIP_NOT_FOUND", ResourceInfo),
    (404, "ComponentNotFound", Code.NOT_FOUND, "COMPONENT_NOT_FOUND", ResourceInfo),
    (404, "ModelNotFound", Code.NOT_FOUND, "MODEL_NOT_FOUND", ResourceInfo),
    (404, "EventRouteNotFound", Code.NOT_FOUND, "EVENT_ROUTE_NOT_FOUND", ResourceInfo),
    (404, "JobNotFound", Code.NOT_FOUND, "JOB_NOT_FOUND", ResourceInfo),
    (404, "ImportJobNotFound", Code.NOT_FOUND, "JOB_NOT_FOUND", ResourceInfo),
    (404, "DeleteJobNotFound", Code.NOT_FOUND, "JOB_NOT_FOUND", ResourceInfo),
    (404, "TargetDigitalTwinNotFound", Code.FAILED_PRECONDITION, "TARGET_TWIN_NOT_FOUND", PreconditionFailure),
    (404, "TargetTwinNotFound", Code.FAILED_PRECONDITION, "TARGET_TWIN_NOT_FOUND", PreconditionFailure),
    (409, "ModelIdAlreadyExists", Code.ALREADY_EXISTS, "MODEL_ALREADY_EXISTS", ResourceInfo),
    (409, "ModelAlreadyExists", Code.ALREADY_EXISTS, "MODEL_ALREADY_EXISTS", ResourceInfo),
    (409, "JobIdAlreadyExists", Code.ALREADY_EXISTS, "JOB_ALREADY_EXISTS", ResourceInfo),
    (409, "RelationshipAlreadyExists", Code.ALREADY_EXISTS, "RELATIONSHIP_ALREADY_EXISTS", ResourceInfo),
    (409, "ModelReferencesNotDeleted", Code.FAILED_PRECONDITION, "MODEL_HAS_DEPENDENTS", PreconditionFailure),
    (409, "ModelReferencesNotDecommissioned", Code.FAILED_PRECONDITION, "MODEL_HAS_DEPENDENTS", PreconditionFailure),
    (400, "ModelDecommissioned", Code.FAILED_PRECONDITION, "MODEL_DECOMMISSIONED", PreconditionFailure),
    (400, "RelationshipsNotDeleted", Code.FAILED_PRECONDITION, "TWIN_HAS_RELATIONSHIPS", None),
    (400, "ValidationFailed", Code.INVALID_ARGUMENT, "VALIDATION_FAILED", BadRequest),
    (400, "EventRouteEndpointInvalid", Code.INVALID_ARGUMENT, "INVALID_ARGUMENT", BadRequest),
    (400, "EventRouteFilterInvalid", Code.INVALID_ARGUMENT, "INVALID_ARGUMENT", BadRequest),
    (400, "JobLimitReached", Code.RESOURCE_EXHAUSTED, "UPSTREAM_THROTTLED", RetryInfo),
    (400, "SqlQueryError", Code.INVALID_ARGUMENT, "QUERY_INVALID", BadRequest),
    (400, "TimeoutError", Code.INVALID_ARGUMENT, "QUERY_INVALID", BadRequest),
    (400, "InvalidRelationship", Code.INVALID_ARGUMENT, "VALIDATION_FAILED", BadRequest),
    (400, "JsonPatchInvalid", Code.INVALID_ARGUMENT, "JSON_PATCH_INVALID", BadRequest),
    (400, "DTDLParserError", Code.INVALID_ARGUMENT, "DTDL_INVALID", BadRequest),
    (400, "ModelVersionNotSupported", Code.INVALID_ARGUMENT, "DTDL_INVALID", BadRequest),
    (400, "TwinLimitReached", Code.RESOURCE_EXHAUSTED, "LIMIT_REACHED", QuotaFailure),
    (400, "LimitExceeded", Code.RESOURCE_EXHAUSTED, "LIMIT_REACHED", QuotaFailure),
]
BY_STATUS: list[tuple[int, Code, str]] = [
    (400, Code.INVALID_ARGUMENT, "INVALID_ARGUMENT"),
    (401, Code.INTERNAL, "UPSTREAM_CREDENTIALS_REJECTED"),
    (403, Code.INTERNAL, "UPSTREAM_CREDENTIALS_REJECTED"),
    (408, Code.UNKNOWN, "OUTCOME_UNKNOWN"),
    (412, Code.ALREADY_EXISTS, "RELATIONSHIP_ALREADY_EXISTS"),
    (413, Code.INVALID_ARGUMENT, "INVALID_ARGUMENT"),
    (414, Code.INVALID_ARGUMENT, "INVALID_ARGUMENT"),
    (429, Code.RESOURCE_EXHAUSTED, "UPSTREAM_THROTTLED"),
    (431, Code.INVALID_ARGUMENT, "INVALID_ARGUMENT"),
]


@pytest.mark.parametrize(("status", "upstream_code", "code", "reason", "detail"), ROWS)
def test_each_refusal_has_its_code_reason_and_detail(
    status: int, upstream_code: str, code: Code, reason: str, detail: type[Any] | None
):
    error = _refused(status, upstream_code, "About dtmi:example:Room;1.")
    assert (error.code, error.reason) == (code, reason)
    assert error.metadata.items() >= IDS.items()
    if detail is not None:
        _detail(error, detail)


def test_every_rule_is_in_the_table_above():
    assert {(status, code) for status, code, *_ in ROWS} == set(errors._RULES)
    assert {status for status, *_ in BY_STATUS} == set(errors._STATUS_RULES)


@pytest.mark.parametrize(("status", "code", "reason"), BY_STATUS)
@pytest.mark.parametrize("upstream_code", ["", "SomethingNew"])
def test_a_code_that_is_not_known_goes_by_its_status(status: int, code: Code, reason: str, upstream_code: str):
    error = _refused(status, upstream_code)
    assert (error.code, error.reason) == (code, reason)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_whatever_a_rule_gives_is_in_the_contract_and_fits(operation: Operation):
    long = "\U0001f3e2" * 128
    ids = dict.fromkeys(("digital_twin_id", "relationship_id", "component_name", "model_id"), long)
    body = Body(b"[]", "patch", items=["/" + "x" * 10_000] * 200)
    asked = Asked(operation, ids, body, 'W/"1"')
    models = ", ".join(f"dtmi:example:a_long_name_of_a_model:{index};1" for index in range(300))
    for status, code in [*errors._RULES, *((status, "") for status in errors._STATUS_RULES), (500, ""), (418, "")]:
        error = _refused(status, code, f"No: {models}.", *([f"{long} is wrong."] * 100), asked=asked)
        assert f"ERROR_REASON_{error.reason}" in ErrorReason.keys()  # noqa: SIM118  (an enum, no dict)
        assert error.status().ByteSize() < MAX_STATUS_BYTES
        kinds = {type(detail) for detail in error.details}
        assert len(error.status().details) == len(kinds) + 1, "each kind once, ErrorInfo beside them, none left out"


def test_412_under_an_etag_is_a_conflict_that_names_both_sides():
    error = _refused(412, "PreconditionFailed", asked=Asked(operations.PATCH_RELATIONSHIP, IDS, if_match='W/"1"'))
    conflict = _detail(error, EtagConflict)
    assert (error.code, error.reason) == (Code.ABORTED, "ETAG_MISMATCH")
    assert (conflict.resource, conflict.expected_etag) == ("digitaltwins/floor/relationships/r", 'W/"1"')


def test_a_component_has_the_etag_of_its_twin():
    ids = {"digital_twin_id": "floor", "component_name": "c"}
    error = _refused(412, "PreconditionFailed", asked=Asked(operations.PATCH_COMPONENT, ids, if_match='W/"1"'))
    assert _detail(error, EtagConflict).resource == "digitaltwins/floor"


@pytest.mark.parametrize(
    ("operation", "reason"),
    [
        (operations.PATCH_DIGITAL_TWIN, "TWIN_NOT_FOUND"),
        (operations.DELETE_DIGITAL_TWIN, "TWIN_NOT_FOUND"),
        (operations.PATCH_COMPONENT, "TWIN_NOT_FOUND"),
        (operations.PATCH_RELATIONSHIP, "RELATIONSHIP_NOT_FOUND"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_412_under_if_match_star_means_there_is_none(operation: Operation, reason: str):
    error = _refused(412, "PreconditionFailed", asked=Asked(operation, IDS, if_match="*"))
    assert (error.code, error.reason) == (Code.NOT_FOUND, reason)


@pytest.mark.parametrize(
    ("operation", "reason"),
    [
        (operations.PUT_DIGITAL_TWIN, "TWIN_ALREADY_EXISTS"),
        (operations.PUT_RELATIONSHIP, "RELATIONSHIP_ALREADY_EXISTS"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_412_under_if_none_match_means_there_is_one(operation: Operation, reason: str):
    error = _refused(412, "PreconditionFailed", asked=Asked(operation, IDS))
    assert (error.code, error.reason) == (Code.ALREADY_EXISTS, reason)


TOKEN_REFUSED = (400, "BadRequest", "The continuationToken is not one that this service gave out.")


@pytest.mark.parametrize(
    ("origin", "field"), [(Origin(), "page_token"), (Origin(place_field="resume_token"), "resume_token")]
)
def test_a_place_in_a_query_that_is_refused_is_the_callers_token(origin: Origin, field: str):
    error = _refused(*TOKEN_REFUSED, asked=Asked(operations.QUERY_TWINS, origin=origin))
    assert (error.code, error.reason) == (Code.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID")
    assert [violation.field for violation in _detail(error, BadRequest).field_violations] == [field]


@pytest.mark.parametrize(
    ("status", "code"), [*(row[:2] for row in ROWS if row[2] is Code.INVALID_ARGUMENT), (400, ""), (413, ""), (431, "")]
)
def test_what_the_front_thought_up_itself_is_no_invalid_argument_of_the_callers(status: int, code: str):
    error = _refused(
        status, code, asked=Asked(operations.QUERY_TWINS, body=Body(b"{}", "query"), origin=Origin(by_the_front=True))
    )
    expected = (Code.UNAVAILABLE, "UPSTREAM_UNAVAILABLE")
    if code != "TimeoutError":
        expected = (Code.INTERNAL, "UPSTREAM_ANSWER_UNEXPECTED")
    assert (error.code, error.reason) == expected


def test_the_place_to_go_on_from_is_the_callers_whoever_thought_up_the_query():
    error = _refused(
        *TOKEN_REFUSED,
        asked=Asked(operations.QUERY_TWINS, origin=Origin(place_field="resume_token", by_the_front=True)),
    )
    assert (error.code, error.reason) == (Code.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID")


def test_the_existing_models_are_named():
    message = "Some of the model ids already exist: dtmi:a:A;1, dtmi:a:B;2.1, dtmi:a:C. Use another."
    error = _refused(409, "ModelIdAlreadyExists", message, asked=Asked(operations.POST_MODELS))
    assert _detail(error, ResourceInfo).resource_name == "dtmi:a:A;1, dtmi:a:B;2.1, dtmi:a:C"


def test_the_dependents_of_a_model_are_named_and_the_model_is_not():
    message = "dtmi:a:A;1 is currently being referenced by dtmi:a:B;1, dtmi:a:C."
    asked = Asked(operations.DELETE_MODEL, {"model_id": "dtmi:a:A;1"})
    error = _refused(409, "ModelReferencesNotDeleted", message, asked=asked)
    assert [violation.subject for violation in _detail(error, PreconditionFailure).violations] == [
        "dtmi:a:B;1",
        "dtmi:a:C",
    ]


def test_of_many_models_asked_for_the_missing_one_is_named():
    listed = {f"dependencies_for[{index}]": f"dtmi:a:A{index};1" for index in range(200)}
    message = "There is no Model(s) available that matches the provided id(s) dtmi:a:A7;1. Check that."
    error = _refused(404, "ModelNotFound", message, asked=Asked(operations.LIST_MODELS, origin=Origin(listed)))
    assert error.metadata == {"model_id": "dtmi:a:A7;1"}
    assert _detail(error, ResourceInfo).resource_name == "dtmi:a:A7;1"


@pytest.mark.parametrize(
    ("headers", "seconds"), [({}, 1.0), ({"Retry-After": "8"}, 8.0), ({"Retry-After": "inf"}, 24 * 3600.0)]
)
def test_throttling_tells_when_to_come_back_in_both_ways(headers: dict[str, str], seconds: float):
    error = _refused(429, "TooManyRequests", asked=Asked(operations.GET_DIGITAL_TWIN, IDS), **headers)
    delay = _detail(error, RetryInfo).retry_delay
    assert (delay.seconds + delay.nanos / 1e9, error.pushback_ms) == (seconds, int(seconds * 1000))


@pytest.mark.parametrize(
    ("body_field", "code", "field"),
    [
        ("event_route", "EventRouteEndpointInvalid", "event_route.endpoint_name"),
        ("event_route", "EventRouteFilterInvalid", "event_route.filter"),
        ("event_route.json", "EventRouteFilterInvalid", "event_route.json"),
    ],
)
def test_the_member_of_an_event_route_that_is_refused_is_named(body_field: str, code: str, field: str):
    asked = Asked(operations.PUT_EVENT_ROUTE, {"event_route_id": "all"}, Body(b"{}", body_field))
    error = _refused(400, code, "It is none.", asked=asked)
    assert [violation.field for violation in _detail(error, BadRequest).field_violations] == [field]


def test_a_limit_is_not_to_be_tried_again():
    assert _refused(400, "TwinLimitReached").pushback_ms == -1


@pytest.mark.parametrize("operation", WRITES, ids=lambda operation: operation.name)
@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 599])
def test_a_failure_during_a_write_leaves_its_outcome_unknown(operation: Operation, status: int):
    error = error_of(_answered(status), Asked(operation, IDS))
    assert (error.code, error.reason, error.pushback_ms) == (Code.UNKNOWN, "OUTCOME_UNKNOWN", -1)


@pytest.mark.parametrize("operation", READS, ids=lambda operation: operation.name)
@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 599])
def test_a_failure_during_a_read_is_unavailability(operation: Operation, status: int):
    error = error_of(_answered(status, headers={"Retry-After": "3"}), Asked(operation, IDS))
    assert (error.code, error.reason) == (Code.UNAVAILABLE, "UPSTREAM_UNAVAILABLE")
    assert _detail(error, RetryInfo).retry_delay.seconds == 3


LOST = [
    ServiceRequestError("Connection lost"),
    ServiceResponseError("Server disconnected"),
    ServiceResponseTimeoutError("Timeout"),
    IncompleteReadError("Half of it"),
]


@pytest.mark.parametrize("lost", LOST, ids=lambda error: type(error).__name__)
def test_a_write_whose_answer_is_lost_has_an_unknown_outcome(lost: Exception):
    error = error_of(lost, Asked(operations.PATCH_DIGITAL_TWIN, IDS))  # type: ignore[arg-type]
    assert (error.code, error.reason) == (Code.UNKNOWN, "OUTCOME_UNKNOWN")
    assert "digitaltwins/floor" in error.message


@pytest.mark.parametrize("lost", LOST, ids=lambda error: type(error).__name__)
def test_a_read_whose_answer_is_lost_can_be_tried_again(lost: Exception):
    error = error_of(lost, Asked(operations.GET_DIGITAL_TWIN, IDS))  # type: ignore[arg-type]
    assert (error.code, error.reason) == (Code.UNAVAILABLE, "UPSTREAM_UNAVAILABLE")


def test_a_write_that_found_no_connection_was_not_sent():
    error = error_of(ServiceRequestTimeoutError("No connection"), Asked(operations.PATCH_DIGITAL_TWIN, IDS))
    assert (error.code, error.reason) == (Code.UNAVAILABLE, "UPSTREAM_UNAVAILABLE")


def test_without_a_token_the_operator_has_to_look_and_the_caller_is_told_no_secret():
    error = error_of(CredentialError("tenant 1234, client 5678"), Asked(operations.PATCH_DIGITAL_TWIN, IDS))
    assert (error.code, error.reason) == (Code.INTERNAL, "UPSTREAM_CREDENTIALS_REJECTED")
    assert "1234" not in str(error.status())
    assert "could get no credential" in error.message


@pytest.mark.parametrize("status", [401, 403])
def test_a_credential_that_was_looked_at_is_said_to_be_rejected(status: int):
    assert "rejects this server's credential" in error_of(_answered(status), Asked(operations.GET_MODEL)).message


@pytest.mark.parametrize("operation", READS, ids=lambda operation: operation.name)
@pytest.mark.parametrize("status", [200, 202, 301])
def test_a_read_that_is_answered_with_nothing_to_read_can_be_tried_again(operation: Operation, status: int):
    error = error_of(_answered(status), Asked(operation, IDS))
    assert (error.code, error.reason) == (Code.UNAVAILABLE, "UPSTREAM_UNAVAILABLE")


@pytest.mark.parametrize("operation", WRITES, ids=lambda operation: operation.name)
@pytest.mark.parametrize("status", [200, 202, 204, 301])
def test_a_write_that_is_answered_with_nothing_to_read_has_an_unknown_outcome(operation: Operation, status: int):
    error = error_of(_answered(status), Asked(operation, IDS))
    assert (error.code, error.reason, error.pushback_ms) == (Code.UNKNOWN, "OUTCOME_UNKNOWN", -1)


@pytest.mark.parametrize("operation", WRITES, ids=lambda operation: operation.name)
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_failure_that_promises_that_nothing_was_changed_is_unavailability(operation: Operation, status: int):
    error = error_of(_answered(status, headers={UNCHANGED: "true"}), Asked(operation, IDS))
    assert (error.code, error.reason) == (Code.UNAVAILABLE, "UPSTREAM_UNAVAILABLE")
    assert "changed nothing" in error.message


@pytest.mark.parametrize("value", ["", "false", "1", "no"])
def test_a_promise_that_is_none_leaves_the_outcome_unknown(value: str):
    error = error_of(_answered(503, headers={UNCHANGED: value}), Asked(operations.PATCH_DIGITAL_TWIN, IDS))
    assert error.reason == "OUTCOME_UNKNOWN"


@pytest.mark.parametrize("status", [404, 405, 409, 418])
def test_an_answer_that_no_rule_knows_is_said_to_be_one(status: int):
    error = error_of(_answered(status), Asked(operations.GET_DIGITAL_TWIN, IDS))
    assert (error.code, error.reason) == (Code.INTERNAL, "UPSTREAM_ANSWER_UNEXPECTED")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Bad Gateway</html>",
        b"\xff\xfe",
        b'{"error": ',
        b"[]",
        b"[1]",
        b"null",
        b"5",
        b'"text"',
        b'"{\\"error\\":{\\"code\\":\\"TooManyRequests\\"}}"',
        b'{"error": null}',
        b'{"error": "text"}',
        b'{"error": []}',
        b'{"error": {"code": 5, "message": {"x": 1}, "details": 7}}',
        b'{"error": {"code": {"x": 1}, "message": ["y"], "details": ["z", {"message": 5}, null]}}',
        b'{"error": {"code": "ValidationFailed", "message": null, "details": null}}',
        b'{ "statusCode": 401, "message": "Unauthorized" }',
    ],
)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 429, 500])
def test_no_body_breaks_the_classification(body: bytes, status: int):
    error = error_of(_answered(status, body), Asked(operations.PATCH_DIGITAL_TWIN, IDS, Body(b"[]", "patch")))
    assert isinstance(error.status().message, str)


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda items: (
        st.lists(items, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "code", "message", "details", "innererror", "x"]), items, max_size=4
        )
    ),
    max_leaves=15,
)


@given(body=_json, status=st.integers(300, 599))
def test_no_json_breaks_the_classification(body: object, status: int):
    error = error_of(_answered(status, body), Asked(operations.PUT_DIGITAL_TWIN, IDS, Body(b"{}", "digital_twin")))
    assert error.status().ByteSize() < MAX_STATUS_BYTES


@pytest.mark.parametrize(
    ("status", "code", "message", "cause"),
    [
        (500, "Broken", "It is down.", "get_model: 500 Broken It is down."),
        (418, "Tea", "No coffee.", "get_model: 418 Tea No coffee."),
        (302, "Moved", "Elsewhere.", "get_model: 302 Moved Elsewhere."),
        (401, "Unauthorized", "Who?", "get_model: 401 Unauthorized Who?"),
        (404, "ModelNotFound", "None.", ""),
        (500, "Broken", "x" * 2000, f"get_model: 500 Broken {'x' * 2000}"[:1000]),
    ],
)
async def test_what_the_upstream_said_of_a_failure_is_left_for_the_log(
    status: int, code: str, message: str, cause: str
):
    call = Call("", "", None)
    enter_call(call)
    error = _refused(status, code, message, asked=Asked(operations.GET_MODEL, {"model_id": "dtmi:a;1"}))
    assert call.cause == cause
    assert not cause or message not in error.message


@pytest.mark.parametrize("operation", [operations.CANCEL_IMPORT_JOB, operations.DELETE_IMPORT_JOB])
def test_a_job_that_is_in_no_state_for_it_is_named(operation: Operation):
    error = _refused(400, "ValidationFailed", asked=Asked(operation, {"job_id": "one"}))
    [violation] = _detail(error, PreconditionFailure).violations
    assert (error.reason, violation.type, violation.subject) == ("JOB_STATUS_CONFLICT", "JOB_STATUS_CONFLICT", "one")


def test_a_job_whose_creation_is_not_valid_is_there_already():
    error = _refused(400, "ValidationFailed", asked=Asked(operations.POST_DELETE_JOB, {"job_id": "one"}))
    assert (error.reason, error.metadata) == ("JOB_ALREADY_EXISTS", {"job_id": "one"})


def test_the_end_of_a_relationship_that_is_missing_is_named():
    [violation] = _detail(_refused(404, "TargetTwinNotFound"), PreconditionFailure).violations
    assert (violation.type, violation.subject, violation.description) == ("TARGET_TWIN_NOT_FOUND", "room", "No.")


def test_a_model_that_is_decommissioned_is_named_first_of_all_that_the_complaint_has():
    message = "dtmi:a:Room;1 is decommissioned, dtmi:a:Hall;1 is not."
    error = _refused(400, "ModelDecommissioned", message, asked=Asked(operations.PUT_DIGITAL_TWIN))
    assert error.metadata["model_id"] == "dtmi:a:Room;1"
    assert [each.subject for each in _detail(error, PreconditionFailure).violations] == ["dtmi:a:Room;1"]
    assert "model_id" not in _refused(400, "ModelDecommissioned", "None.").metadata


def test_a_condition_of_the_front_s_own_is_the_etag_that_is_told():
    asked = Asked(operations.PATCH_RELATIONSHIP, IDS, if_match="*", only_at='W/"3"')
    assert _detail(_refused(412, "PreconditionFailed", asked=asked), EtagConflict).expected_etag == 'W/"3"'


@pytest.mark.parametrize(
    ("operation", "status", "code", "kind", "name"),
    [
        (operations.GET_COMPONENT, 404, "ComponentNotFound", "twinfront.v1.Component", "lamp"),
        (operations.GET_DIGITAL_TWIN, 404, "DigitalTwinNotFound", "twinfront.v1.DigitalTwin", "room"),
        (operations.GET_RELATIONSHIP, 404, "RelationshipNotFound", "twinfront.v1.Relationship", "r"),
        (operations.GET_MODEL, 404, "ModelNotFound", "twinfront.v1.Model", "dtmi:a;1"),
        (operations.GET_EVENT_ROUTE, 404, "EventRouteNotFound", "twinfront.v1.EventRoute", "all"),
        (operations.GET_IMPORT_JOB, 404, "ImportJobNotFound", "twinfront.v1.Job", "one"),
        (operations.PUT_IMPORT_JOB, 409, "JobIdAlreadyExists", "twinfront.v1.Job", "one"),
        (operations.PUT_RELATIONSHIP, 409, "RelationshipAlreadyExists", "twinfront.v1.Relationship", "r"),
    ],
    ids=lambda value: value.name if isinstance(value, Operation) else None,
)
def test_a_resource_that_is_missing_or_there_already_is_told_by_type_and_name(
    operation: Operation, status: int, code: str, kind: str, name: str
):
    ids = {"digital_twin_id": "room", "component_name": "lamp", "relationship_id": "r", "model_id": "dtmi:a;1"}
    asked = Asked(operation, ids | {"event_route_id": "all", "job_id": "one"})
    info = _detail(_refused(status, code, asked=asked), ResourceInfo)
    assert (info.resource_type, info.resource_name, info.description) == (kind, name, "No.")


@pytest.mark.parametrize(
    ("delegated", "status", "reason"),
    [
        (True, 403, "CALLER_NOT_PERMITTED"),
        (True, 401, "UPSTREAM_CREDENTIALS_REJECTED"),
        (False, 403, "UPSTREAM_CREDENTIALS_REJECTED"),
    ],
)
async def test_who_is_asked_in_the_caller_s_name_may_refuse_the_caller(delegated: bool, status: int, reason: str):
    enter_call(Call("", "", None, delegated=delegated))
    assert _refused(status, "Forbidden").reason == reason


def test_a_refusal_that_is_encoded_twice_is_read():
    text = orjson.dumps({"error": {"code": "JobLimitReached", "message": "There is a job."}}).decode()
    error = error_of(_answered(400, text), Asked(operations.POST_DELETE_JOB, {"job_id": "one"}))
    assert (error.reason, error.message) == ("UPSTREAM_THROTTLED", "There is a job.")


@pytest.mark.parametrize(
    ("status", "twin_id", "throttled"), [(429, "room", "room"), (429, 3, ""), (429, None, ""), (400, "room", "")]
)
def test_a_twin_on_whose_account_the_upstream_throttles_is_known(status: int, twin_id: object, throttled: str):
    code = "JobLimitReached" if status == 400 else "TooManyRequests"
    body = {"error": {"code": code, "message": "Slow.", "twinId": twin_id}}
    assert error_of(_answered(status, body), Asked(operations.PUT_RELATIONSHIP, IDS)).throttled_twin == throttled
