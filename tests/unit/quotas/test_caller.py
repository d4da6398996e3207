"""Whose quota a call uses."""

import pytest

from twinfront_server.access.principal import ANONYMOUS, Principal
from twinfront_server.quotas.caller import caller_of


def test_connections_of_one_principal_are_one_caller():
    building = Principal("building", "jwt")
    assert caller_of(building, "ipv4:10.0.0.7:1000") == caller_of(Principal("building", "jwt"), "ipv4:10.0.0.8:2000")


def test_names_of_tokens_and_of_certificates_are_not_mixed_up():
    assert caller_of(Principal("building", "jwt"), "unix:") != caller_of(Principal("building", "mtls"), "unix:")


@pytest.mark.parametrize(
    ("peer", "other"),
    [
        ("ipv4:10.0.0.7:1000", "ipv4:10.0.0.7:2000"),
        ("ipv6:%5Bfe80::1%5D:1", "ipv6:%5Bfe80::1%5D:2"),
        ("unix:", "unix:"),
    ],
)
def test_anonymous_connections_from_one_host_are_one_caller(peer: str, other: str):
    assert caller_of(ANONYMOUS, peer) == caller_of(ANONYMOUS, other)


@pytest.mark.parametrize(
    ("peer", "other"),
    [
        ("ipv4:10.0.0.7:1000", "ipv4:10.0.0.8:1000"),
        ("ipv6:%5Bfe80::1%5D:1", "ipv6:%5Bfe80::2%5D:1"),
        ("unix:/run/a", "unix:/run/b"),
    ],
)
def test_anonymous_connections_from_two_hosts_are_two_callers(peer: str, other: str):
    assert caller_of(ANONYMOUS, peer) != caller_of(ANONYMOUS, other)


def test_a_principal_named_like_a_host_is_another_caller():
    assert caller_of(Principal("ipv4:10.0.0.7", "mtls"), "") != caller_of(ANONYMOUS, "ipv4:10.0.0.7:1000")
