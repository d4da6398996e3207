"""The blobs that jobs read and write: in storage services, or files, each only where the operator allows it."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import SplitResult, urlsplit

from localtwins import errors, limits
from localtwins.allowed_storage import SCHEMES, Location
from localtwins.jobs.file_blob import FileBlob
from localtwins.settings import Settings
from twinfront_program.startup_error import StartupError

_FILE_SCHEME: Final = "file"
_LONGEST_SHOWN: Final = 512


class Blob(Protocol):
    """Reads and writes a blob; any OSError of its methods tells why it cannot, without secrets of its URI."""

    async def version(self) -> str:
        """Gives a mark that changes whenever the content does."""

    def chunks(self, offset: int, version: str) -> AsyncGenerator[bytes]:
        """Reads from `offset` in bytes on; fails if the blob is not the same `version` any more."""

    async def append(self, data: bytes, offset: int) -> None:
        """Writes `data` at `offset`, where 0 begins the blob anew.

        What is already there beyond `offset` must be the beginning of `data`, from an earlier call whose outcome got
        lost.
        """


def check_jobs_dir(settings: Settings) -> None:
    """Refuses to start without the directory whose files jobs may use, if there is to be one.

    Raises:
        StartupError: it is not there.
    """
    if settings.jobs_dir is not None and not Path(settings.jobs_dir).is_dir():
        raise StartupError(f"--jobs-dir must be a directory that is there, and not {settings.jobs_dir}.")


def check_blob_uri(uri: str, settings: Settings) -> None:
    """Refuses the URI of a blob that jobs may not use.

    Raises:
        AdtError: InvalidArgument.
    """
    parts = _split(uri)
    if parts.scheme in SCHEMES:
        _location(uri, settings)
    elif parts.scheme == _FILE_SCHEME:
        _file_blob(uri, parts, settings)
    else:
        raise errors.blob_uri_invalid(shown(uri), "The scheme must be https, http or file.")


@asynccontextmanager
async def open_blob(uri: str, settings: Settings) -> AsyncIterator[Blob]:
    """Gives a blob, which need not exist.

    Raises:
        AdtError: InvalidArgument as for `check_blob_uri`.
        OSError: the blob cannot be reached.
    """
    parts = _split(uri)
    if parts.scheme == _FILE_SCHEME:
        yield _file_blob(uri, parts, settings)
        return
    location = _location(uri, settings)
    try:
        from localtwins.jobs.azure_blob import open_azure_blob  # noqa: PLC0415  (only who uses it needs the SDK)
    except ImportError as error:
        raise OSError("the Python package azure-storage-blob is not installed") from error

    async with open_azure_blob(location, parts.query, settings.storage_connection_string) as blob:
        yield blob


def shown(uri: str) -> str:
    """Gives a URI as messages tell it: without a shared access signature, without a password, and not endless."""
    place = uri.partition("?")[0].partition("#")[0]
    scheme, separator, rest = place.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{separator}{authority.rpartition('@')[2]}{slash}{path}"[:_LONGEST_SHOWN]


def _location(uri: str, settings: Settings) -> Location:
    try:
        location = Location.parse(uri)
    except ValueError as error:
        raise errors.blob_uri_invalid(shown(uri), str(error)) from None
    if len(location.segments) < 2:  # noqa: PLR2004  (a container and a blob)
        raise errors.blob_uri_invalid(shown(uri), "It must name an account, a container and a blob.")
    if not settings.allowed_storage.has(location):
        raise errors.blob_uri_invalid(
            shown(uri), "Jobs may not use it here; --jobs-storage names the storage accounts and URLs that they may."
        )
    return location


def _split(uri: str) -> SplitResult:
    if len(uri) > limits.BLOB_URI_LENGTH:
        raise errors.blob_uri_invalid(shown(uri), f"It is longer than {limits.BLOB_URI_LENGTH} characters.")
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        parts = SplitResult("", "", "", "", "")
    if not parts.scheme:
        # The words are .NET's (recorded).
        raise errors.blob_uri_invalid(shown(uri), "Invalid URI: The format of the URI could not be determined.")
    return parts


def _file_blob(uri: str, parts: SplitResult, settings: Settings) -> FileBlob:
    if settings.jobs_dir is None:
        raise errors.blob_uri_invalid(
            shown(uri), "Jobs may use no files here; --jobs-dir names a directory that they may."
        )
    if parts.netloc not in {"", "localhost"} or parts.query or parts.fragment:
        raise errors.blob_uri_invalid(shown(uri), "A file: URI has a path only.")
    try:
        return FileBlob.below(settings.jobs_dir, parts.path)
    except (ValueError, OSError):
        raise errors.blob_uri_invalid(
            shown(uri), "The path does not lead to a file below the directory of --jobs-dir."
        ) from None
