"""The start of a server, whose cost is nearly all that of loading what it consists of."""

import gc
import os
import sys
from typing import Final

_LEFT_OUT: Final = ("rich",)
"""structlog would load rich, which takes longer than itself, for tracebacks that are not shown here."""

_NO_PLUGINS: Final = "PYDANTIC_DISABLE_PLUGINS"
"""pydantic would read what each installed package announces, in search of plugins that change how a policy is read."""


def begin_start() -> None:
    """Makes loading cheap, for a process that goes on to serve; to be called before anything else is imported.

    What is loaded stays, so all that walks it in search of garbage finds nothing.
    """
    gc.disable()
    os.environ.setdefault(_NO_PLUGINS, "1")
    for name in _LEFT_OUT:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # stands for a module that is not there


def end_start() -> None:
    """Looks for garbage again, but not among what has been loaded."""
    gc.freeze()
    gc.enable()
