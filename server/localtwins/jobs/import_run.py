"""Runs an import job from where it stands: input blob → batches → transactions, and its log → output blob.

The input is read twice: nothing of a file that is not in the format is imported.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any, Final, TypeVar

from localtwins import errors
from localtwins.errors import AdtError, JobError
from localtwins.jobs import import_job
from localtwins.jobs.blobs import Blob, open_blob, shown
from localtwins.jobs.first_answer import FirstAnswer
from localtwins.jobs.import_format import BATCH_ROWS, START, Batch, FormatLimits, Section, read_batches
from localtwins.jobs.import_job import Flushed
from localtwins.jobs.job import ImportJob, Status
from localtwins.jobs.row_form import check_form
from localtwins.jobs.rows import check_models
from localtwins.operations.models import CHECKING_SECONDS, CheckedModels, ModelsChangedError
from localtwins.settings import Settings
from localtwins.store.database import Database
from localtwins.workers import LOOP_SECONDS, Workers

_LOG_LINES: Final = 4 * BATCH_ROWS
"""More than one step logs, so that lines that have to be written again are never cut into other pieces than before."""
_CANCELLING_SECONDS: Final = 3.0
"""How long the output blob may take once its job is to be cancelled: no other job can start meanwhile."""
_CHECKS: Final = 5
"""How often models are checked while others change those that they build on."""

T = TypeVar("T")


async def run_import_job(
    database: Database, settings: Settings, job: ImportJob, cancelling: asyncio.Event, first_answer: FirstAnswer
) -> None:
    """Brings a job to its end, at once when `cancelling` is set.

    Raises:
        sqlite3.Error: the database cannot be written; the job can be run again then.
    """
    unwritable: JobError | None = None
    try:
        async with open_blob(job.output_uri, settings) as output:
            run = _ImportRun(database, settings, job, output, cancelling, first_answer)
            if job.outcome is None:
                await run.conclude(await run.import_rows())
            await run.flush()
    except (_OutputError, _CancelledJobError, OSError, AdtError):
        unwritable = errors.output_blob_unwritable()
    await database.write(lambda tx: import_job.finish(tx, job.id, unwritable))


class _OutputError(Exception):
    """Tells that the output blob cannot be written; apart from OSError, which may be the input's."""


class _CancelledJobError(Exception):
    """Ends the wait for a blob: the job is to be cancelled."""


class _ImportRun:
    """Runs a job once; a job that was interrupted has several runs."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        job: ImportJob,
        output: Blob,
        cancelling: asyncio.Event,
        first_answer: FirstAnswer,
    ) -> None:
        self._database = database
        self._settings = settings
        self._job = job
        self._output = output
        self._cancelling = cancelling
        self._first_answer = first_answer
        self._flushed = Flushed(job.log_bytes)
        # The section of the last batch that was read; the job itself knows only that of the last one imported.
        self._section: Section | None = job.position.section

    async def import_rows(self) -> JobError | None:
        """Imports until the input ends or the job is to be cancelled, and gives the error that stopped it otherwise."""
        if self._job.status is Status.CANCELLING:
            return None
        try:
            async with open_blob(self._job.input_uri, self._settings) as blob:
                await self._read(blob)
        except _CancelledJobError:
            return None
        except JobError as error:
            return error
        except (OSError, AdtError) as error:
            return errors.input_blob_unreadable(_reason(error, self._job.input_uri))
        return None

    async def conclude(self, error: JobError | None) -> None:
        """Decides how the job ends."""
        flushed, section = self._flushed, self._section
        await self._database.write(lambda tx: import_job.conclude(tx, self._job.id, flushed, error, section))

    async def flush(self) -> None:
        """Writes the lines of the log that are not in the output blob yet.

        Raises:
            _OutputError: the blob cannot be written.
            _CancelledJobError: the job is to be cancelled and the blob takes long.
        """
        while lines := self._database.read.job_log(self._flushed.position, _LOG_LINES):
            data = b"".join(line for _, line in lines)
            appending = self._output.append(data, self._flushed.log_bytes)
            if self._flushed.log_bytes == 0:
                appending = self._first_answer.wait(appending)
            try:
                await self._unless_cancelled(appending, grace=_CANCELLING_SECONDS)
            except OSError as error:
                raise _OutputError from error
            self._flushed = Flushed(self._flushed.log_bytes + len(data), lines[-1][0])

    async def _read(self, blob: Blob) -> None:
        version = await self._unless_cancelled(self._first_answer.wait(blob.version()))
        self._job = await self._database.write(lambda tx: import_job.begin(tx, self._job.id, version))
        await self.flush()
        if self._job.position == START:
            async with self._batches(blob, version) as batches:
                async for batch in batches:
                    await asyncio.to_thread(check_form, batch)
        async with self._batches(blob, version) as batches:
            async for batch in batches:
                await self._import(batch)
                if self._job.status is Status.CANCELLING:
                    return

    @asynccontextmanager
    async def _batches(self, blob: Blob, version: str) -> AsyncIterator[AsyncGenerator[Batch]]:
        """Gives the rest of the input."""
        position = self._job.position
        async with (
            aclosing(blob.chunks(position.offset, version)) as chunks,
            aclosing(self._until_cancelled(chunks)) as chunks_until_cancelled,
            aclosing(read_batches(chunks_until_cancelled, FormatLimits.of(self._settings), position)) as batches,
        ):
            yield batches

    async def _until_cancelled(self, chunks: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
        while (chunk := await self._unless_cancelled(_next(chunks))) is not None:
            yield chunk

    async def _unless_cancelled(self, working: Coroutine[Any, Any, T], *, grace: float = 0) -> T:
        """Waits for a blob.

        Raises:
            _CancelledJobError: the job is to be cancelled, since `grace` seconds ago.
        """
        task = asyncio.ensure_future(working)
        cancelling = asyncio.ensure_future(self._cancelling.wait())
        try:
            await asyncio.wait({task, cancelling}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                await asyncio.wait({task}, timeout=grace)
            if not task.done():
                raise _CancelledJobError
            return task.result()
        finally:
            cancelling.cancel()
            task.cancel()
            await asyncio.wait({task, cancelling})

    async def _import(self, batch: Batch) -> None:
        self._section = batch.section
        for _ in range(_CHECKS):
            checked = await self._checked(batch) if batch.section is Section.MODELS else None
            with suppress(ModelsChangedError):
                await self._advance(batch, checked)
                await self.flush()
                return
        raise errors.models_not_imported(errors.models_change(), "")

    async def _advance(self, batch: Batch, checked: CheckedModels | None) -> None:
        settings, job_id, flushed = self._settings, self._job.id, self._flushed
        self._job = await self._database.write(
            lambda tx: import_job.advance(tx, settings, job_id, batch, flushed, checked)
        )

    async def _checked(self, batch: Batch) -> CheckedModels:
        def on_worker() -> CheckedModels:
            with self._database.reading() as read:
                return check_models(read, batch)

        size = sum(len(row.text) for row in batch.rows)
        workers = Workers()  # of the run's own: a job may have thousands of models, and requests do not wait for it
        try:
            return await self._unless_cancelled(workers.run(on_worker, expected=size * CHECKING_SECONDS + LOOP_SECONDS))
        finally:
            workers.close()


async def _next(chunks: AsyncGenerator[bytes]) -> bytes | None:
    return await anext(chunks, None)


def _reason(error: OSError | AdtError, uri: str) -> str:
    """Tells why a blob cannot be read, by its URI and never by a path of this machine."""
    if isinstance(error, AdtError):
        return error.message
    return f"{shown(uri)}: {error.strerror or error}"
