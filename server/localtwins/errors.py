"""The service's error catalogue: every code and message it answers with, in one place.

The docstring of each entry says when the service answers so. Messages that recordings of Azure Digital Twins show are
exact, odd spaces and dots included; they are marked `recorded`. The others carry the code that the service's REST
reference documents, in words of our own.
"""

from collections.abc import Collection, Iterable, Sequence
from itertools import islice
from typing import Final

from localtwins import limits

_PATCH_ADVICE: Final = (
    "Please provide a valid patch document. See section on update apis in the documentation https://aka.ms/adtv2twins."
)
_MODEL_FORMAT_ADVICE: Final = "See model documentation(https://aka.ms/ADTv2Models) for supported format."
_LONGEST_ETAG_SHOWN: Final = 256
_LONGEST_API_VERSION_SHOWN: Final = 64
_BLOB_ADVICE: Final = (
    "Please check: https://docs.microsoft.com/en-us/rest/api/storageservices/"
    "naming-and-referencing-containers--blobs--and-metadata"
)


_PROBLEM_LENGTH: Final = 1_024
_ELLIPSIS: Final = " … "
_END_KEPT: Final = 512


def shortened(text: str, most: int = limits.MESSAGE_LENGTH) -> str:
    """Cuts a text in the middle, so that what a caller wrote into it cannot make it longer than `most`."""
    if len(text) <= most:
        return text
    end = min(_END_KEPT, most // 4)
    return f"{text[: most - end - len(_ELLIPSIS)]}{_ELLIPSIS}{text[-end:]}"


def told(problems: Iterable[str]) -> list[str]:
    """Gives the first problems, shortened, and in place of the others their number."""
    rest = iter(problems)
    first = [shortened(problem, _PROBLEM_LENGTH) for problem in islice(rest, limits.PROBLEMS)]
    more = sum(1 for _ in rest)
    return [*first, f"and {more:,} more"] if more else first


class StartupError(Exception):
    """Keeps the service from starting; `str()` tells the operator why and what to do."""


class AdtError(Exception):
    """An error answer of the service.

    Attributes:
        status: the HTTP status.
        code: stands in the envelope `{"error": {"code", "message"}}`.
        message: stands there too.
        details: the messages of the individual problems, each of which is answered under the same code; beyond a number
            they are only counted.
        retry_after: the header of that name, in seconds.
        unchanged: promises that nothing was changed, for an error that could otherwise be the end of a write that was
            carried out.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: Iterable[str] = (),
        *,
        retry_after: int | None = None,
        unchanged: bool = False,
    ) -> None:
        self.status = status
        self.code = code
        self.message = shortened(message)
        self.details = tuple(told(details))
        super().__init__(f"{status} {code}: {self.message}")
        self.retry_after = retry_after
        self.unchanged = unchanged


class JobError(Exception):
    """Ends a job; the job tells `code` and `message` as the reason."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class ImportFileError(JobError):
    """Ends an import before any of it is stored: the file is not in the format, or too long.

    Attributes:
        line: the `line` in the job's log.
        kind: the `exceptionType` there.
        problem: the `message` there.
    """

    def __init__(self, code: str, message: str, *, line: int, kind: str, problem: str) -> None:
        super().__init__(code, message)
        self.line = line
        self.kind = kind
        self.problem = problem


class FrameworkError(Exception):
    """A body that the real service's web framework refuses before the service sees it.

    It is answered as an RFC 9457 problem with `errors`, from the place in the body to what is wrong there.
    """

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__(str(errors))
        self.errors = errors


class ThrottledError(Exception):
    """Too many requests: to one twin, or to the instance.

    Neither answer has the shape of the others (recorded).

    Attributes:
        retry_after: in seconds.
        twin_id: None if it is about the instance.
    """

    def __init__(self, retry_after: int, twin_id: str | None = None) -> None:
        super().__init__(f"too many requests to {'the instance' if twin_id is None else twin_id}")
        self.retry_after = retry_after
        self.twin_id = twin_id


class AnswerLostError(Exception):
    """Keeps an answer from the caller although the request was carried out: a fault that was asked for."""


# --- any operation ---------------------------------------------------------------------------------------------------


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
        f"The HTTP resource that matches the request URI '{shortened(url, _PROBLEM_LENGTH)}' does not support the "
        f"API version '{version[:_LONGEST_API_VERSION_SHOWN]}'. It supports {', '.join(sorted(served))}."
    )
    return AdtError(400, "UnsupportedApiVersion", message)


def validate_only_invalid(value: str) -> AdtError:
    """A header that asks for a dry run, or not: nothing may depend on a guess (the service has no such header)."""
    return invalid_argument(f"The localtwins-validate-only header must be true or absent, and not {value!r}.")


def internal_error() -> AdtError:
    """A defect of this service; what happened is in its log."""
    return AdtError(500, "InternalServerError", "The service met an unexpected error. Its log tells what happened.")


def storage_unavailable(reason: str, *, unchanged: bool = True) -> AdtError:
    """The database could not be read or written; nothing of the request was stored, if it can be known."""
    promise = " Nothing was changed." if unchanged else ""
    message = f"The data could not be read or written: {reason}.{promise}"
    return AdtError(503, "ServiceUnavailable", message, unchanged=unchanged)


def busy() -> AdtError:
    """More large requests wait than there is room for; nothing of this one was done."""
    message = "Too many large requests are waiting. Nothing was changed; try again later."
    return AdtError(503, "ServiceUnavailable", message, retry_after=1, unchanged=True)


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


# --- digital twins and components ------------------------------------------------------------------------------------


def digital_twin_not_found(twin_id: str) -> AdtError:
    """No twin of that id (recorded)."""
    message = (
        f"There is no digital twin instance that exists with the ID {twin_id}. "
        "Please verify that the twin id is valid and ensure that the twin is not deleted. "
        "See section on querying the twins https://aka.ms/adtv2query."
    )
    return AdtError(404, "DigitalTwinNotFound", message)


def digital_twin_exists(twin_id: str) -> AdtError:
    """If-None-Match: * and the twin is there (recorded)."""
    message = (
        f"If-None-Match: * header was specified but a twin with the id {twin_id} was found. "
        "Please specify a different twin id."
    )
    return AdtError(412, "PreconditionFailed", message)


def payload_invalid() -> AdtError:
    """The body of a twin is not a JSON object (recorded)."""
    return invalid_argument("Payload is invalid.")


def string_body() -> AdtError:
    """The body is text that was put into a JSON string, as some clients do with JSON that they are given as text."""
    return invalid_argument(
        "Payload is invalid. It is a JSON string, and has to be the object or array itself: "
        "text that is JSON already must not be made JSON again."
    )


def invalid_twin(problems: Iterable[str]) -> AdtError:
    """The twin does not conform to its model; one detail for each problem (recorded)."""
    return AdtError(400, "ValidationFailed", "Invalid twin specified", problems)


def model_missing(model_id: str) -> str:
    """Tells, as one problem among others, that a model is not there (recorded)."""
    return f"{model_id} or one of its dependencies does not exist."


def relationships_not_deleted(twin_id: str) -> AdtError:
    """A twin that still has relationships cannot be deleted (recorded)."""
    message = (
        f"Twin {twin_id} has active relationships. "
        "Cannot delete a twin unless all the relationships are deleted. "
        "Please ensure that the active relationships on the twin are deleted. "
        "See section on retrieving relationships https://aka.ms/adtv2twins."
    )
    return AdtError(400, "RelationshipsNotDeleted", message)


def twin_limit_reached(limit: int) -> AdtError:
    """The instance holds as many twins as it may."""
    return AdtError(400, "TwinLimitReached", f"The instance holds {limit} digital twins and cannot take more.")


def component_not_found(twin_id: str, component: str) -> AdtError:
    """The twin has no such component (recorded)."""
    message = (
        f"{twin_id} does not have component {component} Please verify that the component path is correct. "
        "You can get components by getting the twin, See example https://aka.ms/TwinGetSwSmpl."
    )
    return AdtError(404, "ComponentNotFound", message)


# --- relationships ---------------------------------------------------------------------------------------------------


def relationship_not_found(twin_id: str, relationship_id: str) -> AdtError:
    """The source twin has no such relationship (recorded)."""
    message = (
        f"Relationship {relationship_id} not found on twin {twin_id}. "
        "Please verify that the relationship id is valid and ensure that the relationship is not deleted. "
        "See section on listing relationships in the documentation https://aka.ms/adtv2twins."
    )
    return AdtError(404, "RelationshipNotFound", message)


def relationship_exists(relationship_id: str) -> AdtError:
    """If-None-Match: * and the relationship is there (recorded)."""
    message = (
        f"If-None-Match: * header was specified but a relationship with the id {relationship_id} was found. "
        "Please specify a different relationship id."
    )
    return AdtError(412, "PreconditionFailed", message)


def target_not_found() -> AdtError:
    """The target twin is not there (recorded, the blank before the last dot too)."""
    message = (
        "The target digital twin is invalid or does not exist. "
        "Please validate that the target twin is valid and ensure that the target twin is not deleted. "
        "See section on querying the twins https://aka.ms/adtv2query ."
    )
    return AdtError(404, "TargetDigitalTwinNotFound", message)


def relationship_body_invalid() -> AdtError:
    """The body of a relationship has no name or no target (recorded)."""
    return invalid_argument("Could not deserialize relationship create body.")


def relationship_not_in_model(problem: str) -> AdtError:
    """The models do not provide for such a relationship (message from issue reports, code from the reference)."""
    message = (
        "Twin relationship does not align with the model. "
        "Please ensure that the relationship is in alignment with the model. "
        "See section on listing models https://aka.ms/adtv2models."
    )
    return AdtError(400, "InvalidRelationship", message, [problem])


def invalid_relationship(problems: Iterable[str]) -> AdtError:
    """The relationship's properties do not conform to the model; one detail for each problem."""
    return AdtError(400, "ValidationFailed", "Invalid relationship specified", problems)


def self_relationship(twin_id: str) -> AdtError:
    """A twin cannot be related to itself (code from the reference)."""
    return AdtError(400, "OperationNotAllowed", f"The twin {twin_id} cannot have a relationship to itself.")


# --- models ----------------------------------------------------------------------------------------------------------


def model_not_found(model_ids: Sequence[str]) -> AdtError:
    """No model of that id (recorded)."""
    message = (
        f"There is no Model(s) available that matches the provided id(s) {', '.join(model_ids)}. "
        "Check that the Model ID provided is valid by doing a Model_List API call."
    )
    return AdtError(404, "ModelNotFound", message)


def model_id_malformed(model_id: str) -> AdtError:
    """The id is not a DTMI (recorded)."""
    return invalid_argument(f"The format of the Model ID {model_id} provided is not supported. {_MODEL_FORMAT_ADVICE}")


def model_id_missing() -> AdtError:
    """The path ends before the model's id (code from the reference)."""
    return AdtError(400, "MissingArgument", "The id of the model is missing from the path.")


def models_empty() -> AdtError:
    """An empty array of models, or no array at all (recorded)."""
    return invalid_argument(
        "Operation failed as models provided was empty or of a type that is not supported.. "
        "Check that your Model Array contains at least one item and it is of a supported type. "
        "See link(https://aka.ms/ADTv2Models) for details."
    )


def models_change() -> AdtError:
    """The models that an upload builds on were changed again and again while it was being checked."""
    message = "The models that these build on are being changed. Nothing was changed; try again later."
    return AdtError(503, "ServiceUnavailable", message, retry_after=1, unchanged=True)


def models_exist(model_ids: Sequence[str]) -> AdtError:
    """Some models of the batch are there already; none is created (recorded)."""
    message = (
        f"Some of the model ids already exist: {', '.join(model_ids)}. "
        "Use Model_List API to view models that already exist. "
        "See the Swagger example (https://aka.ms/ModelListSwSmpl)."
    )
    return AdtError(409, "ModelIdAlreadyExists", message)


def dtdl_invalid(problem: str, details: Sequence[str] = ()) -> AdtError:
    """The models are not valid DTDL; none is created (recorded, for a single model and without details)."""
    message = (
        "None of the models in this request could be created due to a problem with one or more models: "
        f"{problem}. {_MODEL_FORMAT_ADVICE}"
    )
    return AdtError(400, "DTDLParserError", message, details)


def dtdl_version_unsupported(problem: str, details: Sequence[str] = ()) -> AdtError:
    """A model is written in a DTDL version that the service does not take (code from the reference)."""
    message = f"None of the models in this request could be created: {problem} {_MODEL_FORMAT_ADVICE}"
    return AdtError(400, "ModelVersionNotSupported", message, details)


def model_references_not_deleted(referrers: Sequence[str]) -> AdtError:
    """Other models extend this one or have it as a component (recorded)."""
    message = (
        f"This model is currently being referenced by {', '.join(referrers)}. "
        "You must delete these references before deleting the Model.. "
        "To delete references, do Delete Model on Ids provided above."
    )
    return AdtError(409, "ModelReferencesNotDeleted", message)


def model_references_not_decommissioned(referrers: Sequence[str]) -> AdtError:
    """Models that refer to this one are still in commission (code from the reference)."""
    message = (
        f"This model is currently being referenced by {', '.join(referrers)}. "
        "You must decommission these references before decommissioning the Model."
    )
    return AdtError(409, "ModelReferencesNotDecommissioned", message)


def model_decommissioned(model_id: str) -> AdtError:
    """No twin can become one of a decommissioned model (code from the reference)."""
    return AdtError(400, "ModelDecommissioned", f"The model {model_id} is decommissioned and takes no new twins.")


# --- jobs ------------------------------------------------------------------------------------------------------------


def import_job_not_found(job_id: str) -> AdtError:
    """No import job of that id (recorded)."""
    message = (
        f"There is no job available that matches the provided id {job_id}. "
        "Check that the Job ID provided is valid by doing a Jobs_List API call."
    )
    return AdtError(404, "JobNotFound", message)


def delete_job_not_found(job_id: str) -> AdtError:
    """No delete job of that id (code from the reference)."""
    message = f"There is no delete job available that matches the provided id {job_id}."
    return AdtError(404, "DeleteJobNotFound", message)


def import_job_exists(job_id: str) -> AdtError:
    """The id of an import job is taken (recorded)."""
    message = f"Provided Job ID already exists: {job_id}. Use Jobs_List API to view jobs that already exist."
    return AdtError(409, "JobIdAlreadyExists", message)


def delete_job_exists(job_id: str) -> AdtError:
    """The id of a delete job is taken (code from the reference)."""
    return AdtError(400, "ValidationFailed", f"The operation-id {job_id} is taken by an earlier delete job.")


def import_job_in_progress() -> AdtError:
    """An import job cannot start while another job runs (recorded)."""
    message = (
        "Cannot start another job while one is in progress. Please wait for it to complete before starting another one."
    )
    return AdtError(429, "TooManyRequests", message)


def delete_job_in_progress() -> AdtError:
    """A delete job cannot start while another job runs (code from the reference)."""
    return AdtError(400, "JobLimitReached", "Cannot start a delete job while another job is in progress.")


def job_finished(job_id: str, status: str) -> AdtError:
    """A job that is over cannot be cancelled (code from the reference)."""
    return AdtError(400, "ValidationFailed", f"The job {job_id} is {status} already and cannot be cancelled.")


def job_not_finished(job_id: str, status: str) -> AdtError:
    """A job that is not over cannot be deleted (code from the reference)."""
    return AdtError(
        400, "ValidationFailed", f"The job {job_id} is {status} and cannot be deleted before it has finished."
    )


def blob_uri_invalid(uri: str, problem: str) -> AdtError:
    """The URI of a blob is none that the service takes (recorded, with the problem of a URI without a scheme)."""
    return invalid_argument(f"Azure Storage Blob URI '{uri}' failed validation. {problem} {_BLOB_ADVICE}")


def import_file_invalid(line: int, problem: str) -> ImportFileError:
    """The input is not in the import format; the kind of the problem is the service's own, from the log of a job."""
    message = f"The input blob is not a valid import file. Line {line}: {problem}"
    return ImportFileError("ValidationFailed", message, line=line, kind="UnsupportedFileFormat", problem=problem)


def import_limit_exceeded(line: int, section: str, limit: int) -> ImportFileError:
    """The input has too many rows in a section."""
    message = f"The input blob has more than {limit} rows in its section {section}."
    return ImportFileError("LimitExceeded", message, line=line, kind="LimitExceeded", problem=message)


def models_not_imported(error: AdtError, place: str) -> JobError:
    """The models of an import cannot be created; none is (the code for invalid DTDL from the service's own CLI)."""
    code = "DTDLParsingError" if error.code in {"DTDLParserError", "InvalidArgument"} else error.code
    return JobError(code, f"Encountered errors while importing models. {place}{error.message}")


def rows_not_imported(failed: int, total: int) -> JobError:
    """Some rows of an import were refused; the others are stored."""
    message = (
        f"Encountered errors while importing: {failed} of {total} twins and relationships were refused. "
        "See the output blob for each of them."
    )
    return JobError("ImportFailed", message)


def input_blob_unreadable(reason: str) -> JobError:
    """The input blob cannot be read."""
    message = f"Service was unable to read the input blob: {reason}. Please see that it exists and can be read."
    return JobError("UnableToReadInputBlob", message)


def output_blob_unwritable() -> JobError:
    """The output blob cannot be written (recorded)."""
    message = (
        "Encountered errors while importing models. Service was unable to write error feed to output blob. "
        "Please see that output blob exists and Azure Digital Twin instance's managed identity has "
        "Storage Blob Data Contributor access to that container."
    )
    return JobError("UnableToWriteToOutputBlob", message)


def delete_job_timeout(minutes: int) -> JobError:
    """A delete job was not done in its time; what it deleted is gone."""
    return JobError("TimeoutError", f"The job was not done within {minutes} minutes.")


def job_internal_error() -> JobError:
    """A defect of this service; what happened is in its log."""
    return JobError("InternalServerError", "The service met an unexpected error. Its log tells what happened.")


# --- telemetry, event routes, rates and faults -----------------------------------------------------------------------


def message_id_invalid() -> AdtError:
    """Telemetry without a usable Message-Id (code from the reference)."""
    return invalid_argument("The Message-Id header must be present, not empty, and printable.")


def source_time_invalid(value: str) -> AdtError:
    """Telemetry with a time that is none (code from the reference)."""
    return invalid_argument(f"The Telemetry-Source-Time header must be an RFC 3339 time, and not {value[:64]!r}.")


def event_route_not_found() -> AdtError:
    """No event route of that id (recorded)."""
    message = (
        "There is no route available that matches the provided input. "
        "Check for all valid event routes by calling EventRoute_List. "
        "See Swagger example (https://aka.ms/RouteSwSmpl)."
    )
    return AdtError(404, "EventRouteNotFound", message)


def event_route_endpoint_invalid() -> AdtError:
    """The endpoint is not one of the instance (recorded)."""
    message = (
        "The endpoint provided does not exist or is not active. Check that your endpoint is provisioned correctly. "
        "See event route documentation (https://aka.ms/ADTv2Routes)."
    )
    return AdtError(400, "EventRouteEndpointInvalid", message)


def event_route_filter_invalid(line: int, column: int, message: str) -> AdtError:
    """The filter is none; `line` and `column` count from 1 (recorded form)."""
    return AdtError(
        400,
        "EventRouteFilterInvalid",
        f"The provided filter is invalid. Parsing error, Line={line}, Position={column}, Message={message}. "
        "See event route documentation for supported values and structure (https://aka.ms/ADTv2Routes).",
    )


def event_route_id_invalid(route_id: str) -> AdtError:
    """The id is not one that an event route can have (code from the reference)."""
    message = (
        f"The event route id {route_id[:128]!r} is not valid. An id has 1 to 128 characters: letters, digits, - and _."
    )
    return AdtError(400, "EventRouteIdInvalid", message)


def quota_reached(retry_after: int) -> AdtError:
    """Queries have used the query units of the time (code from the reference)."""
    message = "The query units that the instance may use in a second are used up."
    return AdtError(429, "QuotaReachedError", message, retry_after=retry_after)


def injected(status: int) -> AdtError:
    """An error that was asked for."""
    code = "InternalServerError" if status == 500 else "ServiceUnavailable"  # noqa: PLR2004  (one of the two)
    return AdtError(status, code, "This error was asked for with the setting inject.")
