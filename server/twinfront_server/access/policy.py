"""Opens the policies that the settings name: the file, and the policy system that is asked besides."""

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
    from twinfront_server.access.authorizer import Authorizer
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


@asynccontextmanager
async def open_authorizer(settings: Settings, metrics: Metrics) -> "AsyncIterator[Authorizer | None]":
    """Opens what asks the policy system of the settings; None without one. Whether it answers is not waited for.

    Raises:
        StartupError: what it takes to ask cannot be read.
    """
    if settings.authorize is None:
        yield None
        return
    from twinfront_server.access.external_authorization import asking  # noqa: PLC0415  (as above)

    async with asking(settings, metrics) as authorizer:
        yield authorizer
