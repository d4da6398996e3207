"""The limit of open files, of which every connection is one."""

import sys
from typing import Final

from twinfront_program.startup_error import StartupError

_LEAST: Final = 64
"""A server without callers has some 30 open; with none left gRPC's core ends the process without a clear word."""


def raise_limit() -> None:
    """Raises the limit as far as the process may.

    Raises:
        StartupError: if that is too little to serve with.
    """
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415  (not on Windows)

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
        except (OSError, ValueError):  # macOS says "unlimited" and does not mean it
            pass
    if soft != resource.RLIM_INFINITY and soft < _LEAST:
        raise StartupError(f"{soft} files may be open (ulimit -n), and a server needs {_LEAST} or more")
