"""`localtwins export` and `localtwins import`: a whole graph between a data directory and a file."""

import asyncio
import sys
import uuid
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO, Final

from localtwins.errors import JobError
from localtwins.jobs.exporting import export_lines
from localtwins.jobs.import_format import FormatLimits, Section, read_batches
from localtwins.jobs.job import IMPORT
from localtwins.jobs.rows import RowError, check_models, import_batch
from localtwins.jobs.told_changes import tell_abandoned, tell_end
from localtwins.settings import Settings
from localtwins.store.change_appending import KEEP_ALL
from localtwins.store.database import Database
from localtwins.store.snapshot import open_snapshot
from twinfront_program.startup_error import StartupError

STANDARD_STREAM: Final = "-"
_CHUNK: Final = 1 << 20
_BUFFER: Final = 1 << 20
BATCH_ROWS: Final = 1024
"""More than in a job: nobody else waits to write, and three of four commits are saved."""


def export_graph(settings: Settings, file: str) -> None:
    """Writes the graph in the data directory to a file, or to standard output for `-`.

    It is one state of the graph, even while a service writes to it. The file appears when it is complete.

    Raises:
        StartupError: the database cannot be read, or the file cannot be written.
    """
    with open_snapshot(Path(settings.data_dir)) as snapshot:
        lines = export_lines(snapshot)
        try:
            if file == STANDARD_STREAM:
                sys.stdout.buffer.writelines(lines)
                sys.stdout.buffer.flush()
            else:
                _write_whole(Path(file), lines)
        except OSError as error:
            name = "Standard output" if file == STANDARD_STREAM else file
            raise StartupError(f"{name} cannot be written: {error.strerror or error}.") from error


def _write_whole(file: Path, lines: Iterator[bytes]) -> None:
    unfinished = file.with_name(f"{file.name}.unfinished")
    try:
        with unfinished.open("wb", buffering=_BUFFER) as out:
            out.writelines(lines)
        unfinished.replace(file)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


async def import_graph(settings: Settings, file: str, announce: Callable[[str], None]) -> bool:
    """Imports a file, or standard input for `-`, into the data directory, and tells whether every row was taken.

    Args:
        settings: name the data directory.
        file: the file.
        announce: gets a line for each row that was refused, for what stopped the import, and for the outcome.

    Raises:
        StartupError: the file cannot be read, or the database cannot be opened.
    """
    try:
        source = sys.stdin.buffer if file == STANDARD_STREAM else Path(file).open("rb")  # noqa: ASYNC230, SIM115  (nothing else runs; closed below)
    except OSError as error:
        raise StartupError(f"{file} cannot be read: {error.strerror or error}.") from error
    with source:
        database = Database.open(settings.data_dir, retention=KEEP_ALL)
        try:
            await database.write(tell_abandoned)
            return await _import(database, settings, source, announce)
        finally:
            await database.close()


async def _import(database: Database, settings: Settings, source: IO[bytes], announce: Callable[[str], None]) -> bool:
    taken: Counter[Section] = Counter()
    refused = 0
    stopped: JobError | None = None
    limits = replace(FormatLimits.of(settings), batch_rows=BATCH_ROWS)
    job_id = str(uuid.uuid4())
    try:
        async with (
            aclosing(_chunks(source)) as chunks,
            aclosing(read_batches(chunks, limits)) as batches,
        ):
            async for batch in batches:
                checked = None
                if batch.section is Section.MODELS:
                    with database.reading() as read:
                        checked = check_models(read, batch)
                importing = partial(import_batch, settings=settings, batch=batch, job_id=job_id, checked=checked)
                errors = await database.write(importing)
                for error in errors:
                    announce(_told(error))
                taken[batch.section] += len(batch.rows) - len(errors)
                refused += len(errors)
    except JobError as error:
        stopped = error
        announce(f"{error.code}: {error.message}")
    await database.write(partial(tell_end, kind=IMPORT, job_id=job_id))
    outcome = (
        f"{taken[Section.MODELS]} models, {taken[Section.TWINS]} digital twins and "
        f"{taken[Section.RELATIONSHIPS]} relationships imported, {refused} rows refused"
    )
    announce(outcome if stopped is None else f"{outcome}; the import stopped before the end of the file")
    return stopped is None and not refused


def _told(refused: RowError) -> str:
    ids = " ".join(f"{name}={value}" for name, value in refused.ids.items())
    return f"line {refused.line}: {ids + ': ' if ids else ''}{refused.error.code}: {refused.reason}"


async def _chunks(source: IO[bytes]) -> AsyncGenerator[bytes]:
    while chunk := await asyncio.to_thread(source.read, _CHUNK):
        yield chunk
