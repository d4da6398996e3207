"""`localtwins serve --identity`, and programs that were written for Azure, run with the variables that it prints."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from ...localtwins.serving import sourced, start

# What else could tell a program who it is, or whom to trust.
_OTHERS = ("AZURE_", "IDENTITY_", "MSI_", "SSL_", "REQUESTS_", "CURL_CA_BUNDLE", "NODE_", "JAVA_", "JDK_JAVA_OPTIONS")
_PATIENCE = 110


@dataclass(frozen=True)
class Ended:
    """A program that has ended."""

    status: int
    output: str
    errors: str

    @property
    def lines(self) -> list[str]:
        return self.output.split()


@dataclass(frozen=True)
class Local:
    """A server, and what a shell in which its file was sourced has."""

    url: str
    variables: dict[str, str]
    log: Path
    folder: Path

    async def run(self, *command: str | Path, folder: Path | None = None, **more: str) -> Ended:
        """Runs a program as that shell would."""
        others = {name: value for name, value in os.environ.items() if not name.startswith(_OTHERS)}
        process = await asyncio.create_subprocess_exec(
            *map(str, command),
            cwd=folder or self.folder,
            env=others | {"HOME": str(self.folder)} | self.variables | more,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            output, errors = await asyncio.wait_for(process.communicate(), _PATIENCE)
        finally:
            if process.returncode is None:
                process.kill()
        return Ended(process.returncode or 0, output.decode(), errors.decode())

    def requests(self) -> list[tuple[str, str, int, str]]:
        """Method, path, status and error code of what was asked of it so far."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        asked = [line for line in lines if line["event"] == "request"]
        return [
            (line["method"], line["target"].partition("?")[0], line["status"], line.get("code", "")) for line in asked
        ]


@asynccontextmanager
async def serving_locally(folder: Path, *words: str) -> AsyncIterator[Local]:
    """A server with its log and its files in a folder."""
    variables, log = folder / "local.env", folder / "requests.log"
    options = ["--identity", "127.0.0.1:0", "--env-file", str(variables), "--log-requests", "all"]
    with log.open("wb") as stderr:
        server = await start("--data-dir", str(folder / "data"), *options, *words, stderr=stderr.fileno())
    try:
        yield Local(server.url, await sourced(variables), log, folder)
    finally:
        assert await server.stop() == 0
