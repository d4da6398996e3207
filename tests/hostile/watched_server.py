"""A server whose event loop is watched: `python watched_server.py FILE serve …` appends how long each step held it.

It runs asyncio's own loop, whose steps can be told apart. What counts is the processor time of the loop's thread, which
other threads and other programs do not add to.
"""

import asyncio
import sys
import time
from asyncio import events
from pathlib import Path
from unittest.mock import patch

from twinfront_server import cli, serve

NOTED_SECONDS = 0.005


def main(file: str, *arguments: str) -> int:
    run = events.Handle._run
    with Path(file).open("w", buffering=1) as held:

        def timed(handle: events.Handle) -> None:
            began = time.thread_time()
            run(handle)
            seconds = time.thread_time() - began
            if seconds > NOTED_SECONDS:
                held.write(f"{seconds}\n")

        with patch.object(events.Handle, "_run", timed), patch.object(serve, "new_event_loop", asyncio.new_event_loop):
            return cli.main(arguments)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
