"""The command line: `localtwins serve`, `export`, `import` and `version`."""

import argparse
import asyncio
import importlib.metadata
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from localtwins.errors import StartupError
from localtwins.jobs.offline import export_graph, import_graph
from localtwins.serve import serve
from localtwins.settings import REPEATABLE, Settings, read_settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and gives its exit status.

    It is 0, 1 if the command cannot do all of its work, 2 for a wrong command line.
    """
    parser = argparse.ArgumentParser(prog="localtwins", description="Azure Digital Twins on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    serving = commands.add_parser("serve", help="serve the REST API until SIGTERM or Ctrl-C")
    _add_settings(serving, Settings.model_fields)
    exporting = commands.add_parser("export", help="write the graph in a data directory as a file of the import format")
    exporting.add_argument("file", metavar="FILE", help="file to write, or - for standard output")
    _add_settings(exporting, ["data_dir"])
    importing = commands.add_parser("import", help="add the graph in a file of the import format to a data directory")
    importing.add_argument("file", metavar="FILE", help="file to read, or - for standard input")
    _add_settings(importing, ["data_dir", *(name for name in Settings.model_fields if name.startswith("max_"))])
    commands.add_parser("version", help="print the version")
    given = vars(parser.parse_args(arguments))
    try:
        return _run(given.pop("command"), given.pop("file", ""), given)
    except StartupError as error:
        print(f"localtwins: {error}", file=sys.stderr)
        return 1


def _run(command: str, file: str, given: dict[str, Any]) -> int:
    if command == "version":
        print(importlib.metadata.version("twinfront"))
        return 0
    settings = read_settings(given)
    if command == "export":
        export_graph(settings, file)
        return 0
    if command == "import":
        return 0 if asyncio.run(import_graph(settings, file, partial(print, file=sys.stderr))) else 1
    asyncio.run(serve(settings, partial(print, flush=True), _log))
    return 0


def _log(line: str) -> None:
    """Writes a line about a request; one that cannot be written harms no request."""
    with suppress(OSError):
        print(line, file=sys.stderr, flush=True)


def _add_settings(parser: argparse.ArgumentParser, names: Iterable[str]) -> None:
    for name in names:
        field = Settings.model_fields[name]
        flag = f"--{name.replace('_', '-')}"
        text = f"{field.description} (LOCALTWINS_{name.upper()})"
        if field.annotation is bool:
            parser.add_argument(flag, action="store_true", default=argparse.SUPPRESS, help=text)
        elif name in REPEATABLE:
            parser.add_argument(flag, action="append", default=argparse.SUPPRESS, metavar="VALUE", help=text)
        else:
            shown = "" if field.default is None else f" [{field.default}]"
            parser.add_argument(flag, default=argparse.SUPPRESS, metavar="VALUE", help=text + shown)
