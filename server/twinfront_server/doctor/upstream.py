"""Checks of the way to Azure Digital Twins: name, connection, TLS, clock, credential, roles."""

import asyncio
import base64
import os
import socket
import ssl
import time
import uuid
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import aiohttp
import orjson

from twinfront_program.startup_error import StartupError
from twinfront_server.doctor.finding import Finding
from twinfront_server.settings import Settings
from twinfront_server.upstream.sdk.answer_too_large import AnswerTooLargeError
from twinfront_server.upstream.sdk.authorities import authorities
from twinfront_server.upstream.sdk.bounded_answers import response_class
from twinfront_server.upstream.sdk.credential import SCOPE, default_credential

PATIENCE: Final = 10.0
"""Seconds for each step."""

AUDIENCES: Final = frozenset({"https://digitaltwins.azure.net", "0b07f429-9f4b-4714-9392-cc5e8e80c8b0"})
"""Audiences of a token for Azure Digital Twins: its URL, or its id in Microsoft Entra."""

_VERSION: Final = {"api-version": "2023-10-31"}
_SKEW_SECONDS: Final = 60.0
_OWNER: Final = "give the server's identity the role Azure Digital Twins Data Owner on this instance"
_PORTS: Final = {"http": 80, "https": 443}
_LARGEST_ANSWER: Final = 1 << 20


async def check_upstream(settings: Settings) -> list[Finding]:
    """Goes the way of a request, step by step, to where it ends."""
    if settings.upstream == "local":
        return [Finding("--upstream", "ok", "the embedded service, in this process")]
    url = urlsplit(settings.upstream)
    findings: list[Finding] = []
    if settings.upstream_use_env_proxy:
        findings.append(Finding("connection", "skipped", "goes through the proxy of the environment"))
    else:
        findings += await _connect(url, settings)
    if any(finding.state == "failed" for finding in findings):
        return findings
    token = ""
    if settings.upstream_credential == "default":
        finding, token = await _authenticate()
        findings.append(finding)
        if not token:
            return findings
    return findings + await _ask(settings, token)


async def _connect(url: SplitResult, settings: Settings) -> list[Finding]:
    host, port = url.hostname or "", url.port or _PORTS[url.scheme]
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(PATIENCE):
            found = await loop.getaddrinfo(host, port, type=1)
    except (OSError, TimeoutError) as error:
        text = f"the name {host} is not known: {_why(error)}"
        return [
            Finding("dns", "failed", text, "see whether --upstream is spelt as the portal has it, and the resolver")
        ]
    addresses = ", ".join(dict.fromkeys(str(each[4][0]) for each in found))
    findings = [Finding("dns", "ok", f"{host} is {addresses}")]
    try:
        async with asyncio.timeout(PATIENCE):
            _, writer = await asyncio.open_connection(host, port)
            writer.close()
    except (OSError, TimeoutError) as error:
        text = f"{host}:{port} cannot be connected to: {_why(error)}"
        advice = "see whether it runs, and whether a firewall, network policy or private endpoint is in the way"
        return [*findings, Finding("connection", "failed", text, advice)]
    findings.append(Finding("connection", "ok", f"{host}:{port} takes connections"))
    return findings if url.scheme == "http" else [*findings, await _greet(host, port, settings)]


async def _greet(host: str, port: int, settings: Settings) -> Finding:
    try:
        context = authorities("--upstream-ca", settings.upstream_ca)
        async with asyncio.timeout(PATIENCE):
            _, writer = await asyncio.open_connection(host, port, ssl=context or ssl.create_default_context())
            certificate = writer.get_extra_info("peercert") or {}
            writer.close()
    except StartupError as error:
        return Finding("tls", "failed", str(error), "give a PEM file with --upstream-ca")
    except ssl.SSLCertVerificationError as error:
        advice = (
            "if a proxy or localtwins ends TLS here, give its authority with --upstream-ca"
            if "expired" not in error.verify_message
            else "renew it; if it is not expired, this machine's clock is wrong"
        )
        return Finding("tls", "failed", f"the certificate is refused: {error.verify_message}", advice)
    except (OSError, TimeoutError) as error:
        reason = getattr(error, "reason", None) or _why(error)
        return Finding("tls", "failed", f"no TLS can be spoken: {reason}", "what listens there may speak plain HTTP")
    return Finding("tls", "ok", f"the certificate is trusted, until {certificate.get('notAfter', 'an unknown time')}")


def _why(error: Exception) -> str:
    """Gives the operating system's words, where it is its error, and not those of whoever passes it on."""
    if isinstance(error, OSError) and error.errno and not isinstance(error, socket.gaierror):
        return os.strerror(error.errno)
    return getattr(error, "strerror", None) or str(error) or "no answer in time"


async def _authenticate() -> tuple[Finding, str]:
    credential = default_credential()
    try:
        async with asyncio.timeout(PATIENCE):
            token = (await credential.get_token(SCOPE)).token
    except Exception as error:  # noqa: BLE001  (whatever keeps a credential from a token is told in its words)
        text = " ".join(str(error).split()) or "no answer in time"
        advice = "see whether the identity's variables or labels are there (docs/operations.md, docs/security.md)"
        return Finding("credential", "failed", f"no token can be had: {text}", advice), ""
    finally:
        await credential.close()
    claims = _claims(token)
    audience = str(claims.get("aud", "")).rstrip("/")
    name = claims.get("appid") or claims.get("azp") or claims.get("oid") or claims.get("sub") or "an unnamed identity"
    if claims and audience not in AUDIENCES:
        text = f"the token is for {audience!r} and not for Azure Digital Twins"
        return Finding("credential", "failed", text, f"what gives tokens has to be asked for {SCOPE}"), ""
    return Finding("credential", "ok", f"a token for {name}"), token


def _claims(token: str) -> dict[str, Any]:
    """Reads what a token says, unproved; nothing of one that is opaque."""
    try:
        body = token.split(".")[1]
        claims = orjson.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}


async def _ask(settings: Settings, token: str) -> list[Finding]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    session = aiohttp.ClientSession(
        headers=headers,
        timeout=aiohttp.ClientTimeout(total=PATIENCE),
        connector=aiohttp.TCPConnector(ssl=authorities("--upstream-ca", settings.upstream_ca) or True),
        trust_env=settings.upstream_use_env_proxy,
        response_class=response_class(_LARGEST_ANSWER),
    )
    async with session:
        try:
            models, one = f"{settings.upstream}/models", {"max-items-per-page": "1"}
            async with session.get(models, params=_VERSION, headers=one) as answer:
                read = _reading(answer, await answer.read())
                clock = _clock(answer.headers.get("Date"))
            if read.state == "failed":
                return [*clock, read]
            # Nobody has a twin of this id, so that nothing is deleted; who may not is told so all the same.
            nobody = f"{settings.upstream}/digitaltwins/twinfront-doctor-{uuid.uuid4()}"
            condition = {"If-Match": f'W/"{uuid.uuid4()}"'}
            async with session.delete(nobody, params=_VERSION, headers=condition) as answer:
                write = _writing(answer.status)
        except (aiohttp.ClientError, AnswerTooLargeError, TimeoutError) as error:
            text = f"no answer: {_why(error)}"
            return [Finding("reading", "failed", text, "see whether it runs, and what is between")]
    return [*clock, read, write]


def _clock(date: str | None) -> list[Finding]:
    try:
        ahead = time.time() - parsedate_to_datetime(date or "").timestamp()
    except ValueError:
        return []
    if abs(ahead) <= _SKEW_SECONDS:
        return [Finding("clock", "ok", "this machine and the upstream agree on the time")]
    text = f"this machine's clock is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} the upstream's"
    return [Finding("clock", "failed", text, "set it (NTP): tokens and certificates depend on it")]


def _reading(answer: aiohttp.ClientResponse, body: bytes) -> Finding:
    status = answer.status
    if status == 401:  # noqa: PLR2004  (a status)
        advice = "the token is not one of this instance's directory, or none was sent (--upstream-credential)"
        return Finding("reading", "failed", "the upstream does not take the credential (401)", advice)
    if status == 403:  # noqa: PLR2004  (a status)
        return Finding("reading", "failed", "the server's identity may not read (403)", _OWNER)
    try:
        page = orjson.loads(body)
    except ValueError:
        page = None
    if status >= 400 and isinstance(page, dict) and "error" in page:  # noqa: PLR2004  (the errors of HTTP begin here)
        return Finding("reading", "failed", f"the upstream answers {status}", "see the service's health, and try again")
    if status != 200 or not isinstance(page, dict) or "value" not in page:  # noqa: PLR2004  (a status)
        kind = answer.headers.get("Content-Type", "something unnamed")
        text = f"what answers is not Azure Digital Twins: {status}, {kind}"
        advice = "see whether --upstream is the instance's URL, and whether a proxy answers"
        return Finding("reading", "failed", text, advice)
    return Finding("reading", "ok", "models can be read")


def _writing(status: int) -> Finding:
    if status in {401, 403}:
        return Finding("writing", "warning", f"the server's identity may read and not write ({status})", _OWNER)
    if status in {404, 412}:
        return Finding("writing", "ok", "twins may be written")
    return Finding("writing", "warning", f"a write that changes nothing is answered with {status}", "try one")
