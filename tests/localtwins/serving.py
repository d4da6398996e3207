"""`localtwins serve` as a process."""

import asyncio
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

# One line over HTTP; over HTTPS three more, which tell how to trust the certificate.
_READY = re.compile(r"serves (http://\S+)|serves (https://\S+)(?:.*\n){4}")


@dataclass
class Server:
    """A running server."""

    process: asyncio.subprocess.Process
    url: str
    announcement: str

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    async def stop(self, signum: int = signal.SIGTERM) -> int:
        """Send a signal and give the exit status."""
        self.process.send_signal(signum)
        return await asyncio.wait_for(self.process.wait(), 20)

    async def kill(self) -> None:
        """End it as a crash does."""
        self.process.kill()
        await self.process.wait()


async def start(
    *arguments: str,
    condition: Callable[[], object] | None = None,
    stdin: int = asyncio.subprocess.DEVNULL,
    stderr: int | None = None,
    **environment: str,
) -> Server:
    """Start a server on a free port, in a process for which `condition` is set first; it must come up."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "localtwins", "serve", "--listen", "127.0.0.1:0", *arguments),
        stdin=stdin,
        stdout=asyncio.subprocess.PIPE,
        stderr=stderr,
        env=os.environ | environment,
        preexec_fn=condition,
    )
    assert process.stdout
    announcement = ""
    while not (match := _READY.search(announcement)):
        line = await asyncio.wait_for(process.stdout.readline(), 20)
        assert line, f"the server did not start: {announcement}"
        announcement += line.decode()
    return Server(process, match[1] or match[2], announcement)


@asynccontextmanager
async def serving(*arguments: str, **environment: str) -> AsyncIterator[Server]:
    """A server for the time of a block; it must stop cleanly."""
    server = await start(*arguments, condition=None, stdin=asyncio.subprocess.DEVNULL, stderr=None, **environment)
    try:
        yield server
    finally:
        if server.process.returncode is None:
            assert await server.stop() == 0


async def refused(
    *arguments: str, condition: Callable[[], object] | None = None, **environment: str
) -> tuple[int, str]:
    """The exit status and the standard error of a server that does not start under `condition`."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "localtwins", "serve", "--listen", "127.0.0.1:0", *arguments),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | environment,
        preexec_fn=condition,
    )
    try:
        _, text = await asyncio.wait_for(process.communicate(), 20)
    finally:
        if process.returncode is None:
            process.kill()
    return process.returncode or 0, text.decode()


async def sourced(file: Path) -> dict[str, str]:
    """What a shell has in its environment once it has sourced a file."""
    command = f"set -eu; . {shlex.quote(str(file))}; env -0"
    shell = ["env", "-i", "sh", "-c", command]
    ended = await asyncio.to_thread(subprocess.run, shell, capture_output=True, text=True, check=True)
    every = dict(line.split("=", 1) for line in ended.stdout.split("\0") if line)
    return {name: value for name, value in every.items() if name not in {"PWD", "SHLVL", "_"}}
