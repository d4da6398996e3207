"""What a server says at its start of who may call it, what they may do, and who its upstream sees."""

from pathlib import Path
from typing import Any

import pytest

from twinfront_program.address import Address, parse_place
from twinfront_server import __version__
from twinfront_server.greeting import greeting
from twinfront_server.settings import Settings

CHECKOUT = Path(__file__).resolve().parents[3]
ISSUER = "https://login.example"
JWT = {"auth": "jwt", "jwt_issuer": ISSUER, "jwt_audience": "twins"}
TLS = {"tls_cert": "s.pem", "tls_key": "s.key"}
CERTIFICATES = TLS | {"tls_client_ca": "ca.pem"}
CERTIFIED = "a client certificate of ca.pem"
AZURE = {"upstream": "https://x.api.weu.digitaltwins.azure.net"}
POLICY = {"policy": "policy.yaml"}
EVERYWHERE = {"listen": "0.0.0.0:1"}


def greeted(settings: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Gives the lines about the server, and those to try."""
    checked = Settings(**settings)
    mtls = Address.parse(checked.mtls_listen) if checked.mtls_listen else None
    text = greeting(checked, parse_place(checked.listen), mtls, None)
    about, _, to_try = text.partition("Try next:\n")
    return [line.strip() for line in about.splitlines() if line], [line.strip() for line in to_try.splitlines() if line]


def said(settings: dict[str, Any]) -> dict[str, str]:
    """Gives what the greeting says, by what of."""
    lines, _ = greeted(settings)
    return dict(line.split(": ", 1) for line in lines[1:])


CALLERS: dict[str, tuple[dict[str, Any], str]] = {
    "nobody is asked": ({}, "everybody on this machine, in the clear (--auth none)"),
    "nobody is asked, beyond this machine": (
        EVERYWHERE | {"auth": "none", "insecure": True},
        "everybody who reaches it, in the clear (--auth none)",
    ),
    "nobody is asked, over TLS": (
        EVERYWHERE | TLS | {"auth": "none"},
        "everybody who reaches it, over TLS (--auth none)",
    ),
    "tokens": (JWT, f"whoever has a token of {ISSUER} for twins, in the clear"),
    "tokens for several": (
        JWT | TLS | {"jwt_audience": "twins, others"},
        f"whoever has a token of {ISSUER} for twins or others, over TLS",
    ),
    "tokens of callers with certificates": (
        JWT | CERTIFICATES,
        f"whoever has a token of {ISSUER} for twins and a client certificate of ca.pem, over TLS",
    ),
    "certificates": (CERTIFICATES | {"auth": "mtls"}, "whoever has a client certificate of ca.pem, over TLS"),
    "certificates, whose names are not looked at": (
        CERTIFICATES,
        "whoever has a client certificate of ca.pem, over TLS",
    ),
    "either": (
        JWT | CERTIFICATES | {"auth": "jwt,mtls", "mtls_listen": "127.0.0.1:2"},
        f"whoever has a token of {ISSUER} for twins, over TLS; on 127.0.0.1:2 whoever has {CERTIFIED}",
    ),
}


@pytest.mark.parametrize("which", CALLERS)
def test_the_greeting_says_who_may_call(which: str):
    settings, told = CALLERS[which]
    assert said(settings)["who may call"] == told


RIGHTS: dict[str, tuple[dict[str, Any], str]] = {
    "nobody is known": ({}, "everything"),
    "roles": (JWT, "what the roles in their tokens say (claim roles)"),
    "roles of another claim": (
        JWT | {"jwt_roles_claim": "realm_access.roles"},
        "what the roles in their tokens say (claim realm_access.roles)",
    ),
    "a policy": (JWT | POLICY, "what policy.yaml says (--policy)"),
    "certificates alone": (
        CERTIFICATES | {"auth": "mtls"},
        "nothing, since certificates name no roles: give a --policy",
    ),
    "a policy system": (
        JWT | {"authorize": "grpc://127.0.0.1:9191"},
        "what the roles in their tokens say (claim roles), as far as grpc://127.0.0.1:9191 permits it (--authorize)",
    ),
}


@pytest.mark.parametrize("which", RIGHTS)
def test_the_greeting_says_what_callers_may_do(which: str):
    settings, told = RIGHTS[which]
    assert said(settings)["what they may do"] == told


SEEN = {
    "default": "this server, by its own identity",
    "on-behalf-of": "whoever calls (--upstream-credential on-behalf-of)",
    "none": "nobody (--upstream-credential none)",
}


@pytest.mark.parametrize("credential", SEEN)
def test_the_greeting_says_whom_azure_sees(credential: str):
    settings = JWT | AZURE | {"upstream_credential": credential}
    assert said(settings)["who the upstream sees"] == SEEN[credential]


def test_an_embedded_service_sees_nobody():
    assert "who the upstream sees" not in said({})


def test_lines_to_try_have_a_token_where_one_is_needed():
    _, lines = greeted(JWT)
    assert len(lines) == 2
    assert all("'authorization: Bearer TOKEN'" in line for line in lines)


def test_lines_to_try_have_no_certificate_where_none_is_asked_for():
    _, lines = greeted(JWT | CERTIFICATES | {"auth": "jwt,mtls", "mtls_listen": "127.0.0.1:2"})
    assert lines
    assert not any("client.pem" in line for line in lines)
    _, lines = greeted(CERTIFICATES)
    assert lines
    assert all("client.pem" in line for line in lines)


SHOWN = " -cert client.pem -key client.key"
METHOD = "twinfront.v1.ModelService/ListModels"
GRPCURL: dict[str, tuple[dict[str, Any], str]] = {
    "in the clear": ({}, f"grpcurl -plaintext 127.0.0.1:7070 {METHOD}"),
    "with a token": (JWT, f"grpcurl -plaintext -H 'authorization: Bearer TOKEN' 127.0.0.1:7070 {METHOD}"),
    "over TLS": (TLS, f"grpcurl -cacert s.pem 127.0.0.1:7070 {METHOD}"),
    "with a certificate": (
        CERTIFICATES,
        f"grpcurl -cacert s.pem{SHOWN} 127.0.0.1:7070 {METHOD}",
    ),
    "with both": (
        JWT | CERTIFICATES,
        f"grpcurl -cacert s.pem{SHOWN} -H 'authorization: Bearer TOKEN' 127.0.0.1:7070 {METHOD}",
    ),
    "at a socket": ({"listen": "unix:/run/a b"}, f"grpcurl -plaintext -unix '/run/a b' {METHOD}"),
}
BUF: dict[str, tuple[dict[str, Any], str]] = {
    "in the clear": ({}, "--http2-prior-knowledge http://127.0.0.1:7070"),
    "with a token": (
        JWT,
        "--header 'authorization: Bearer TOKEN' --reflect-header '*' --http2-prior-knowledge http://127.0.0.1:7070",
    ),
    "over TLS": (TLS, "--cacert s.pem https://127.0.0.1:7070"),
    "with a certificate": (
        CERTIFICATES,
        "--cacert s.pem --cert client.pem --key client.key https://127.0.0.1:7070",
    ),
    "at a socket": (
        {"listen": "unix:/run/a b"},
        "--unix-socket '/run/a b' --http2-prior-knowledge http://localhost",
    ),
}
EXAMPLE: dict[str, tuple[dict[str, Any], str]] = {
    "in the clear": ({}, " --address 127.0.0.1:7070"),
    "over TLS": (TLS, " --address 127.0.0.1:7070 --tls-ca s.pem"),
    "with a certificate": (
        CERTIFICATES,
        " --address 127.0.0.1:7070 --tls-ca s.pem --tls-cert client.pem --tls-key client.key",
    ),
    "at a socket": ({"listen": "unix:/run/a b"}, " --address 'unix:/run/a b'"),
}


def tried(settings: dict[str, Any], program: str) -> str:
    """Gives the line to try with a program; none but that has it."""
    _, lines = greeted({"listen": "127.0.0.1:7070"} | settings)
    (line,) = (line for line in lines if Path(line.partition(" ")[0]).name == program)
    return line


@pytest.mark.parametrize("which", GRPCURL)
def test_the_line_for_grpcurl_has_what_the_server_asks_for(which: str):
    settings, line = GRPCURL[which]
    assert tried(settings, "grpcurl") == line


@pytest.mark.parametrize("which", BUF)
def test_the_line_for_buf_has_what_the_server_asks_for(which: str):
    settings, options = BUF[which]
    assert tried(settings, "buf").partition(" ")[2] == f"curl --protocol grpc {options}/{METHOD}"


@pytest.mark.parametrize("which", EXAMPLE)
def test_the_line_for_the_example_has_what_the_server_asks_for(which: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(CHECKOUT)
    settings, options = EXAMPLE[which]
    assert tried(settings, "python").partition(" ")[2] == f"clients/python/examples/manage_twins.py{options}"


def test_the_example_is_left_out_where_it_is_not_or_would_need_a_token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(CHECKOUT)
    assert len(greeted({})[1]) == 3
    assert len(greeted(JWT)[1]) == 2
    monkeypatch.chdir(tmp_path)
    assert len(greeted({})[1]) == 2


def test_tools_that_need_reflection_are_left_out_without_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    assert greeted({"reflection": False})[1] == []


def test_the_metrics_are_where_they_are():
    text = greeting(Settings(), Address.parse("127.0.0.1:1"), None, Address.parse("0.0.0.0:9464"))
    assert text.splitlines()[-1] == "  curl http://127.0.0.1:9464/metrics"


@pytest.mark.parametrize(
    ("settings", "upstream"),
    [
        ({}, "local"),
        ({"data_dir": "/data"}, "local, data in /data"),
        (AZURE, "https://x.api.weu.digitaltwins.azure.net"),
    ],
    ids=["default", "data", "azure"],
)
def test_the_first_line_says_where_the_server_is_and_whom_it_asks(settings: dict[str, Any], upstream: str):
    first = greeted(settings | {"listen": "127.0.0.1:7070"})[0][0]
    assert first.startswith(f"twinfront {__version__} is serving on 127.0.0.1:7070 (upstream {upstream}")
    assert first.endswith(")")
