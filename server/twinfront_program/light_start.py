"""The start of a server, whose cost is nearly all that of loading what it consists of."""

import gc
import importlib
import os
import sys
import threading
from typing import Final

_LEFT_OUT: Final = ("rich",)
"""structlog would load rich, which takes longer than itself, for tracebacks that are not shown here."""

_NO_PLUGINS: Final = "PYDANTIC_DISABLE_PLUGINS"
"""pydantic would read what each installed package announces, in search of plugins that change how a policy is read."""


_LATER: Final[list[str]] = []
"""The modules that are loaded when there is time."""

_QUIET_SECONDS: Final = 1.0
"""A server that has started answers first calls for so long before it loads what it left for later."""


def begin_start() -> None:
    """Makes loading cheap, for a process that goes on to serve; to be called before anything else is imported.

    What is loaded stays, so all that walks it in search of garbage finds nothing.
    """
    gc.disable()
    os.environ.setdefault(_NO_PLUGINS, "1")
    for name in _LEFT_OUT:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # stands for a module that is not there


def load_later(module: str) -> str:
    """Leaves a module for later, which a server starts without, and gives its name."""
    _LATER.append(module)
    return module


def end_start() -> None:
    """Looks for garbage again, but not among what has been loaded, and loads in a moment what was left for later."""
    gc.freeze()
    gc.enable()
    loading = threading.Timer(_QUIET_SECONDS, _load_the_rest)
    loading.daemon = True
    loading.start()


def _load_the_rest() -> None:
    for module in _LATER:
        importlib.import_module(module)
    gc.freeze()
