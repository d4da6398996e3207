"""Shows settings as they are in force, and what each comes from: for whoever wonders what a server would do."""

import argparse
import json
from collections.abc import Mapping
from typing import Any, Final

from twinfront_program.description import written
from twinfront_program.settings import ProgramSettings

HIDDEN: Final = "(hidden)"
"""Stands for the value of a secret that is set."""


def add_output_argument(parser: argparse.ArgumentParser) -> None:
    """Adds the choice of the form."""
    parser.add_argument("--output", choices=("table", "json"), default="table", help="Form of the output [table].")


def effective_settings(settings: type[ProgramSettings], options: Mapping[str, Any]) -> str:
    """Gives the settings that a server with the same flags and variables would have, as a table or JSON.

    Args:
        settings: the settings of the program.
        options: what the command line says: flags of settings, and `output`.

    Raises:
        StartupError: if one is not sound.
    """
    flags = {name: value for name, value in options.items() if name != "output"}
    loaded, origins = settings.load(flags), settings.origins(flags)
    rows = []
    for each in settings.describe():
        value = getattr(loaded, each.name)
        origin = origins[each.name]
        rows.append((each, HIDDEN if each.is_secret and origin != "default" else value, origin))
    if options["output"] == "json":
        shown = {
            each.name: {"value": value, "origin": origin, "flag": each.flag, "variable": each.variable}
            for each, value, origin in rows
        }
        return json.dumps(shown, indent=2, ensure_ascii=False)
    cells = [
        (
            each.flag,
            written(value, is_duration=each.takes == "TIME") or "-",
            each.variable if origin == "variable" else origin,
        )
        for each, value, origin in rows
    ]
    widths = [max(len(row[column]) for row in cells) for column in (0, 1)]
    return "\n".join(f"{flag:{widths[0]}}  {value:{widths[1]}}  {origin}" for flag, value, origin in cells)
