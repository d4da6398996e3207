"""All checks, one after the other."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Final

from twinfront_program.event_loop import new_event_loop
from twinfront_program.log import configure_logging
from twinfront_server.doctor.changes import check_changes
from twinfront_server.doctor.finding import Finding, as_json, as_text, is_healthy
from twinfront_server.doctor.machine import (
    check_authentication,
    check_authorizer,
    check_certificate,
    check_data,
    check_engine,
    check_outcomes,
    check_ports,
)
from twinfront_server.doctor.upstream import check_upstream
from twinfront_server.doctor.watched import check_audit_log, check_policy, check_proof, check_traces
from twinfront_server.settings import Settings

_AT_ONCE: Final[tuple[Callable[[Settings], list[Finding]], ...]] = (
    check_ports,
    check_engine,
    check_certificate,
    check_data,
    check_policy,
    check_audit_log,
    check_proof,
)
_ASKING: Final[tuple[Callable[[Settings], Awaitable[list[Finding]]], ...]] = (
    check_authentication,
    check_authorizer,
    check_outcomes,
    check_traces,
    check_upstream,
    check_changes,
)


async def examine(settings: Settings) -> list[Finding]:
    """Makes all checks that the settings give a reason for."""
    findings = [finding for check in _AT_ONCE for finding in check(settings)]
    for ask in _ASKING:
        findings += await ask(settings)
    return findings


def doctor(settings: Settings, output: str) -> int:
    """Prints what is found, as `text` or `json`, and returns the exit code: 1 if something failed."""
    configure_logging("console", "error")
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        findings = runner.run(examine(settings))
    print(as_json(findings) if output == "json" else as_text(findings), file=sys.stdout)  # noqa: T201  (for people)
    return 0 if is_healthy(findings) else 1
