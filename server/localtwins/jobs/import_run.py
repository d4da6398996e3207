"""Running an import job from where it stands: input blob → batches → transactions, and its log → output blob."""

from contextlib import aclosing

from localtwins import errors
from localtwins.errors import AdtError, JobError
from localtwins.jobs import import_job
from localtwins.jobs.blobs import Blob, open_blob
from localtwins.jobs.import_format import BATCH_ROWS, Batch, FormatLimits, Section, read_batches
from localtwins.jobs.import_job import Flushed
from localtwins.jobs.job import ImportJob, Status
from localtwins.settings import Settings
from localtwins.store.database import Database

# More than one step logs, so that what a run may have to write again is never cut into other pieces than before.
_LOG_LINES = 4 * BATCH_ROWS


async def run_import_job(database: Database, settings: Settings, job: ImportJob) -> None:
    """Bring a job to its end. Raises sqlite3.Error if the database cannot be written; the job can be run again then."""
    unwritable: JobError | None = None
    try:
        async with open_blob(job.output_uri, settings) as output:
            run = _ImportRun(database, settings, job, output)
            if job.outcome is None:
                await run.conclude(await run.import_rows())
            await run.flush()
    except (_OutputError, OSError, AdtError):
        unwritable = errors.output_blob_unwritable()
    await database.write(lambda tx: import_job.finish(tx, job.id, unwritable))


class _OutputError(Exception):
    """The output blob cannot be written; apart from OSError, which may be the input's."""


class _ImportRun:
    """One run of a job; a job that was interrupted has several."""

    def __init__(self, database: Database, settings: Settings, job: ImportJob, output: Blob) -> None:
        self._database = database
        self._settings = settings
        self._job = job
        self._output = output
        self._flushed = Flushed(job.log_bytes)
        # The section of the last batch that was read; the job itself knows only that of the last one imported.
        self._section: Section | None = job.position.section

    async def import_rows(self) -> JobError | None:
        """Import until the input ends or the job is to be cancelled, and give what stopped it otherwise."""
        if self._job.status is Status.CANCELLING:
            return None
        try:
            async with open_blob(self._job.input_uri, self._settings) as blob:
                await self._read(blob)
        except JobError as error:
            return error
        except (OSError, AdtError) as error:
            return errors.input_blob_unreadable(error.message if isinstance(error, AdtError) else str(error))
        return None

    async def conclude(self, error: JobError | None) -> None:
        """Decide how the job ends."""
        flushed, section = self._flushed, self._section
        await self._database.write(lambda tx: import_job.conclude(tx, self._job.id, flushed, error, section))

    async def flush(self) -> None:
        """Write the lines of the log that are not in the output blob yet. Raises _OutputError."""
        while lines := self._database.read.job_log(self._flushed.position, _LOG_LINES):
            data = b"".join(line for _, line in lines)
            try:
                await self._output.append(data, self._flushed.log_bytes)
            except OSError as error:
                raise _OutputError from error
            self._flushed = Flushed(self._flushed.log_bytes + len(data), lines[-1][0])

    async def _read(self, blob: Blob) -> None:
        version = await blob.version()
        self._job = await self._database.write(lambda tx: import_job.begin(tx, self._job.id, version))
        await self.flush()
        position = self._job.position
        async with (
            aclosing(blob.chunks(position.offset, version)) as chunks,
            aclosing(read_batches(chunks, FormatLimits.of(self._settings), position)) as batches,
        ):
            async for batch in batches:
                await self._import(batch)
                if self._job.status is Status.CANCELLING:
                    return

    async def _import(self, batch: Batch) -> None:
        flushed, settings = self._flushed, self._settings
        self._section = batch.section
        self._job = await self._database.write(
            lambda tx: import_job.advance(tx, settings, self._job.id, batch, flushed)
        )
        await self.flush()
