"""Errors of import and delete jobs: of the requests about them, and what ends one that runs."""

from typing import Final

from localtwins.errors.exceptions import AdtError, ImportFileError, JobError
from localtwins.errors.requests import invalid_argument

_BLOB_ADVICE: Final = (
    "Please check: https://docs.microsoft.com/en-us/rest/api/storageservices/"
    "naming-and-referencing-containers--blobs--and-metadata"
)


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
