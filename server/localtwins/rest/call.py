"""A request on its way through the service, with everything that a resource needs to answer it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeVar
from urllib.parse import parse_qsl

from localtwins import errors, limits
from localtwins.jobs.runner import JobRunner
from localtwins.message import VALIDATE_ONLY, Request
from localtwins.settings import Settings
from localtwins.store.change_log import ChangeLog
from localtwins.store.database import Database
from localtwins.store.reader import Reader
from localtwins.store.transaction import Transaction
from localtwins.workers import Workers

T = TypeVar("T")

API_VERSION_2020: Final = "2020-10-31"
API_VERSIONS: Final = frozenset(
    {API_VERSION_2020, "2021-06-30-preview", "2022-05-31", "2023-02-27-preview", "2023-06-30", "2023-10-31"}
)
"""The first preview is what Azure Digital Twins Explorer asks for; it is answered as the version after it."""

_KEPT_QUERY_LENGTH: Final = 256
"""Query strings that come again and again have little but the api-version."""

_TRACEPARENT: Final = re.compile("00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
"""The form of version 00 (W3C Trace Context)."""

Parameters = dict[str, list[str]]


def _parse_query(query: str) -> Parameters:
    """Gives the values of each query parameter, names in lower case since the service ignores their case.

    A parameter without a value, as in `dependenciesFor=`, is absent: ASP.NET binds the empty text to null.

    Raises:
        AdtError: InvalidArgument for too many.
    """
    parameters: Parameters = {}
    try:
        pairs = parse_qsl(query, errors="replace", max_num_fields=limits.QUERY_PARAMETERS)
    except ValueError:
        message = f"The URL has more than {limits.QUERY_PARAMETERS} query parameters."
        raise errors.invalid_argument(message) from None
    for name, value in pairs:
        parameters.setdefault(name.lower(), []).append(value)
    return parameters


_parse_known_query = lru_cache(maxsize=1024)(_parse_query)


@dataclass(slots=True)
class Call:
    """Carries a request, its query parameters and the api-version that it asks for."""

    request: Request
    database: Database
    settings: Settings
    parameters: Parameters
    api_version: str
    jobs: JobRunner
    workers: Workers
    changes: ChangeLog

    @classmethod
    def begin(
        cls,
        request: Request,
        database: Database,
        settings: Settings,
        jobs: JobRunner,
        workers: Workers,
        changes: ChangeLog,
        *,
        versioned: bool,
    ) -> "Call":
        """Starts to answer a request; an operation that is not `versioned` passes an api-version over.

        Raises:
            AdtError: the api-version is missing or not served.
        """
        parse = _parse_known_query if len(request.query) <= _KEPT_QUERY_LENGTH else _parse_query
        parameters = parse(request.query)
        version = parameters.get("api-version", [""])[0].lower()
        if versioned and version not in API_VERSIONS:
            if not version:
                raise errors.api_version_missing()
            raise errors.api_version_unsupported(version, f"{request.base_url}{request.path}", API_VERSIONS)
        return cls(request, database, settings, parameters, version, jobs, workers, changes)

    @property
    def read(self) -> Reader:
        """Reads from the database."""
        return self.database.read

    async def write(self, operation: Callable[[Transaction], T]) -> T:
        """Runs a write operation; a dry run's is taken back once it has a result."""
        return await self.database.write(operation, keep=not self.is_dry_run, traceparent=self._traceparent())

    def _traceparent(self) -> str:
        """Gives the trace context of the request, empty if there is none or one of another form."""
        value = self.request.headers.get("traceparent")
        return value if value is not None and _TRACEPARENT.fullmatch(value) else ""

    @property
    def is_dry_run(self) -> bool:
        """Tells whether nothing of the request is to be kept."""
        return VALIDATE_ONLY in self.request.headers

    def require_api_version(self, versions: frozenset[str]) -> None:
        """Refuses an api-version in which the resource is not there.

        Raises:
            AdtError: it is asked for.
        """
        if self.api_version not in versions:
            url = f"{self.request.base_url}{self.request.path}"
            raise errors.api_version_unsupported(self.api_version, url, versions)

    def header(self, name: str) -> str | None:
        """Gives a header field, its name in lower case.

        Raises:
            AdtError: InvalidArgument for one that is too long to look at.
        """
        value = self.request.headers.get(name)
        if value is not None and len(value) > limits.HEADER_LENGTH:
            raise errors.invalid_argument(f"The header {name} is longer than {limits.HEADER_LENGTH} characters.")
        return value

    def parameter(self, name: str) -> str | None:
        """Gives the first value of a query parameter."""
        values = self.parameters.get(name)
        return values[0] if values else None

    def flag(self, name: str) -> bool:
        """Gives a query parameter that is `true` or `false` in any case, false by default.

        Raises:
            AdtError: InvalidArgument for anything else.
        """
        value = self.parameter(name)
        if value is None or value.lower() == "false":
            return False
        if value.lower() == "true":
            return True
        raise errors.invalid_argument(f"The query parameter {name} must be true or false, and not {value!r}.")
