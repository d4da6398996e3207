"""The start of a server, whose cost is nearly all that of loading what it consists of."""

import gc
import sys
from typing import Final

_LEFT_OUT: Final = ("rich",)
"""structlog would load rich, which takes longer than itself, for tracebacks that are not shown here."""


def begin_start() -> None:
    """Makes loading cheap, for a process that goes on to serve; to be called before anything else is imported.

    What is loaded stays, so all that walks it in search of garbage finds nothing.
    """
    gc.disable()
    for name in _LEFT_OUT:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # stands for a module that is not there


def end_start() -> None:
    """Looks for garbage again, but not among what has been loaded."""
    gc.freeze()
    gc.enable()
