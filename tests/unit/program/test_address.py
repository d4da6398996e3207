"""Addresses to listen on."""

import pytest

from twinfront_program.address import Address


@pytest.mark.parametrize(
    ("text", "expected"),
    [("127.0.0.1:1", ("127.0.0.1", 1)), ("[::1]:80", ("::1", 80)), ("localhost:0", ("localhost", 0))],
)
def test_an_address_is_host_and_port(text: str, expected: tuple[str, int]):
    assert Address.parse(text) == Address(*expected)


@pytest.mark.parametrize(
    "text", ["nowhere", ":1", "host:", "host:65536", "host:1x", "host:²", "::1:80", "host:" + "1" * 10_000]
)
def test_what_is_no_address_is_refused(text: str):
    with pytest.raises(ValueError, match=r"host|IPv6"):
        Address.parse(text)


@pytest.mark.parametrize(
    ("host", "loopback", "wildcard"),
    [
        ("127.0.0.1", True, False),
        ("127.8.8.8", True, False),
        ("::1", True, False),
        ("LocalHost", True, False),
        ("0.0.0.0", False, True),
        ("::", False, True),
        ("0:0:0:0:0:0:0:0", False, True),
        ("192.0.2.7", False, False),
        ("vm", False, False),
    ],
)
def test_who_can_reach_an_address(host: str, loopback: bool, wildcard: bool):
    address = Address(host, 1)
    assert (address.is_loopback, address.is_wildcard) == (loopback, wildcard)


def test_an_address_gives_the_url_of_a_server_there():
    assert Address("vm", 8443).url("https") == "https://vm:8443"
    assert Address("::1", 80).url("http") == "http://[::1]:80"
