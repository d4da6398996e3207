"""localtwins: an embedded service that answers as Azure Digital Twins does.

The names below are imported when they are asked for, so that `localtwins.dtdl` needs the standard library alone, and
the command line can say what is not installed.
"""

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from localtwins.message import Request, Response
    from localtwins.service import LocalTwins
    from localtwins.settings import Settings
    from twinfront_program.startup_error import StartupError

__all__ = ["LocalTwins", "Request", "Response", "Settings", "StartupError"]

_MODULES: Final = {
    "LocalTwins": "localtwins.service",
    "Request": "localtwins.message",
    "Response": "localtwins.message",
    "Settings": "localtwins.settings",
    "StartupError": "twinfront_program.startup_error",
}


def __getattr__(name: str) -> Any:
    """Imports the module of a name that is asked for the first time."""
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(module), name)
