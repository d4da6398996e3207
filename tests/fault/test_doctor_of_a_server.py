"""`twinfront doctor` tells what is wrong with a server's own settings, its files, and the services beside it."""

import socket
from datetime import timedelta
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from tests.engine import needs_tls
from tests.ports import reserved_port
from tests.rpc.access.issuer import Issuer
from tests.rpc.permissions.policy_system import Answer as Decided
from tests.rpc.permissions.policy_system import Decide, PolicyServer, allow, deny
from tests.rpc.serving.certificates import Authority

from twinfront.v1.envoy.external_auth_pb2 import AttributeContext, CheckResponse
from twinfront_server.settings import Settings

from .examining import failure, found

LOCAL: dict[str, Any] = {"listen": "127.0.0.1:0", "metrics_listen": "none", "data_dir": ":memory:"}


async def no_decision(_asked: AttributeContext) -> Decided:
    return CheckResponse()


async def test_a_taken_port_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        finding = await failure(Settings(listen=place, metrics_listen="none", data_dir=str(tmp_path)))
    assert (finding.check, finding.state) == ("--listen", "warning")
    assert finding.text == f"{place}: Address already in use"


async def test_a_port_whose_last_connections_have_just_ended_is_free(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as ended:
        place = f"127.0.0.1:{ended.getsockname()[1]}"
        with socket.create_connection(ended.getsockname()) as client:
            ended.accept()[0].close()
            client.recv(1)
    settings = Settings(listen=place, metrics_listen="none", data_dir=str(tmp_path))
    assert (await found(settings, "--listen")).text == f"{place} is free"


async def test_an_address_that_this_machine_has_not_fails() -> None:
    finding = await failure(
        Settings(listen="192.0.2.1:1", insecure=True, metrics_listen="none", data_dir=":memory:", auth="none")
    )
    assert (finding.check, finding.state) == ("--listen", "failed")


async def test_a_data_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    settings = Settings(listen="127.0.0.1:0", metrics_listen="none", data_dir=str(tmp_path / "file"))
    assert (await failure(settings)).check == "--data-dir"


async def test_a_folder_that_is_yet_to_be_made_is_no_trouble_and_is_not_made(tmp_path: Path) -> None:
    folder = tmp_path / "a/b"
    settings = Settings(listen="127.0.0.1:0", metrics_listen="none", data_dir=str(folder))
    assert (await found(settings, "--data-dir")).state == "ok"
    assert list(tmp_path.iterdir()) == []


@needs_tls
@pytest.mark.parametrize(("days", "state"), [(0, "warning"), (2, "failed")])
async def test_a_certificate_of_the_servers_own_that_ends_soon_is_told(tmp_path: Path, days: int, state: str) -> None:
    issued = Authority(tmp_path).issue(valid_from=-timedelta(days=days))
    tls = {"tls_cert": str(issued.cert), "tls_key": str(issued.key)}
    finding = await failure(Settings.of(LOCAL | tls))
    assert (finding.check, finding.state) == ("--tls-cert", state)


async def test_an_issuer_of_callers_tokens_that_cannot_be_reached_is_told() -> None:
    auth = {"auth": "jwt", "jwt_issuer": f"http://127.0.0.1:{reserved_port()}", "jwt_audience": "twins"}
    finding = await failure(Settings.of(LOCAL | auth))
    assert (finding.check, "--jwt-issuer" in finding.text) == ("--auth", True)


@pytest.mark.parametrize(
    ("decide", "state", "told"),
    [(allow, "ok", "allowed"), (deny, "ok", "denied"), (no_decision, "failed", "without a decision")],
)
async def test_a_policy_system_is_asked(decide: Decide, state: str, told: str) -> None:
    with Issuer() as issuer:
        async with PolicyServer(decide) as system:
            finding = await found(Settings.of(LOCAL | issuer.settings(authorize=system.url)), "--authorize")
    assert finding.state == state
    assert told in finding.text


async def test_a_policy_system_that_cannot_be_reached_is_told() -> None:
    with Issuer() as issuer:
        authorize = f"grpc://127.0.0.1:{reserved_port()}"
        finding = await failure(Settings.of(LOCAL | issuer.settings(authorize=authorize)))
    assert finding.check == "--authorize"
    assert "UNAVAILABLE" in finding.text


async def test_a_store_of_outcomes_that_is_gone_is_told() -> None:
    settings = Settings(
        listen="127.0.0.1:0",
        metrics_listen="none",
        data_dir=":memory:",
        outcomes=f"redis://:a-password@127.0.0.1:{reserved_port()}",
    )
    finding = await failure(settings)
    assert finding.check == "--outcomes"
    assert "a-password" not in finding.text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("version: 1\nbindings: [{role: owner, to: {groups: [a]}}]", "owner"),
        ("version: 1\nbindings: [{role: reader, to: {principals: ['mtls:a']}}]", "--auth mtls"),
        ("<html>", "policy.yaml"),
    ],
)
async def test_a_policy_that_cannot_be_used_is_told(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(text)
    with Issuer() as issuer:
        finding = await failure(Settings.of(LOCAL | issuer.settings(policy=str(file))))
    assert (finding.check, finding.state) == ("--policy", "failed")
    assert told in finding.text


async def test_a_policy_that_is_not_there_is_told(tmp_path: Path) -> None:
    with Issuer() as issuer:
        finding = await failure(Settings.of(LOCAL | issuer.settings(policy=str(tmp_path / "none.yaml"))))
    assert "cannot be read: No such file" in finding.text


async def test_a_policy_that_can_be_used_is_found_sound(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("version: 1\nbindings: [{role: reader, to: {groups: [a]}}]")
    with Issuer() as issuer:
        finding = await found(Settings.of(LOCAL | issuer.settings(policy=str(file))), "--policy")
    assert finding.state == "ok"


@needs_tls
async def test_certificates_without_a_policy_permit_nothing_which_is_warned_of(tmp_path: Path) -> None:
    issued = Authority(tmp_path).issue(valid_from=timedelta())
    tls = {"tls_cert": str(issued.cert), "tls_key": str(issued.key), "tls_client_ca": str(tmp_path / "ca.pem")}
    finding = await found(Settings.of(LOCAL | tls | {"auth": "mtls"}), "--policy")
    assert (finding.state, "no caller may do anything" in finding.text) == ("warning", True)


@pytest.mark.parametrize(("place", "told"), [("no/such/file", "there is no folder"), ("", "is a folder")])
async def test_an_audit_log_that_cannot_be_written_is_told(tmp_path: Path, place: str, told: str) -> None:
    finding = await failure(Settings.of(LOCAL | {"audit_log": str(tmp_path / place)}))
    assert (finding.check, finding.state) == ("--audit-log", "failed")
    assert told in finding.text


async def test_an_audit_log_that_is_yet_to_be_made_is_no_trouble_and_is_not_made(tmp_path: Path) -> None:
    finding = await found(Settings.of(LOCAL | {"audit_log": str(tmp_path / "audit.ndjson")}), "--audit-log")
    assert finding.state == "ok"
    assert list(tmp_path.iterdir()) == []


async def test_a_collector_of_traces_that_is_gone_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{reserved_port()}")
    finding = await failure(Settings.of(LOCAL))
    assert (finding.check, finding.state) == ("traces", "warning")
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in finding.text


async def test_a_collector_of_traces_that_is_there_is_found_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.getsockname()[1]}")
        assert (await found(Settings.of(LOCAL), "traces")).state == "ok"


async def test_a_server_that_cannot_prove_who_it_is_is_told_before_it_exchanges_tokens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID"):
        monkeypatch.delenv(name, raising=False)
    with Issuer() as issuer:
        fields = issuer.settings() | {"upstream": "https://localhost:1", "upstream_credential": "on-behalf-of"}
        finding = await found(Settings.of(LOCAL | fields), "credential")
    assert "needs AZURE_TENANT_ID and AZURE_CLIENT_ID" in finding.text


async def test_an_engine_that_is_installed_is_well_and_one_that_is_not_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings.of(LOCAL | {"engine": "native"})
    assert (await found(settings, "--engine")).state == "ok"
    monkeypatch.setattr(metadata, "version", lambda _: "0.6.0")
    finding = await failure(settings)
    assert (finding.check, finding.state) == ("--engine", "failed")
    assert "pygrpc-native 0.5.0 alone, and 0.6.0 is installed" in finding.text
