"""Since when connections are there, and how long a stream on one may go on."""

import pytest

from twinfront_server.quotas import connections
from twinfront_server.quotas.connections import Connections

AGE, GRACE = 100.0, 20.0


class Known:
    """Connections, and the time."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.connections = Connections(AGE, GRACE, lambda: self.now)

    def seconds(self, peer: str = "ipv4:10.0.0.7:4000", share: float = 0.5) -> float:
        return self.connections.seconds_for_stream(peer, share)


def test_a_stream_on_a_new_connection_goes_on_into_the_grace():
    known = Known()
    known.connections.saw("ipv4:10.0.0.7:4000")
    assert known.seconds() == pytest.approx(0.9 * AGE + 0.5 * GRACE)


def test_a_stream_on_an_old_connection_ends_at_the_same_time():
    known = Known()
    known.connections.saw("ipv4:10.0.0.7:4000")
    known.now += 80
    known.connections.saw("ipv4:10.0.0.7:4000")
    assert known.seconds() == pytest.approx(0.9 * AGE - 80 + 0.5 * GRACE)


def test_a_stream_on_a_connection_that_is_of_age_has_a_part_of_the_grace():
    known = Known()
    known.connections.saw("ipv4:10.0.0.7:4000")
    known.now += 105
    assert known.seconds() == pytest.approx(0.5 * GRACE)


def test_callers_on_unix_sockets_have_one_name_and_are_no_connection():
    known = Known()
    known.connections.saw("unix:")
    known.now += 1000
    known.connections.saw("unix:")
    assert known.seconds("unix:") == pytest.approx(0.9 * AGE + 0.5 * GRACE)


def test_connections_that_are_cut_by_now_are_forgotten():
    known = Known()
    for number in range(100):
        known.connections.saw(f"ipv4:10.0.0.7:{number}")
    known.now += 1.1 * AGE + GRACE
    known.connections.saw("ipv4:10.0.0.7:4000")
    assert list(known.connections._since) == ["ipv4:10.0.0.7:4000"]


def test_the_connections_that_are_known_are_bounded_in_number(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connections, "_MOST", 10)
    known = Known()
    for number in range(100):
        known.connections.saw(f"ipv4:10.0.0.7:{number}")
    assert len(known.connections._since) == 10
    assert known.seconds("ipv4:10.0.0.7:99") == known.seconds("ipv4:10.0.0.7:90")
