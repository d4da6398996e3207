"""SIGHUP: a terminal was closed; or somebody tells a server that has none that its files have changed."""

import sys
from collections.abc import Callable

from twinfront_program.log import Log


def on_hangup(stop: Callable[[], object], log: Log, told: str) -> Callable[[], None]:
    """Makes what SIGHUP does: stops a server whose terminal was closed, and of any other logs that it goes on.

    Args:
        stop: what any other signal to stop does.
        log: where it is said.
        told: that it changes nothing, and why.
    """

    def hung_up() -> None:
        if sys.stdin is not None and sys.stdin.isatty():
            stop()
        else:
            log.info(told)

    return hung_up
