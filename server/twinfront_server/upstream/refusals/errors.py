"""Makes errors of the front of what the upstream fails with; nothing else does.

Classification goes by (HTTP status, `error.code`), never by the SDK's exception class, which does not say what
happened: a blocked delete is a plain HttpResponseError, a model that is still referenced a ResourceExistsError.
Codes and messages are as recorded; where the service's documentation uses another code, both are here.
"""

import re
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Final

import grpc
from azure.core.exceptions import AzureError, HttpResponseError, ServiceRequestTimeoutError
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import PreconditionFailure

from twinfront_server.call import current_call
from twinfront_server.errors import (
    NO_RETRY,
    TwinfrontError,
    caller_not_permitted,
    etag_mismatch,
    invalid_fields,
    limit_reached,
    outcome_unknown,
    resource_error,
    shortened,
    upstream_answer_unexpected,
    upstream_throttled,
    upstream_unavailable,
)
from twinfront_server.reasons import InvalidReason, Reason
from twinfront_server.upstream import operation as operations
from twinfront_server.upstream.operation import Asked, Resource
from twinfront_server.upstream.refusals.refusal import Refusal, read_refusal
from twinfront_server.upstream.refusals.violations import violated_fields
from twinfront_server.upstream.sdk.answer_too_large import AnswerTooLargeError
from twinfront_server.upstream.sdk.credential import CallerRefusedError, CredentialError
from twinfront_server.upstream.sdk.not_connected import NotConnectedError

_DEFAULT_THROTTLE_DELAY: Final = 1.0
_MAX_CAUSE: Final = 1000

_DTMI: Final = re.compile(r"dtmi:[\w:]+(?:;\d+(?:\.\d+)?)?")


_Rule = Callable[[Refusal, Asked], TwinfrontError]


def error_of(error: AzureError, asked: Asked) -> TwinfrontError:
    """Makes the front's error of an exception of the SDK.

    Args:
        error: the exception.
        asked: what the call asked for.
    """
    if isinstance(error, CredentialError):
        return _without_credential(error, asked)
    if isinstance(error, HttpResponseError) and error.status_code is not None:
        refusal = read_refusal(error)
        refused = _rule_for(refusal)(refusal, asked)
        return _own_refused(refusal, asked) if asked.origin.by_the_front and _finds_fault(refused) else refused
    _note_cause(asked, str(error))
    if isinstance(error, AnswerTooLargeError) and not asked.operation.write:
        return limit_reached(asked.path, f"This server takes no answer that large: {error}", metadata=asked.ids)
    if _never_sent(error) or not asked.operation.write:
        return _unavailable("Azure Digital Twins cannot be reached.", asked)
    return _outcome_unknown(asked)


def _note_cause(asked: Asked, text: str) -> None:
    """Leaves what the upstream said for the log's line about the call; the caller is not told."""
    current_call().cause = f"{asked.operation.name}: {text}"[:_MAX_CAUSE]


def _never_sent(error: AzureError) -> bool:
    """Tells whether there was no connection to send anything on.

    azure-core calls every failure of a connection a ServiceRequestError, one that broke after the request too.
    """
    return isinstance(error, ServiceRequestTimeoutError | NotConnectedError)


def _about(reason: Reason, resource: str, id_field: str) -> _Rule:
    """Makes the rule for a resource that is missing, or there already."""

    def rule(refusal: Refusal, asked: Asked) -> TwinfrontError:
        named = _DTMI.findall(refusal.message) if id_field == "model_id" else ()
        name = asked.ids.get(id_field) or ", ".join(named)
        return resource_error(reason, resource, name, refusal.text, metadata={id_field: name, **asked.ids})

    return rule


def _target_not_found(refusal: Refusal, asked: Asked) -> TwinfrontError:
    return _precondition(Reason.TARGET_TWIN_NOT_FOUND, refusal, asked, [asked.ids.get("target_id", "")])


def _model_has_dependents(refusal: Refusal, asked: Asked) -> TwinfrontError:
    dependents = [model for model in _DTMI.findall(refusal.message) if model != asked.ids.get("model_id")]
    return _precondition(Reason.MODEL_HAS_DEPENDENTS, refusal, asked, dependents)


def _model_decommissioned(refusal: Refusal, asked: Asked) -> TwinfrontError:
    models = _DTMI.findall(refusal.message)[:1]
    error = _precondition(Reason.MODEL_DECOMMISSIONED, refusal, asked, models)
    if models:
        error.metadata["model_id"] = models[0]
    return error


def _twin_has_relationships(refusal: Refusal, asked: Asked) -> TwinfrontError:
    return TwinfrontError(Reason.TWIN_HAS_RELATIONSHIPS, refusal.text, metadata=asked.ids)


def _precondition(reason: Reason, refusal: Refusal, asked: Asked, subjects: Sequence[str]) -> TwinfrontError:
    violations = [
        PreconditionFailure.Violation(type=reason, subject=shortened(subject), description=shortened(refusal.text))
        for subject in subjects
    ]
    details: list[Message] = [PreconditionFailure(violations=violations)] if violations else []
    return TwinfrontError(reason, refusal.text, metadata=asked.ids, details=details)


def _invalid(reason: InvalidReason) -> _Rule:
    def rule(refusal: Refusal, asked: Asked) -> TwinfrontError:
        fields = violated_fields(reason, refusal.details or [refusal.text], asked)
        return invalid_fields(fields, reason=reason, message=refusal.text, metadata=asked.ids)

    return rule


def _invalid_query(refusal: Refusal, asked: Asked) -> TwinfrontError:
    """Makes the error of a refused query, except for its continuation token, which came out of the caller's token."""
    if refusal.code == "BadRequest" and "ontinuation" in refusal.message:
        token = asked.origin.place_field
        return invalid_fields([(token, refusal.text)], reason=Reason.PAGE_TOKEN_INVALID, metadata=asked.ids)
    return invalid_fields([("query", refusal.text)], reason=Reason.QUERY_INVALID, metadata=asked.ids)


def _bad_request(refusal: Refusal, asked: Asked) -> TwinfrontError:
    return (_invalid_query if asked.operation.resource is Resource.QUERY else _INVALID_ARGUMENT)(refusal, asked)


def _finds_fault(error: TwinfrontError) -> bool:
    """Tells whether an error says that the request is wrong in itself, its token that says where to go on aside."""
    return error.code is grpc.StatusCode.INVALID_ARGUMENT and error.reason is not Reason.PAGE_TOKEN_INVALID


def _own_refused(refusal: Refusal, asked: Asked) -> TwinfrontError:
    """Makes the error of a query that the front made itself; it may have taken the upstream too long."""
    return (_server_error if refusal.code == "TimeoutError" else _unexpected)(refusal, asked)


def _invalid_member(name: str) -> _Rule:
    """Makes the rule for a fault of one field of the resource in the request."""

    def rule(refusal: Refusal, asked: Asked) -> TwinfrontError:
        field = asked.body.field if asked.body is not None else "request"
        path = field if field.endswith(".json") else f"{field}.{name}"
        return invalid_fields([(path, refusal.text)], metadata=asked.ids)

    return rule


def _validation_failed(refusal: Refusal, asked: Asked) -> TwinfrontError:
    """Makes the error of ValidationFailed, which for a job can be about its existence or state (REST reference)."""
    if asked.operation is operations.POST_DELETE_JOB:
        return _JOB_ALREADY_EXISTS(refusal, asked)
    if asked.operation in {operations.CANCEL_IMPORT_JOB, operations.DELETE_IMPORT_JOB}:
        return _precondition(Reason.JOB_STATUS_CONFLICT, refusal, asked, [asked.ids.get("job_id", "")])
    return _invalid(Reason.VALIDATION_FAILED)(refusal, asked)


def _limit_reached(refusal: Refusal, asked: Asked) -> TwinfrontError:
    return limit_reached(asked.path, refusal.text, metadata=asked.ids)


def _throttled(refusal: Refusal, asked: Asked) -> TwinfrontError:
    error = upstream_throttled(
        refusal.text or "Azure Digital Twins throttles.",
        metadata=asked.ids,
        retry_after=_DEFAULT_THROTTLE_DELAY if refusal.retry_after is None else refusal.retry_after,
    )
    error.throttled_twin = refusal.throttled_twin
    return error


def _precondition_failed(refusal: Refusal, asked: Asked) -> TwinfrontError:
    twin = asked.operation.resource is not Resource.RELATIONSHIP
    if asked.only_at:
        return etag_mismatch(asked.path, expected=asked.only_at, metadata=asked.ids)
    if asked.if_match == "*":
        return (_TWIN_NOT_FOUND if twin else _RELATIONSHIP_NOT_FOUND)(refusal, asked)
    if not asked.if_match:
        return (_TWIN_ALREADY_EXISTS if twin else _RELATIONSHIP_ALREADY_EXISTS)(refusal, asked)
    return etag_mismatch(asked.path, expected=asked.if_match, metadata=asked.ids)


def _credentials_rejected(refusal: Refusal, asked: Asked) -> TwinfrontError:
    _note_cause(asked, f"{refusal.status} {refusal.code} {refusal.message}")
    if refusal.status == HTTPStatus.FORBIDDEN and current_call().delegated:
        return caller_not_permitted("Azure Digital Twins does not let this caller do that.")
    return TwinfrontError(
        Reason.UPSTREAM_CREDENTIALS_REJECTED,
        "Azure Digital Twins rejects this server's credential; its operator has to look into it.",
    )


def _without_credential(error: CredentialError, asked: Asked) -> TwinfrontError:
    _note_cause(asked, error.message)
    if isinstance(error, CallerRefusedError):
        challenge = _whole(claims_challenge=error.claims)
        advice = " It wants another token of the caller, with the claims of claims_challenge." if challenge else ""
        return caller_not_permitted(
            f"Entra ID gives no token for Azure Digital Twins on behalf of this caller.{advice}", metadata=challenge
        )
    return TwinfrontError(
        Reason.UPSTREAM_CREDENTIALS_REJECTED,
        "This server could get no credential for Azure Digital Twins, so it was not asked; the server's operator has "
        "to look into it.",
    )


def _whole(**values: str) -> dict[str, str]:
    """Gives the metadata that fits: what a program is to read is of no use when it is cut."""
    return {name: value for name, value in values.items() if shortened(value) == value}


def _server_error(refusal: Refusal, asked: Asked) -> TwinfrontError:
    _note_cause(asked, f"{refusal.status} {refusal.code} {refusal.message}")
    if asked.operation.write and not refusal.unchanged:
        return _outcome_unknown(asked)
    error = _unavailable(f"Azure Digital Twins failed with status {refusal.status}.", asked, refusal.retry_after)
    if asked.operation.write and refusal.refuses_writes:
        error.pushback_ms = NO_RETRY  # a full disk is no outage that passes while somebody waits
    return error


def _unexpected(refusal: Refusal, asked: Asked) -> TwinfrontError:
    _note_cause(asked, f"{refusal.status} {refusal.code} {refusal.message}")
    return upstream_answer_unexpected(refusal.status)


def _unavailable(message: str, asked: Asked, delay: float | None = None) -> TwinfrontError:
    advice = "That changed nothing; try again." if asked.operation.write else "Try again."
    return upstream_unavailable(f"{message} {advice}", metadata=asked.ids, retry_after=delay)


def _outcome_unknown(asked: Asked) -> TwinfrontError:
    message = (
        f"The answer to this write was lost, and it may have been applied: read {asked.path} before writing again."
    )
    return outcome_unknown(message, metadata=asked.ids)


def _lost(refusal: Refusal, asked: Asked) -> TwinfrontError:
    """Makes the error of an answer that neither refuses the request nor can be read."""
    _note_cause(asked, f"{refusal.status} {refusal.code} {refusal.message}")
    if asked.operation.write:
        return _outcome_unknown(asked)
    return _unavailable(f"Azure Digital Twins answered with status {refusal.status} and nothing to read.", asked)


def _rule_for(refusal: Refusal) -> _Rule:
    """Finds the rule by status and code, else by the status, else by its class."""
    by_code = _RULES.get((refusal.status, refusal.code))
    return by_code or _STATUS_RULES.get(refusal.status) or _by_class(refusal.status)


def _by_class(status: int) -> _Rule:
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _server_error
    return _unexpected if status >= HTTPStatus.BAD_REQUEST else _lost


_INVALID_ARGUMENT: Final = _invalid(Reason.INVALID_ARGUMENT)
_TWIN_NOT_FOUND: Final = _about(Reason.TWIN_NOT_FOUND, "twinfront.v1.DigitalTwin", "digital_twin_id")
_RELATIONSHIP_NOT_FOUND: Final = _about(Reason.RELATIONSHIP_NOT_FOUND, "twinfront.v1.Relationship", "relationship_id")
_TWIN_ALREADY_EXISTS: Final = _about(Reason.TWIN_ALREADY_EXISTS, "twinfront.v1.DigitalTwin", "digital_twin_id")
_RELATIONSHIP_ALREADY_EXISTS: Final = _about(
    Reason.RELATIONSHIP_ALREADY_EXISTS, "twinfront.v1.Relationship", "relationship_id"
)
_JOB_NOT_FOUND: Final = _about(Reason.JOB_NOT_FOUND, "twinfront.v1.Job", "job_id")
_JOB_ALREADY_EXISTS: Final = _about(Reason.JOB_ALREADY_EXISTS, "twinfront.v1.Job", "job_id")
_MODEL_ALREADY_EXISTS: Final = _about(Reason.MODEL_ALREADY_EXISTS, "twinfront.v1.Model", "model_id")

_RULES: Final[dict[tuple[int, str], _Rule]] = {
    (404, "DigitalTwinNotFound"): _TWIN_NOT_FOUND,
    (404, "RelationshipNotFound"): _RELATIONSHIP_NOT_FOUND,
    (404, "ComponentNotFound"): _about(Reason.COMPONENT_NOT_FOUND, "twinfront.v1.Component", "component_name"),
    (404, "ModelNotFound"): _about(Reason.MODEL_NOT_FOUND, "twinfront.v1.Model", "model_id"),
    (404, "EventRouteNotFound"): _about(Reason.EVENT_ROUTE_NOT_FOUND, "twinfront.v1.EventRoute", "event_route_id"),
    (404, "JobNotFound"): _JOB_NOT_FOUND,
    (404, "ImportJobNotFound"): _JOB_NOT_FOUND,
    (404, "DeleteJobNotFound"): _JOB_NOT_FOUND,
    (404, "TargetDigitalTwinNotFound"): _target_not_found,
    (404, "TargetTwinNotFound"): _target_not_found,
    (409, "ModelIdAlreadyExists"): _MODEL_ALREADY_EXISTS,
    (409, "ModelAlreadyExists"): _MODEL_ALREADY_EXISTS,
    (409, "JobIdAlreadyExists"): _JOB_ALREADY_EXISTS,
    (409, "RelationshipAlreadyExists"): _RELATIONSHIP_ALREADY_EXISTS,
    (409, "ModelReferencesNotDeleted"): _model_has_dependents,
    (409, "ModelReferencesNotDecommissioned"): _model_has_dependents,
    (400, "ModelDecommissioned"): _model_decommissioned,
    (400, "RelationshipsNotDeleted"): _twin_has_relationships,
    (400, "ValidationFailed"): _validation_failed,
    (400, "EventRouteEndpointInvalid"): _invalid_member("endpoint_name"),
    (400, "EventRouteFilterInvalid"): _invalid_member("filter"),
    (400, "JobLimitReached"): _throttled,
    (400, "InvalidRelationship"): _invalid(Reason.VALIDATION_FAILED),
    (400, "JsonPatchInvalid"): _invalid(Reason.JSON_PATCH_INVALID),
    (400, "DTDLParserError"): _invalid(Reason.DTDL_INVALID),
    (400, "ModelVersionNotSupported"): _invalid(Reason.DTDL_INVALID),
    (400, "SqlQueryError"): _invalid_query,
    (400, "TimeoutError"): _invalid_query,
    (400, "TwinLimitReached"): _limit_reached,
    (400, "LimitExceeded"): _limit_reached,
}

_STATUS_RULES: Final[dict[int, _Rule]] = {
    400: _bad_request,
    401: _credentials_rejected,
    403: _credentials_rejected,
    408: _server_error,
    412: _precondition_failed,
    413: _INVALID_ARGUMENT,
    414: _INVALID_ARGUMENT,
    429: _throttled,
    431: _INVALID_ARGUMENT,
}
