"""Runs jobs in the background, one at a time, and those that an earlier process left unfinished first."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from functools import partial
from typing import Final

from localtwins import errors
from localtwins.engine.clock import current_ticks
from localtwins.errors import JobError
from localtwins.jobs import delete_job, import_job
from localtwins.jobs.first_answer import FirstAnswer
from localtwins.jobs.import_run import run_import_job
from localtwins.jobs.job import IMPORT, DeleteJob, ImportJob, Job, Status
from localtwins.settings import Settings
from localtwins.store.database import Database
from localtwins.store.transaction import Transaction
from twinfront_program.log import library_logger

_log: Final = library_logger(__name__)
_SECONDS_BETWEEN_ATTEMPTS: Final = 5.0
_SECONDS_TO_END: Final = 3.0


class JobRunner:
    """Runs the job that the database says is not finished.

    All that is known of a job is in the database, so stopping a runner, or its process, only interrupts the job.
    """

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._task: asyncio.Task[None] | None = None
        self._running: str | None = None
        self._cancelling = asyncio.Event()
        self._first_answer = FirstAnswer()
        self._ended = asyncio.Event()

    def wake(self) -> None:
        """Sees to it that an unfinished job is being run."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run(), name="localtwins-jobs")

    def cancel(self) -> None:
        """Lets the import job that is running end at once if it is to be cancelled."""
        if self._running is None:
            return
        state = self._database.read.job(IMPORT, self._running, current_ticks())
        if state is not None and ImportJob.from_json(state).status is Status.CANCELLING:
            self._cancelling.set()

    async def make_room(self) -> None:
        """Ends a job whose blob does not answer, so that another can start; any other job keeps its place."""
        if self._running is None or not self._first_answer.ask_for_place():
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), _SECONDS_TO_END)

    async def stop(self) -> None:
        """Interrupts the job that is running; it goes on with the next start."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            try:
                unfinished = self._database.read.unfinished_job()
                if unfinished is None:
                    return
                await self._run_one(*unfinished)
            except sqlite3.Error as error:
                _log.warning("a job goes on after a storage error", in_s=_SECONDS_BETWEEN_ATTEMPTS, error=str(error))
                await asyncio.sleep(_SECONDS_BETWEEN_ATTEMPTS)

    async def _run_one(self, kind: str, state: bytes) -> None:
        job: Job
        finish: Callable[[Transaction, str, JobError], object]
        if kind == IMPORT:
            job, finish = ImportJob.from_json(state), import_job.finish
            running = self._run_import(job)
        else:
            job, finish = DeleteJob.from_json(state), delete_job.finish
            running = self._run_delete(job)
        try:
            await running
        except sqlite3.OperationalError:  # a full disk and the like; nothing is wrong with the job
            raise
        except Exception:  # noqa: BLE001  (a defect; the job ends all the same)
            _log.exception("a job met an unexpected error", kind=kind, job=job.id)
            await self._database.write(lambda tx: finish(tx, job.id, errors.job_internal_error()))

    async def _run_import(self, job: ImportJob) -> None:
        self._running = job.id
        self._cancelling.clear()
        self._first_answer.forget()
        self._ended.clear()
        self.cancel()
        try:
            await run_import_job(self._database, self._settings, job, self._cancelling, self._first_answer)
        finally:
            self._running = None
            self._ended.set()

    async def _run_delete(self, job: DeleteJob) -> None:
        advance = partial(delete_job.advance, job_id=job.id)
        while not job.status.finished:
            job = await self._database.write(advance)
