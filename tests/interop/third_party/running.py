"""The tools, run to their end."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.rpc.serving import process

_SECONDS = 60


def run(command: Sequence[str | Path], stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Runs a tool; how it ended is for the test to judge."""
    return subprocess.run(
        command,
        # A proxy that this shell is set to use knows no way to this machine.
        env=process.environment(no_proxy="127.0.0.1,localhost"),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )


def documents(text: str) -> Iterator[Any]:
    """The JSON documents in what a tool printed, one after the other."""
    decoder = json.JSONDecoder()
    while text := text.lstrip():
        document, end = decoder.raw_decode(text)
        yield document
        text = text[end:]
