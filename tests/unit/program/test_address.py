"""Addresses to listen on."""

import pytest

from twinfront_program.address import Address, UnixSocket, parse_place


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


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("unix:/run/twinfront.sock", "/run/twinfront.sock"),
        ("unix:///run/twinfront.sock", "/run/twinfront.sock"),
        ("unix:here.sock", "here.sock"),
        ("unix:/tmp/a b:50051", "/tmp/a b:50051"),
        ("unix:/" + "x" * 102, "/" + "x" * 102),
    ],
)
def test_a_unix_socket_is_the_path_of_a_file(text: str, path: str):
    assert parse_place(text) == UnixSocket(path)
    assert str(parse_place(text)) == f"unix:{path}"


@pytest.mark.parametrize(
    "text",
    ["unix:", "unix://", "unix://host/path", "unix:/run/", "unix:/a\0b", "unix:/" + "x" * 103, "unix:/" + "ü" * 52],
)
def test_what_is_no_path_of_a_socket_is_refused(text: str):
    with pytest.raises(ValueError, match=r"Unix socket|has no path"):
        parse_place(text)


@pytest.mark.parametrize("text", ["unix-abstract:twinfront", "vsock:1:2", "/run/twinfront.sock", "Unix:/run/x"])
def test_a_place_of_another_kind_is_refused(text: str):
    with pytest.raises(ValueError, match="no address to listen on"):
        parse_place(text)


def test_a_place_without_the_name_of_a_kind_is_host_and_port():
    assert parse_place("[::1]:50051") == Address("::1", 50051)


def test_a_unix_socket_is_reached_from_this_machine_alone():
    place = UnixSocket("/run/twinfront.sock")
    assert place.is_loopback
    assert not place.is_wildcard
    assert place.reachable() == place
