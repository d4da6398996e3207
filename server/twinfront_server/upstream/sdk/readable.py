"""Tells answers of the service from answers of something else.

Something between here and there may answer in its place: a page to sign in on, a redirect, half of what was sent. The
service may have carried the request out all the same, so that is not an answer that says no: it is none, and the call
goes on as if it had been lost.
"""

from collections.abc import Mapping
from http.client import BAD_REQUEST, MULTIPLE_CHOICES, NO_CONTENT
from typing import Any, Final

import orjson
from azure.core.exceptions import ServiceResponseError
from azure.core.rest import AsyncHttpResponse

from twinfront_server.upstream import operation as operations
from twinfront_server.upstream.operation import Operation

_IDS: Final[Mapping[str, str]] = {
    operations.PUT_DIGITAL_TWIN.name: "$dtId",
    operations.PUT_RELATIONSHIP.name: "$relationshipId",
    operations.POST_MODELS.name: "id",
    operations.PUT_IMPORT_JOB.name: "id",
    operations.CANCEL_IMPORT_JOB.name: "id",
    operations.POST_DELETE_JOB.name: "id",
}
"""The member with the id of what was made; JSON without it is no answer of the service."""


def is_readable(operation: Operation, response: AsyncHttpResponse) -> bool:
    """Tells whether a response has the form of an answer to the operation; refusals have forms of all kinds."""
    status = response.status_code
    if status >= BAD_REQUEST or status == NO_CONTENT:
        return True
    if status >= MULTIPLE_CHOICES:
        return False
    if "json" not in (response.headers.get("Content-Type") or "json").lower():
        return False
    start, end = (b"[", b"]") if operation.name == operations.POST_MODELS.name else (b"{", b"}")
    content = response.content
    if not (content.lstrip().startswith(start) and content.rstrip().endswith(end)):
        return False
    # What is read is parsed later on, and may be large: there a look at both ends has to do.
    return not operation.write or _is_made_of_resources(content, _IDS.get(operation.name))


def unreadable(response: AsyncHttpResponse) -> ServiceResponseError:
    """Makes the error for a response that is no answer of the service."""
    content_type = response.headers.get("Content-Type") or "no content type"
    return ServiceResponseError(
        f"An answer with status {response.status_code} that cannot be read: {len(response.content)} bytes, "
        f"{content_type[:100]}."
    )


def _is_made_of_resources(content: bytes, id_member: str | None) -> bool:
    """Tells whether an answer is an object, or a list of such, each with its id if it is to have one."""
    try:
        made: Any = orjson.loads(content)
    except orjson.JSONDecodeError:
        return False
    return all(
        isinstance(each, dict) and (id_member is None or isinstance(each.get(id_member), str))
        for each in (made if isinstance(made, list) else [made])
    )
