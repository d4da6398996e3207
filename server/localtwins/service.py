"""The service: one door, `handle`, for everything that carries requests."""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

from localtwins import errors, limits
from localtwins.events.delivery import Delivery
from localtwins.events.endpoints import require_installed
from localtwins.faults import Faults, parse_faults
from localtwins.jobs.blobs import check_jobs_dir
from localtwins.jobs.runner import JobRunner
from localtwins.jobs.told_changes import tell_abandoned
from localtwins.memory import LARGE_BYTES, Trimming
from localtwins.message import REFUSES_WRITES, VALIDATE_ONLY, VALIDATED_ONLY, Request, Response
from localtwins.rate_limits import RateLimits
from localtwins.rest.answers import error_answer, framework_error_answer, throttled_answer
from localtwins.rest.call import Call
from localtwins.rest.routing import ROUTES, Route, Router
from localtwins.rest_api import Operation
from localtwins.settings import Settings
from localtwins.shown_target import shown_target
from localtwins.store.change_appending import Retention
from localtwins.store.change_log import ChangeLog
from localtwins.store.database import Database
from localtwins.store.transaction import Transaction
from localtwins.workers import Workers
from twinfront_program.log import library_logger

_log: Final = library_logger(__name__)
_NOT_SYNCED: Final = frozenset({sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC})


class LocalTwins:
    """An Azure Digital Twins instance on SQLite; see `open`.

    It belongs to the event loop that opened it: reads run in the loop, writes on a thread of their own.

    Attributes:
        changes: the log of changes, for whoever follows the graph.
    """

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self.changes = ChangeLog(database)
        self._router = Router(ROUTES)
        self._jobs = JobRunner(database, settings)
        self._workers = Workers()
        self._trimming = Trimming()
        self._delivery = Delivery(database, settings.endpoints, settings.event_source)
        self._rate_limits = RateLimits(settings) if settings.rate_limits else None
        self._faults: Faults | None = None
        self.inject(settings.inject or "", seed=settings.inject_seed)

    @classmethod
    async def open(cls, data_dir: str | Path, settings: Settings | None = None) -> Self:
        """Opens the instance kept in `data_dir`, which is created if need be; `:memory:` keeps nothing.

        Raises:
            StartupError: it cannot be opened.
        """
        settings = settings or Settings.load({})
        check_jobs_dir(settings)
        require_installed(settings.endpoints)
        database = Database.open(
            data_dir,
            retention=Retention(settings.max_changes, settings.max_change_bytes, settings.max_change_age),
            indexed=settings.index_properties,
            query_lag=settings.query_lag,
        )
        service = cls(database, settings)
        with suppress(sqlite3.Error):  # a full disk keeps nobody from reading; the first change does it then
            await database.write(_begin)
        service._delivery.start()
        service._jobs.wake()
        return service

    async def close(self) -> None:
        """Finishes the writes that have come and closes the database."""
        self.changes.close()
        await self._jobs.stop()
        await self._delivery.close()
        await asyncio.to_thread(self._workers.close)
        await self._trimming.stop()
        await self._database.close()

    def inject(self, faults: str, *, seed: int | None = None) -> None:
        """Puts faults in force in place of those that were.

        They are written as in the setting `inject`; an empty text stands for none. Requests that are under way keep the
        old ones.

        Raises:
            ValueError: tells what is wrong with the text.
        """
        parsed = parse_faults(faults)
        self._faults = Faults(parsed, seed) if parsed else None

    async def handle(self, request: Request) -> Response:
        """Answers a request. A write is on disk when its answer comes.

        A request with the header `localtwins-validate-only: true` is a dry run: it is answered as always, and what it
        would have changed is not.

        Raises:
            AnswerLostError: a fault that was asked for wants no answer. Nothing else is raised but cancellation.
        """
        if len(request.body) > LARGE_BYTES:
            self._trimming.soon()
        wanted = request.headers.get(VALIDATE_ONLY)
        if wanted in {None, "true"}:
            answer = await self._answer(request)
        else:
            answer = error_answer(errors.validate_only_invalid(wanted), "")
        if wanted is not None:
            answer.headers[VALIDATED_ONLY] = "true"
        if self._database.refuses_writes:
            answer.headers[REFUSES_WRITES] = "true"
        return answer

    def largest_body(self, method: str, path: str) -> int:
        """Gives how many bytes of a body are of any use to read: with one more it is refused."""
        try:
            found = self._router.find(path)
        except errors.AdtError:
            found = None
        route = found[0].get(method) if found else None
        return self._body_limit(route.operation) if route else 0

    def _body_limit(self, operation: Operation) -> int:
        return min(operation.body_bytes or self._settings.max_request_bytes, self._settings.max_request_bytes)

    def _check_body(self, request: Request, operation: Operation) -> None:
        limit = self._body_limit(operation)
        if len(request.body) <= limit:
            return
        if limit == self._settings.max_request_bytes:
            raise errors.body_too_large(limit)
        raise errors.limit_exceeded(f"The request body is larger than the {limit} bytes that it may have.")

    async def _answer(self, request: Request) -> Response:
        call: Call | None = None
        try:
            _check_lengths(request)
            found = self._router.find(request.path)
            if found is None:
                return Response(404, {})
            methods, ids = found
            route = methods.get(request.method)
            if route is None:
                return Response(405, {"Allow": ", ".join(methods)})
            self._check_body(request, route.operation)
            call = Call.begin(
                request,
                self._database,
                self._settings,
                self._jobs,
                self._workers,
                self.changes,
                versioned=not route.operation.own,
            )
            if self._rate_limits is None and self._faults is None:
                return await route.handler(call, *ids)
            return await self._handle_hampered(route, call, ids)
        # No error outlives its clause: one that a local variable keeps is in a ring with this frame, through its
        # traceback, and all that the request made stays in memory until the next full look for garbage.
        except errors.AdtError as error:
            return error_answer(error, call.api_version if call else "")
        except errors.ThrottledError as error:
            return throttled_answer(error)
        except errors.AnswerLostError:
            raise
        except errors.FrameworkError as error:
            return framework_error_answer(error)
        except sqlite3.Error as error:
            # One line each: on a full disk there are many, and a trace would say no more.
            _log.error("storage error", method=request.method, target=shown_target(request.path), error=str(error))
            failure = errors.storage_unavailable(str(error), unchanged=not _may_be_stored(error))
        except Exception:  # noqa: BLE001  (a defect; the caller gets an answer all the same)
            _log.exception("unexpected error", method=request.method, target=shown_target(request.path))
            failure = errors.internal_error()
        return error_answer(failure, call.api_version if call else "")

    async def _handle_hampered(self, route: Route, call: Call, ids: Sequence[str]) -> Response:
        """Answers within the rate limits, and with the faults that were asked for."""
        operation = route.operation
        if self._rate_limits is not None:
            self._rate_limits.admit(operation, call, ids)
        if self._faults is None:
            answer = await route.handler(call, *ids)
        else:
            async with self._faults.around(operation):
                answer = await route.handler(call, *ids)
        if self._rate_limits is not None:
            self._rate_limits.settle(operation, answer)
        return answer


def _begin(tx: Transaction) -> None:
    """Begins the part of the change log that is of this process."""
    tx.begin_changes()
    tell_abandoned(tx)


def _check_lengths(request: Request) -> None:
    """Refuses a path or a query that is too long to be looked at.

    Raises:
        AdtError: InvalidArgument.
    """
    if len(request.path) > limits.PATH_LENGTH:
        raise errors.invalid_argument(f"The path of the URL is longer than {limits.PATH_LENGTH} characters.")
    if len(request.query) > limits.QUERY_LENGTH:
        raise errors.invalid_argument(f"The query of the URL is longer than {limits.QUERY_LENGTH} characters.")


def _may_be_stored(error: sqlite3.Error) -> bool:
    """Tells whether a write may be found after a crash: it has reached the log, and perhaps the disk."""
    return getattr(error, "sqlite_errorcode", None) in _NOT_SYNCED
