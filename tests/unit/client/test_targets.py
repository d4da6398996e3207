"""Where a client may connect to in the clear, with TLS, and with a token."""

from pathlib import Path

import grpc
import pytest

from twinfront import TlsConfig, TwinfrontClient
from twinfront._channel import bearer, channel_credentials, channel_options, is_loopback


@pytest.mark.parametrize(
    "target",
    [
        "localhost",
        "localhost:50051",
        "127.0.0.1:50051",
        "127.1.2.3:50051",
        "[::1]:50051",
        "::1",
        "dns:///localhost:50051",
        "dns:localhost:50051",
        "ipv4:127.0.0.1:50051",
        "ipv6:[::1]:50051",
        "ipv4:127.0.0.1:50051,127.0.0.2:50051",
        "unix:/run/twinfront.sock",
        "unix:///run/twinfront.sock",
        "unix-abstract:twinfront",
    ],
)
def test_targets_that_are_on_this_machine_are_known(target: str) -> None:
    assert is_loopback(target)


@pytest.mark.parametrize(
    "target",
    [
        "twins.example.com:443",
        "localhost.example.com:50051",
        "10.0.0.1:50051",
        "0.0.0.0:50051",
        "[2001:db8::1]:50051",
        "2001:db8::1",
        "dns:///twins.example.com",
        "dns://localhost/twins.example.com:443",
        # A name server elsewhere says where these are.
        "dns://192.0.2.1/localhost:50051",
        "dns:evil/localhost:1",
        "ipv6:evil.example/[::1]:1",
        "ipv4://192.0.2.1/127.0.0.1:1",
        "dns:////localhost:1",
        "ipv4:127.0.0.1:50051,10.0.0.1:50051",
        "xds:///localhost",
        "",
    ],
)
def test_targets_that_may_be_elsewhere_are_known(target: str) -> None:
    assert not is_loopback(target)


def test_this_machine_is_talked_to_in_the_clear() -> None:
    assert channel_credentials("localhost:50051", tls=False, has_token=False, insecure=False) is None


def test_another_machine_in_the_clear_is_refused() -> None:
    with pytest.raises(ValueError, match=r"twins\.example\.com:443 is not on this machine: use tls"):
        TwinfrontClient("twins.example.com:443")


def test_another_machine_in_the_clear_has_to_be_asked_for() -> None:
    assert channel_credentials("twins.example.com:443", tls=False, has_token=False, insecure=True) is None


@pytest.mark.parametrize("tls", [True, TlsConfig()])
def test_tls_can_be_had_everywhere(tls: TlsConfig | bool) -> None:
    credentials = channel_credentials("twins.example.com:443", tls=tls, has_token=True, insecure=False)
    assert isinstance(credentials, grpc.ChannelCredentials)


def test_tls_and_insecure_exclude_each_other() -> None:
    with pytest.raises(ValueError, match="tls and insecure exclude each other"):
        TwinfrontClient("localhost:50051", tls=True, insecure=True)


def test_a_token_in_the_clear_is_refused_even_on_this_machine() -> None:
    with pytest.raises(ValueError, match="a token travels in the clear only on this machine and if insecure says so"):
        TwinfrontClient("localhost:50051", token="secret")


def test_a_token_in_the_clear_on_this_machine_has_to_be_asked_for() -> None:
    assert channel_credentials("localhost:50051", tls=False, has_token=True, insecure=True) is None


def test_a_token_never_travels_to_another_machine_in_the_clear() -> None:
    with pytest.raises(ValueError, match=r"a token does not travel to twins\.example\.com:443 in the clear"):
        TwinfrontClient("twins.example.com:443", token="secret", insecure=True)


@pytest.mark.parametrize("token", ["", "two words", "line\n", "schlüssel"])
def test_what_is_no_token_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(ValueError, match=r"the token is empty, or has characters that no bearer token has$"):
        bearer(token)


def test_a_certificate_and_its_key_go_together() -> None:
    with pytest.raises(ValueError, match="cert and key go together"):
        TlsConfig(cert=b"certificate")


def test_the_private_key_is_not_shown() -> None:
    assert "secret" not in repr(TlsConfig(cert=b"certificate", key=b"secret"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"ca\.pem"):
        TwinfrontClient("localhost:50051", tls=TlsConfig(ca=tmp_path / "ca.pem"))


def test_the_callers_options_override_the_clients_own() -> None:
    options = dict(channel_options("localhost:1", {"grpc.keepalive_time_ms": 60_000}, tls=False))
    assert options["grpc.keepalive_time_ms"] == 60_000
    assert options["grpc.enable_retries"] == 1
    assert options["grpc.primary_user_agent"].startswith("twinfront-python/")


def test_the_name_in_the_servers_certificate_can_be_another() -> None:
    options = dict(channel_options("twins:1", {}, tls=TlsConfig(server_name="twins.internal")))
    assert options["grpc.ssl_target_name_override"] == "twins.internal"
