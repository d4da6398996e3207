"""`twinfront doctor`: each thing that can be wrong with an upstream, made wrong, is told in words with what to do."""

import asyncio
import base64
import json
import socket
import ssl
import time
from datetime import timedelta
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from tests.ports import reserved_port
from tests.rpc.serving.certificates import Authority
from tests.rpc.serving.process import run

from localtwins.http_server import HttpServer
from localtwins.service import LocalTwins
from localtwins.settings import Settings as LocalSettings
from twinfront_server.doctor.examination import examine
from twinfront_server.settings import Settings

from .examining import failure, found
from .fault_server import Answer, FaultServer, fault_server

EMPTY = Answer(200, {"value": [], "nextLink": None})
NO_TWIN = Answer(404, {"error": {"code": "DigitalTwinNotFound", "message": "No."}})
REFUSED = {"error": {"code": "Forbidden", "message": "No."}}


def settings_for(url: str, **fields: Any) -> Settings:
    serving = {"listen": "127.0.0.1:0", "metrics_listen": "none", "upstream_credential": "none"}
    return Settings.of(serving | {"upstream": url} | fields)


async def test_a_sound_localtwins_is_found_sound() -> None:
    local = LocalSettings(listen="127.0.0.1:0", shutdown_seconds=0)
    service = await LocalTwins.open(":memory:", local)
    server = HttpServer(service, local)
    await server.start()
    findings = await examine(settings_for(server.url))
    await server.stop()
    await service.close()
    assert {finding.state for finding in findings} == {"ok"}
    assert [finding.check for finding in findings][1:] == ["dns", "connection", "clock", "reading", "writing"]


async def test_a_name_that_nobody_has_is_not_known() -> None:
    finding = await failure(settings_for("https://nobody.invalid"))
    assert (finding.check, finding.state) == ("dns", "failed")
    assert "nobody.invalid" in finding.text


async def test_a_dead_port_cannot_be_connected_to() -> None:
    finding = await failure(settings_for(f"http://127.0.0.1:{reserved_port()}"))
    assert (finding.check, finding.text.rpartition(": ")[2]) == ("connection", "Connection refused")


def served_by(authority: Authority, days: int = 0) -> ssl.SSLContext:
    issued = authority.issue(valid_from=-timedelta(days=days, minutes=5))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.cert, issued.key)
    return context


async def test_a_trusted_certificate_is_trusted(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with fault_server(served_by(authority)) as upstream:
        finding = await found(settings_for(upstream.url, upstream_ca=str(authority.cert)), "tls")
    assert finding.state == "ok"


async def test_a_certificate_of_another_authority_is_refused(tmp_path: Path) -> None:
    other = Authority(tmp_path, "other")
    async with fault_server(served_by(Authority(tmp_path))) as upstream:
        finding = await failure(settings_for(upstream.url, upstream_ca=str(other.cert)))
    assert (finding.check, "--upstream-ca" in finding.advice) == ("tls", True)


async def test_an_expired_certificate_is_told_from_one_of_others(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with fault_server(served_by(authority, days=2)) as upstream:
        finding = await failure(settings_for(upstream.url, upstream_ca=str(authority.cert)))
    assert (finding.check, "expired" in finding.text, "clock" in finding.advice) == ("tls", True, True)


async def test_plain_http_where_tls_is_expected(upstream: FaultServer) -> None:
    finding = await failure(settings_for(upstream.url.replace("http:", "https:")))
    assert (finding.check, "plain HTTP" in finding.advice) == ("tls", True)


@pytest.mark.parametrize(
    ("answer", "said", "advised"),
    [
        (Answer(401, b""), "401", "--upstream-credential"),
        (Answer(403, REFUSED), "403", "Data Owner"),
        (Answer(200, b"<html>Sign in</html>", {"Content-Type": "text/html"}), "text/html", "--upstream"),
        (Answer(200, {"hello": "world"}), "not Azure Digital Twins", "--upstream"),
        (Answer(404, b"<html>", {"Content-Type": "text/html"}), "404, text/html", "--upstream"),
        (Answer(503, {"error": {"code": "Busy", "message": "No."}}), "503", "health"),
        (Answer(200, b"x" * (2 << 20)), "no answer", "between"),
        (Answer(breaks="after"), "no answer", "between"),
    ],
)
async def test_what_answers_otherwise_than_azure_digital_twins_is_told(
    upstream: FaultServer, answer: Answer, said: str, advised: str
) -> None:
    upstream.on("GET /models", answer)
    finding = await failure(settings_for(upstream.url))
    assert (finding.check, finding.state) == ("reading", "failed")
    assert said in finding.text
    assert advised in finding.advice


async def test_who_may_read_and_not_write_is_warned(upstream: FaultServer) -> None:
    upstream.on("GET /models", EMPTY)
    upstream.on("DELETE", Answer(403, REFUSED))
    finding = await failure(settings_for(upstream.url))
    assert (finding.check, finding.state, "Data Owner" in finding.advice) == ("writing", "warning", True)


@pytest.mark.parametrize(
    ("status", "state", "said"),
    [
        (401, "warning", "may read and not write (401)"),
        (404, "ok", "twins may be written"),
        (412, "ok", "twins may be written"),
        (500, "warning", "a write that changes nothing is answered with 500"),
    ],
)
async def test_the_answer_to_a_write_of_what_nobody_has_is_judged(
    upstream: FaultServer, status: int, state: str, said: str
) -> None:
    upstream.on("GET /models", EMPTY)
    upstream.on("DELETE", Answer(status, REFUSED))
    finding = await found(settings_for(upstream.url), "writing")
    assert (finding.state, said in finding.text) == (state, True)


async def test_writing_is_tried_on_what_nobody_has_under_an_etag_that_nobody_has(upstream: FaultServer) -> None:
    upstream.on("GET /models", EMPTY)
    upstream.on("DELETE", NO_TWIN)
    assert {finding.state for finding in await examine(settings_for(upstream.url))} == {"ok"}
    [write] = [request for request in upstream.requests if request.method != "GET"]
    assert write.target.startswith("/digitaltwins/twinfront-doctor-")
    assert write.headers["If-Match"].startswith('W/"')


@pytest.mark.parametrize("seconds", [-50, 0, 50])
async def test_a_clock_that_is_wrong_by_less_than_a_minute_is_no_trouble(upstream: FaultServer, seconds: int) -> None:
    upstream.on("GET /models", Answer(200, EMPTY.body, {"Date": formatdate(time.time() + seconds, usegmt=True)}))
    upstream.on("DELETE", NO_TWIN)
    assert (await found(settings_for(upstream.url), "clock")).state == "ok"


@pytest.mark.parametrize("date", ["", "yesterday"])
async def test_an_upstream_that_does_not_tell_the_time_leaves_the_clock_aside(upstream: FaultServer, date: str) -> None:
    upstream.on("GET /models", Answer(200, EMPTY.body, {"Date": date}))
    upstream.on("DELETE", NO_TWIN)
    findings = await examine(settings_for(upstream.url))
    assert "clock" not in {finding.check for finding in findings}
    assert {finding.state for finding in findings} == {"ok"}


@pytest.mark.parametrize(("seconds", "said"), [(3600, "behind"), (-3600, "ahead of")])
async def test_a_clock_that_is_wrong_is_told(upstream: FaultServer, seconds: int, said: str) -> None:
    upstream.on("GET /models", Answer(200, EMPTY.body, {"Date": formatdate(time.time() + seconds, usegmt=True)}))
    upstream.on("DELETE", NO_TWIN)
    finding = await failure(settings_for(upstream.url))
    assert (finding.check, said in finding.text) == ("clock", True)


async def test_a_credential_that_gives_no_token_is_told_in_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")
    authority = Authority(tmp_path)
    async with fault_server(served_by(authority)) as upstream:
        fields = {"upstream_credential": "default", "upstream_ca": str(authority.cert)}
        finding = await failure(settings_for(upstream.url, **fields))
    assert (finding.check, "Environment variables are not fully configured" in finding.text) == ("credential", True)


def token(**claims: object) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{body}.c2ln"


@pytest.mark.parametrize(
    ("given", "state", "said"),
    [
        (token(aud="https://digitaltwins.azure.net", appid="the-front"), "ok", "the-front"),
        (token(aud="https://digitaltwins.azure.net/", oid="an-object"), "ok", "an-object"),
        (token(aud="https://digitaltwins.azure.net", azp="a-newer-front", oid="an-object"), "ok", "a-newer-front"),
        (token(aud="0b07f429-9f4b-4714-9392-cc5e8e80c8b0", sub="a-subject"), "ok", "a-subject"),
        (token(aud="https://management.azure.com/", appid="the-front"), "failed", "https://management.azure.com"),
        ("opaque", "ok", "an unnamed identity"),
    ],
)
async def test_a_token_of_a_managed_identity_is_for_digital_twins_or_useless(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, state: str, said: str
) -> None:
    authority = Authority(tmp_path)
    async with fault_server() as identity, fault_server(served_by(authority)) as upstream:
        monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential")
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{identity.url}/token")
        monkeypatch.setenv("IDENTITY_HEADER", "secret")
        expiry = str(int(time.time()) + 3600)
        told = {"access_token": given, "expires_on": expiry, "token_type": "Bearer", "resource": "whatever"}
        identity.on("GET", Answer(200, told))
        upstream.on("GET /models", EMPTY)
        upstream.on("DELETE", NO_TWIN)
        fields = {"upstream_credential": "default", "upstream_ca": str(authority.cert)}
        finding = await found(settings_for(upstream.url, **fields), "credential")
    assert (finding.state, said in finding.text, given in finding.text) == (state, True, False)
    assert [request.headers["Authorization"] for request in upstream.requests] == (
        [f"Bearer {given}"] * 2 if state == "ok" else []
    )


def test_the_command_ends_with_0_where_all_is_well_and_says_so() -> None:
    done = run("doctor", "--listen=127.0.0.1:0", "--metrics-listen=none", "--data-dir=:memory:")
    assert (done.returncode, done.stderr) == (0, "")
    assert "the embedded service" in done.stdout


def test_the_command_ends_with_1_and_json_says_what_failed() -> None:
    words = (f"--upstream=http://127.0.0.1:{reserved_port()}", "--upstream-credential=none", "--listen=127.0.0.1:0")
    done = run("doctor", *words, "--metrics-listen=none", "--output=json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["healthy"]) == (1, False)
    assert told["findings"][-1]["check"] == "connection"
    assert told["findings"][-1]["state"] == "failed"


def test_settings_that_make_no_sense_end_it_as_they_end_serve() -> None:
    done = run("doctor", "--listen=0.0.0.0:1")
    assert done.returncode == 2
    assert done.stderr.startswith("twinfront doctor: --listen")


def test_an_upstream_that_takes_connections_and_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twinfront_server.doctor.upstream.PATIENCE", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        for scheme, check in (("http", "reading"), ("https", "tls")):
            finding = asyncio.run(failure(settings_for(f"{scheme}://127.0.0.1:{mute.getsockname()[1]}")))
            assert (finding.check, "time" in finding.text) == (check, True)
