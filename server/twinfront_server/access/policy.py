"""Opens the policy that the settings name."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from twinfront_program.log import Log
from twinfront_server.access.grants import Policy, RolesByClaim
from twinfront_server.background import running
from twinfront_server.metrics import Metrics
from twinfront_server.settings import Settings

if TYPE_CHECKING:
    from twinfront_server.access.policy_file import FindUnknown


@asynccontextmanager
async def open_policy(
    settings: Settings, find_unknown: "FindUnknown", metrics: Metrics, log: Log
) -> AsyncIterator[Policy]:
    """Opens the policy of the settings; while it is open, its file is followed.

    Raises:
        StartupError: the file cannot be used.
    """
    if settings.policy is None:
        yield RolesByClaim()
        return
    from twinfront_server.access.policy_file import PolicyFile  # noqa: PLC0415  (what reads YAML loads slowly)

    policy = PolicyFile(Path(settings.policy), settings.auth_kinds, find_unknown, metrics, log)
    await policy.load()
    async with running(policy.follow()):
        yield policy
