"""Errors of any operation, which are about the form of its request."""

from collections.abc import Collection
from typing import Final

from localtwins.errors.exceptions import AdtError, shortened

_PATCH_ADVICE: Final = (
    "Please provide a valid patch document. See section on update apis in the documentation https://aka.ms/adtv2twins."
)
_LONGEST_ETAG_SHOWN: Final = 256
_LONGEST_API_VERSION_SHOWN: Final = 64
_LONGEST_URL_SHOWN: Final = 1_024


def invalid_argument(message: str) -> AdtError:
    """An id, header, parameter or body of the wrong form."""
    return AdtError(400, "InvalidArgument", message)


def if_match_invalid() -> AdtError:
    """An If-Match header that names no versions (recorded)."""
    return invalid_argument("Invalid If-Match header value. Allowed value(s): If-Match: {etag} or If-Match: *")


def if_none_match_invalid() -> AdtError:
    """An If-None-Match header other than `*` (recorded)."""
    return invalid_argument("Invalid If-None-Match header value. Allowed value(s): If-None-Match: *")


def empty_body() -> AdtError:
    """No body where one is needed (recorded)."""
    return AdtError(400, "BadRequest", "A non-empty request body is required.")


def limit_exceeded(message: str) -> AdtError:
    """One of the service limits is reached."""
    return AdtError(400, "LimitExceeded", message)


def body_too_large(limit: int) -> AdtError:
    """The request body is larger than the server takes of any."""
    return AdtError(413, "RequestBodyTooLarge", f"The request body is larger than {limit} bytes.")


def encoding_unsupported(encoding: str) -> AdtError:
    """The request body is compressed, which the service takes of none."""
    message = f"The content encoding {shortened(encoding, 64)!r} is not supported: send the body as it is."
    return AdtError(415, "UnsupportedMediaType", message)


def cross_site_request() -> AdtError:
    """A page of another site in a browser asks for a change, of which its reader knows nothing."""
    message = "A page of another site must not change anything here: the service asks nobody who they are."
    return AdtError(403, "CrossSiteRequest", message)


def api_version_missing() -> AdtError:
    """No api-version in the query (ASP.NET API Versioning)."""
    return AdtError(400, "ApiVersionUnspecified", "An API version is required, but was not specified.")


def api_version_unsupported(version: str, url: str, served: Collection[str]) -> AdtError:
    """An api-version that the resource is not there in (ASP.NET API Versioning), with those that it has."""
    message = (
        f"The HTTP resource that matches the request URI '{shortened(url, _LONGEST_URL_SHOWN)}' does not support the "
        f"API version '{version[:_LONGEST_API_VERSION_SHOWN]}'. It supports {', '.join(sorted(served))}."
    )
    return AdtError(400, "UnsupportedApiVersion", message)


def validate_only_invalid(value: str) -> AdtError:
    """A header that asks for a dry run, or not: nothing may depend on a guess (the service has no such header)."""
    return invalid_argument(f"The localtwins-validate-only header must be true or absent, and not {value!r}.")


def etag_mismatch(etag: str) -> AdtError:
    """If-Match names another etag than the current one (recorded)."""
    message = (
        f"The provided etag {etag[:_LONGEST_ETAG_SHOWN]} doesn't match the current etag for the resource. "
        "Please obtain and provide the latest etag by getting the resource. "
        "See section on get apis in the documentation https://aka.ms/adtv2twins."
    )
    return AdtError(412, "PreconditionFailed", message)


def json_patch_invalid(reason: str) -> AdtError:
    """A JSON Patch that cannot be applied; `reason` is one sentence (recorded form)."""
    return AdtError(400, "JsonPatchInvalid", f"{reason} {_PATCH_ADVICE}")


def payload_invalid() -> AdtError:
    """The body of a twin is not a JSON object (recorded)."""
    return invalid_argument("Payload is invalid.")


def string_body() -> AdtError:
    """The body is text that was put into a JSON string, as some clients do with JSON that they are given as text."""
    return invalid_argument(
        "Payload is invalid. It is a JSON string, and has to be the object or array itself: "
        "text that is JSON already must not be made JSON again."
    )
