"""The command line: `localtwins serve`, `config`, `export`, `import` and `version`."""

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from localtwins.settings import Settings
from twinfront_program.arguments import USAGE_ERROR, Parser, add_settings
from twinfront_program.effective import add_output_argument, effective_settings
from twinfront_program.event_loop import new_event_loop
from twinfront_program.light_start import end_start
from twinfront_program.log import configure_logging, get_logger
from twinfront_program.startup_error import StartupError


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and gives its exit status.

    It is 0, 1 if the command cannot do all of its work, 2 for a wrong command line or variable.
    """
    given = vars(_parser().parse_args(arguments))
    command, file = given.pop("command"), given.pop("file", "")
    if command == "version":
        from importlib.metadata import version  # noqa: PLC0415  (only this command needs it)

        print(version("twinfront"))
        return 0
    try:
        if command == "config":
            return _show(given)
        settings = Settings.load(given)
    except StartupError as error:
        return _refused(command, error, USAGE_ERROR)
    configure_logging(settings.log_format, settings.log_level)
    try:
        return _run(command, file, settings)
    except StartupError as error:
        return _refused(command, error, 1)


def _parser() -> argparse.ArgumentParser:
    settings = Settings.describe()
    data_dir = [setting for setting in settings if setting.name == "data_dir"]
    limits = [setting for setting in settings if setting.name.startswith("max_")]
    parser = Parser(prog="localtwins", description="Azure Digital Twins on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    add_settings(commands.add_parser("serve", help="Serve the REST API until SIGTERM or Ctrl-C."), settings)
    showing = commands.add_parser("config", help="Show the settings that serve would have, and what each comes from.")
    add_output_argument(showing)
    add_settings(showing, settings)
    exporting = commands.add_parser("export", help="Write the graph in a data folder as a file of the import format.")
    exporting.add_argument("file", metavar="FILE", help="File to write, or - for standard output.")
    add_settings(exporting, data_dir)
    importing = commands.add_parser("import", help="Add the graph in a file of the import format to a data folder.")
    importing.add_argument("file", metavar="FILE", help="File to read, or - for standard input.")
    add_settings(importing, [*data_dir, *limits])
    commands.add_parser("version", help="Print the version.")
    return parser


def _run(command: str, file: str, settings: Settings) -> int:
    if command == "serve":
        from localtwins.serve import serve  # noqa: PLC0415  (only this command needs it)

        log = get_logger()
        for line in settings.unknown_variables():
            log.warning(line)
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(serve(settings, _announce, log))
        return 0
    from localtwins.jobs.offline import export_graph, import_graph  # noqa: PLC0415  (only these two need it)

    end_start()
    if command == "export":
        export_graph(settings, file)
        return 0
    return 0 if asyncio.run(import_graph(settings, file, partial(print, file=sys.stderr))) else 1


def _show(given: Mapping[str, Any]) -> int:
    for line in Settings.unknown_variables():
        print(f"localtwins config: {line}", file=sys.stderr)
    print(effective_settings(Settings, given))
    return 0


def _announce(text: str) -> None:
    """Tells what is ready, and at last that it stops."""
    end_start()
    print(text, flush=True)


def _refused(command: str, error: StartupError, exit_code: int) -> int:
    print(f"localtwins {command}: {error}", file=sys.stderr)
    return exit_code
