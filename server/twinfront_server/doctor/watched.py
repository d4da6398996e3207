"""Checks of what the server keeps and tells: the policy that it follows, its audit log, its traces, its own proof."""

import asyncio
import os
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from twinfront_program.startup_error import StartupError
from twinfront_server.audit import NO_FILE, STDOUT
from twinfront_server.doctor.finding import Finding
from twinfront_server.settings import Settings

_COLLECTORS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PORTS: Final = {"http": 80, "https": 443}
_PATIENCE: Final = 10.0


def check_policy(settings: Settings) -> list[Finding]:
    """Reads the policy as the server does; whether its models exist is the upstream's to say."""
    if settings.policy is None:
        if settings.auth_kinds != {"mtls"} or settings.authorize is not None:
            return []
        text = "no caller may do anything: certificates name no roles"
        return [Finding("--policy", "warning", text, "give a --policy with roles for the names in certificates")]
    from twinfront_server.access.policy_document import PolicyError  # noqa: PLC0415  (what reads policies loads slowly)
    from twinfront_server.access.policy_file import read_policy  # noqa: PLC0415  (as above)

    try:
        read_policy(Path(settings.policy), settings.auth_kinds)
    except PolicyError as error:
        advice = "mend it; a running server goes on with the one of before, and none starts with it"
        return [Finding("--policy", "failed", f"{settings.policy}: {error}", advice)]
    return [Finding("--policy", "ok", f"{settings.policy} can be used")]


def check_audit_log(settings: Settings) -> list[Finding]:
    """Looks whether lines could be added, without making the file."""
    if settings.audit_log in {NO_FILE, STDOUT}:
        return []
    file = Path(settings.audit_log)
    place = file if file.exists() else file.absolute().parent
    if not place.exists():
        found = f"there is no folder {place}"
    elif file.is_dir():
        found = f"{file} is a folder"
    elif not os.access(place, os.W_OK):
        found = f"{place} may not be written to"
    else:
        return [Finding("--audit-log", "ok", f"{file} can be written to")]
    return [Finding("--audit-log", "failed", found, "give a file in a folder that the server's user may write to")]


def check_proof(settings: Settings) -> list[Finding]:
    """Looks for what proves to Entra ID who the server is, where callers' tokens are to be exchanged."""
    if settings.upstream_credential != "on-behalf-of":
        return []
    from twinfront_server.upstream.sdk.on_behalf_of import exchange_of  # noqa: PLC0415  (loads azure-identity)

    try:
        exchange_of(os.environ)
    except StartupError as error:
        return [Finding("credential", "failed", str(error), "set what is missing where the server runs")]
    return [Finding("credential", "ok", "there is what proves who the server is; no caller's token was exchanged")]


async def check_traces(_settings: Settings) -> list[Finding]:
    """Connects to the collector of traces that the standard variables name."""
    variable = next((name for name in _COLLECTORS if os.environ.get(name)), None)
    if variable is None:
        return []
    url = urlsplit(os.environ[variable])
    try:
        async with asyncio.timeout(_PATIENCE):
            _, writer = await asyncio.open_connection(url.hostname, url.port or _PORTS.get(url.scheme, 0))
        writer.close()
    except (OSError, ValueError, TimeoutError) as error:
        text = f"{variable}: {url.hostname} takes no connection: {str(error) or 'in time'}"
        return [Finding("traces", "warning", text, "without it the server serves, and its spans are lost")]
    return [Finding("traces", "ok", f"{url.hostname} takes connections ({variable})")]
