"""The command line: flags made from settings, and complaints in one line."""

import argparse
import sys
from collections.abc import Iterable
from typing import Any, Final, NoReturn

from twinfront_program.description import Description, by_group

USAGE_ERROR: Final = 2
"""The exit code of a program that is wrongly called."""


class Parser(argparse.ArgumentParser):
    """A parser that takes no abbreviations and complains in one line."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"allow_abbrev": False, **options})

    def error(self, message: str) -> NoReturn:
        """Complains in one line, where argparse prints the whole usage before it."""
        print(f"{self.prog}: {message} (see {self.prog} --help)", file=sys.stderr)  # noqa: T201  (a command line prints)
        raise SystemExit(USAGE_ERROR)


def add_settings(parser: argparse.ArgumentParser, settings: Iterable[Description]) -> None:
    """Adds the flags of settings, under their groups.

    What is given is left to `ProgramSettings.load` to check, which also knows the defaults: a flag that is not given is
    not among the options.
    """
    for name, described in by_group(settings).items():
        group = parser.add_argument_group(name)
        for each in described:
            default = f" [{each.default}]" if each.default else ""
            text = f"{each.help}{default} ({each.variable})".replace("%", "%%")
            options: dict[str, Any] = {"dest": each.name, "default": argparse.SUPPRESS, "help": text}
            if each.is_switch:
                group.add_argument(each.flag, action=argparse.BooleanOptionalAction, **options)
                continue
            options["metavar"] = "{" + ",".join(each.choices) + "}" if each.choices else each.takes
            group.add_argument(each.flag, action="append" if each.is_repeatable else "store", **options)
