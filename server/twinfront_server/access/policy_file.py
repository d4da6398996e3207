"""Follows a policy file: what lies there is in force, and what lay there before for as long as that cannot be used."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from pathlib import Path
from typing import Final, TypeAlias

from twinfront_program.log import Log
from twinfront_program.startup_error import StartupError
from twinfront_server.access.file_policy import FilePolicy
from twinfront_server.access.grants import Grant
from twinfront_server.access.policy_document import PolicyError, parse_policy
from twinfront_server.access.policy_text import parse_yaml, read_text
from twinfront_server.access.principal import Principal
from twinfront_server.metrics import Metrics

LOOK_SECONDS: Final = 2.0
"""How often it is looked whether the file changed."""

FindUnknown: TypeAlias = Callable[[Iterable[str]], Awaitable[str | None]]
"""Gives the first of some models that there is not; None if there are all, or if nobody can tell."""

_State: TypeAlias = tuple[int, int, int] | None


def read_policy(file: Path, kinds: Collection[str]) -> FilePolicy:
    """Reads a policy; whether its models exist is the upstream's to say.

    Args:
        file: where it lies.
        kinds: how callers are known.

    Raises:
        PolicyError: it cannot be used.
    """
    return FilePolicy(parse_policy(parse_yaml(read_text(file))), kinds)


class PolicyFile:
    """A policy that is the file's.

    Args:
        file: the file.
        kinds: how callers are known.
        find_unknown: finds models that there are not.
        metrics: counts what was read.
        log: where it is said that the policy changed, or could not.
    """

    def __init__(
        self,
        file: Path,
        kinds: Collection[str],
        find_unknown: FindUnknown,
        metrics: Metrics,
        log: Log,
    ) -> None:
        self._file = file
        self._kinds = kinds
        self._find_unknown = find_unknown
        self._log = log
        self._metrics = metrics
        self._seen: _State = None
        self._policy: FilePolicy

    def grant(self, principal: Principal) -> Grant:
        """Gives what the policy permits a principal."""
        return self._policy.grant(principal)

    async def load(self) -> None:
        """Reads the file for the first time.

        Raises:
            StartupError: it cannot be used.
        """
        self._seen = await asyncio.to_thread(self._state)
        try:
            self._policy = await self._read()
        except PolicyError as error:
            raise StartupError(f"--policy {self._file}: {error}") from None
        self._metrics.policy_read("applied")

    async def follow(self) -> None:
        """Reads the file anew whenever it changes, for ever, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            state = await asyncio.to_thread(self._state)
            if state != self._seen:
                self._seen = state
                await self._renew()

    async def _renew(self) -> None:
        try:
            self._policy = await self._read()
        except PolicyError as error:
            self._metrics.policy_read("refused")
            self._log.warning(
                "the policy cannot be used, the one of before stays", file=str(self._file), error=str(error)
            )
        else:
            self._metrics.policy_read("applied")
            self._log.info("the policy changed", file=str(self._file))

    async def _read(self) -> FilePolicy:
        policy = await asyncio.to_thread(read_policy, self._file, self._kinds)
        unknown = await self._find_unknown(policy.models)
        if unknown is not None:
            raise PolicyError(f"{policy.models[unknown]}: there is no model {unknown!r}")
        return policy

    def _state(self) -> _State:
        try:
            stat = self._file.stat()
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_ino, stat.st_size
