"""`twinfront export`."""

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

import shtab
from rich.progress import DownloadColumn, Progress, SpinnerColumn, TimeElapsedColumn, TransferSpeedColumn

from twinfront._cli.connection import add_connection_arguments, connect
from twinfront._cli.output import errors

EXAMPLES: Final = (
    "twinfront export --file building.ndjson",
    "twinfront export --no-models --query \"SELECT * FROM digitaltwins T WHERE STARTSWITH(T.\\$dtId, 'room')\"",
)


def add_arguments(parser: ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument(
        "-f", "--file", metavar="FILE", help="The file to write, there once it is whole; stdout if not given."
    ).complete = shtab.FILE  # type: ignore[attr-defined]  # read by shtab
    parser.add_argument(
        "--query", metavar="QUERY", help="Only the twins that it answers, and the relationships between them."
    )
    parser.add_argument("--no-models", action="store_true", help="Leave out the models.")
    add_connection_arguments(parser)


def run(options: Namespace) -> int:
    """Writes what comes as it comes."""
    with connect(options) as client:
        chunks = client.export_graph_text(options.query, exclude_models=options.no_models, timeout=options.timeout)
        if options.file is None:
            for chunk in chunks:
                sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()
        else:
            _write(Path(options.file), chunks)
    return 0


def _write(path: Path, chunks: Iterator[bytes]) -> None:
    """Writes beside the file and then in its place, so that an export that fails leaves the last one."""
    columns = (SpinnerColumn(), DownloadColumn(), TransferSpeedColumn(), TimeElapsedColumn())
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            with Progress(*columns, console=errors(), disable=not sys.stderr.isatty()) as progress:
                task = progress.add_task(path.name, total=None)
                for chunk in chunks:
                    file.write(chunk)
                    progress.advance(task, len(chunk))
            file.flush()
            _replace(Path(file.name), path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def _replace(made: Path, path: Path) -> None:
    """Puts the file in its place with the permissions of a new file, which a temporary one does not have."""
    mask = os.umask(0)
    os.umask(mask)
    made.chmod(0o666 & ~mask)
    made.replace(path)
