"""Answers: JSON, none, and errors in the service's shapes."""

import secrets
from typing import Final

import orjson

from localtwins.errors import AdtError, FrameworkError, ThrottledError
from localtwins.message import UNCHANGED, Response
from localtwins.rest.call import API_VERSION_2020

_JSON: Final = "application/json; charset=utf-8"
_PROBLEM: Final = "application/problem+json; charset=utf-8"
_INSTANCE_THROTTLED: Final = (
    b'{ "error": { "statusCode": 429, "message": "Maximum request rate limit reached. '
    b'For Azure Digital Twins rate limiting details please see http://aka.ms/dtv2limits." } }'
)
"""Recorded, blanks included."""
_TWIN_THROTTLED: Final = (
    "Operation could not be completed as too many requests to this twin have been made. "
    "Please check Retry-After header to retry request."
)
_WITHOUT_CODE_HEADER: Final = frozenset({"BadRequest", "JobNotFound", "JobIdAlreadyExists"})


def json_answer(body: bytes, *, etag: str | None = None, status: int = 200) -> Response:
    """Makes an answer with JSON."""
    if etag is None:
        return Response(status, {"Content-Type": _JSON}, body)
    return Response(status, {"Content-Type": _JSON, "ETag": etag}, body)


def no_content(etag: str | None = None) -> Response:
    """Makes an answer without a body."""
    return Response(204, {} if etag is None else {"ETag": etag})


def error_answer(error: AdtError, api_version: str) -> Response:
    """Makes the answer that tells an error: the envelope, and its code as a header on most (recorded)."""
    envelope: dict[str, object] = {"code": error.code, "message": error.message}
    if error.details:
        envelope["details"] = [{"code": error.code, "message": detail} for detail in error.details]
    body = orjson.dumps({"error": envelope})
    if api_version == API_VERSION_2020:
        body = body.replace(b"https://aka.ms/", b"http://aka.ms/")
    headers = {"Content-Type": _JSON}
    if error.code not in _WITHOUT_CODE_HEADER:
        headers["x-ms-error-code"] = error.code
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if error.unchanged:
        headers[UNCHANGED] = "true"
    return Response(error.status, headers, body)


def framework_error_answer(error: FrameworkError) -> Response:
    """Makes the answer to a body that the service's web framework refuses (recorded)."""
    problem = {
        "errors": error.errors,
        "type": "https://tools.ietf.org/html/rfc7231#section-6.5.1",
        "title": "One or more validation errors occurred.",
        "status": 400,
        "detail": None,
        "instance": None,
        "extensions": {"traceId": f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00"},
    }
    return Response(400, {"Content-Type": _PROBLEM}, orjson.dumps(problem))


def throttled_answer(error: ThrottledError) -> Response:
    """Makes the answer to one request too many: the gateway's for the instance, the service's for a twin (recorded)."""
    retry_after = str(error.retry_after)
    if error.twin_id is None:
        return Response(429, {"Content-Type": "application/json", "Retry-After": retry_after}, _INSTANCE_THROTTLED)
    body = orjson.dumps({"error": {"twinId": error.twin_id, "code": "TooManyRequests", "message": _TWIN_THROTTLED}})
    return Response(429, {"Content-Type": _JSON, "Retry-After": retry_after}, body)
