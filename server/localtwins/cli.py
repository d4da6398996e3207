"""The command line: `localtwins serve` and `localtwins version`."""

import argparse
import asyncio
import importlib.metadata
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

from pydantic import ValidationError

from localtwins.errors import StartupError
from localtwins.http_server import serve
from localtwins.settings import REPEATABLE, Settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and give its exit status: 0, 1 if the service cannot start, 2 for a wrong command line."""
    parser = argparse.ArgumentParser(prog="localtwins", description="Azure Digital Twins on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    serving = commands.add_parser("serve", help="serve the REST API until SIGTERM or Ctrl-C")
    _add_settings(serving)
    commands.add_parser("version", help="print the version")
    given = vars(parser.parse_args(arguments))
    if given.pop("command") == "version":
        print(importlib.metadata.version("twinfront"))
        return 0
    try:
        asyncio.run(serve(_settings(given), partial(print, flush=True)))
    except StartupError as error:
        print(f"localtwins: {error}", file=sys.stderr)
        return 1
    return 0


def _add_settings(parser: argparse.ArgumentParser) -> None:
    for name, field in Settings.model_fields.items():
        flag = f"--{name.replace('_', '-')}"
        text = f"{field.description} (LOCALTWINS_{name.upper()})"
        if field.annotation is bool:
            parser.add_argument(flag, action="store_true", default=argparse.SUPPRESS, help=text)
        elif name in REPEATABLE:
            parser.add_argument(flag, action="append", default=argparse.SUPPRESS, metavar="VALUE", help=text)
        else:
            shown = "" if field.default is None else f" [{field.default}]"
            parser.add_argument(flag, default=argparse.SUPPRESS, metavar="VALUE", help=text + shown)


def _settings(given: dict[str, Any]) -> Settings:
    try:
        return Settings(**given)
    except ValidationError as error:
        problems = [
            f"--{'-'.join(map(str, problem['loc'])).replace('_', '-')} {problem['input']!r}: {problem['msg']}"
            for problem in error.errors()
        ]
        raise StartupError("; ".join(problems)) from None
