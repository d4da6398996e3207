"""Findings of the doctor, by what was looked at."""

from twinfront_server.doctor.examination import examine
from twinfront_server.doctor.finding import Finding
from twinfront_server.settings import Settings


async def found(settings: Settings, check: str) -> Finding:
    [finding] = [finding for finding in await examine(settings) if finding.check == check]
    return finding


async def failure(settings: Settings) -> Finding:
    """The one thing that is found to be wrong."""
    [finding] = [finding for finding in await examine(settings) if finding.state != "ok"]
    assert finding.advice
    return finding
