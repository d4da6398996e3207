"""Check of the source of changes."""

import asyncio
from typing import Final

from twinfront_program.startup_error import StartupError
from twinfront_server.doctor.finding import Finding
from twinfront_server.errors import TwinfrontError
from twinfront_server.settings import Settings
from twinfront_server.upstream.changes.opening import open_log

_PATIENCE: Final = 20.0


async def check_changes(settings: Settings) -> list[Finding]:
    """Asks the source of changes how far it reaches."""
    if settings.changes is None:
        return []
    try:
        log = open_log(settings)
    except StartupError as error:
        return [Finding("--changes", "failed", str(error), "without it the server does not start")]
    try:
        async with asyncio.timeout(_PATIENCE):
            bounds = await log.bounds()
    except (TwinfrontError, TimeoutError) as error:
        cause = f" ({error.__cause__})" if error.__cause__ is not None else ""
        advice = "see whether it runs, can be reached from here, has this name, and lets this server read"
        text = f"{settings.changes}: {str(error) or 'no answer'}{cause}"
        return [Finding("--changes", "failed", text, advice)]
    finally:
        await log.close()
    held = sum(each.end - each.first for each in bounds.values())
    return [Finding("--changes", "ok", f"{settings.changes} answers: {len(bounds)} partitions, {held} messages")]
