"""The service: one door, `handle`, for whoever carries the requests."""

import logging
import sqlite3
from pathlib import Path
from typing import Self

from localtwins import errors
from localtwins.message import Request, Response
from localtwins.rest.answers import error_answer, framework_error_answer
from localtwins.rest.call import Call
from localtwins.rest.routing import ROUTES, Router
from localtwins.settings import Settings
from localtwins.store.database import Database

_log = logging.getLogger(__name__)


class LocalTwins:
    """An Azure Digital Twins instance on SQLite.

    It belongs to the event loop that opened it: reads run in the loop, writes on a thread of their own.
    """

    def __init__(self, database: Database, settings: Settings) -> None:
        """Answer from an open database; see `open`."""
        self._database = database
        self._settings = settings
        self._router = Router(ROUTES)

    @classmethod
    async def open(cls, data_dir: str | Path, settings: Settings | None = None) -> Self:
        """Open the instance kept in `data_dir`, which is created if need be; `:memory:` keeps nothing.

        Raises StartupError.
        """
        return cls(Database.open(data_dir), settings or Settings())

    async def close(self) -> None:
        """Finish what is being written and close the database."""
        await self._database.close()

    async def handle(self, request: Request) -> Response:
        """Answer a request. A write is on disk when its answer comes. Raises nothing but cancellation."""
        call: Call | None = None
        try:
            found = self._router.find(request.path)
            if found is None:
                return Response(404, {})
            methods, ids = found
            handler = methods.get(request.method)
            if handler is None:
                return Response(405, {"Allow": ", ".join(methods)})
            call = Call.begin(request, self._database, self._settings)
            return await handler(call, *ids)
        except errors.AdtError as error:
            failure = error
        except errors.FrameworkError as error:
            return framework_error_answer(error)
        except sqlite3.Error as error:
            _log.exception("%s %s met a storage error", request.method, request.path)
            failure = errors.storage_unavailable(str(error))
        except Exception:  # noqa: BLE001 - a defect; the caller gets an answer all the same
            _log.exception("%s %s met an unexpected error", request.method, request.path)
            failure = errors.internal_error()
        return error_answer(failure, call.api_version if call else "")
