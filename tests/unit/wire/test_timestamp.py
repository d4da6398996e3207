"""Times with 100 ns."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from twinfront_server.wire.timestamp import fill_timestamp, timestamp_text

YEAR_1, YEAR_9999 = -62_135_596_800, 253_402_300_799


def _timestamp(text: str) -> Timestamp:
    timestamp = Timestamp()
    fill_timestamp(timestamp, text)
    return timestamp


@given(st.integers(YEAR_1, YEAR_9999), st.integers(0, 9_999_999))
def test_every_time_of_the_service_survives_the_round_trip(seconds: int, ticks: int):
    timestamp = Timestamp(seconds=seconds, nanos=ticks * 100)
    assert _timestamp(timestamp_text(timestamp)) == timestamp


def test_the_text_has_the_service_s_form():
    assert timestamp_text(Timestamp(seconds=1_664_424_161, nanos=396_221_100)) == "2022-09-29T04:02:41.3962211Z"
    assert timestamp_text(Timestamp(seconds=YEAR_1)) == "0001-01-01T00:00:00.0000000Z"


@pytest.mark.parametrize(
    ("text", "nanos"),
    [
        ("2022-09-29T04:02:41Z", 0),
        ("2022-09-29T04:02:41.3Z", 300_000_000),
        ("2022-09-29T04:02:41.3962211Z", 396_221_100),
        ("2022-09-29T04:02:41.396221123Z", 396_221_123),
        ("2022-09-29T04:02:41.39622112399Z", 396_221_123),
        ("2022-09-29T04:02:41.0000001+00:00", 100),
        ("2022-09-29T06:02:41.3962211+02:00", 396_221_100),
        ("2022-09-28T23:02:41.3962211-05:00", 396_221_100),
        ("2022-09-29T09:32:41.3962211+0530", 396_221_100),
        ("2022-09-29 04:02:41.3962211", 396_221_100),
        ("20220929T040241.3962211Z", 396_221_100),
        ("2022-09-29T04:02:41.3962211", 396_221_100),
    ],
)
def test_fractions_and_offsets_are_understood(text: str, nanos: int):
    assert _timestamp(text) == Timestamp(seconds=1_664_424_161, nanos=nanos)


@pytest.mark.parametrize(("text", "seconds"), [("2022-09-29", 1_664_409_600), ("2022-09-29T04:02Z", 1_664_424_120)])
def test_a_source_time_may_leave_out_what_iso_8601_lets_it(text: str, seconds: int):
    assert _timestamp(text) == Timestamp(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2022-09-29T04:02:41X123",
        "2022-09-29T04:02:41.+12Z",
        "2022-13-29T04:02:41Z",
        "2022-09-29T25:02:41Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_a_source_time_that_is_no_time_stays_unset(text: str):
    assert _timestamp(text) == Timestamp()


@given(st.text())
def test_no_source_time_breaks_a_read(text: str):
    _timestamp(text)


@given(
    st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)),  # noqa: DTZ001
    st.integers(-14 * 60, 14 * 60),
)
def test_offsets_are_taken_into_account(moment: datetime, minutes: int):
    local = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    expected = (local.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
    got = _timestamp(local.isoformat())
    assert got.seconds * 1_000_000_000 + got.nanos == expected


@pytest.mark.parametrize(
    ("seconds", "nanos"), [(YEAR_1 - 1, 0), (YEAR_9999 + 1, 0), (2**62, 0), (-(2**62), 0), (0, -1), (0, 1_000_000_000)]
)
def test_a_time_that_the_service_cannot_write_is_refused(seconds: int, nanos: int):
    with pytest.raises(ValueError, match=r"."):
        timestamp_text(Timestamp(seconds=seconds, nanos=nanos))


def test_a_time_that_was_read_before_is_read_the_same():
    text = "2022-09-29T06:02:41.3962211+02:00"
    assert _timestamp(text) == _timestamp(text) == Timestamp(seconds=1_664_424_161, nanos=396_221_100)


@pytest.mark.parametrize("item", [1_664_424_161, True, None, ["2022-09-29T04:02:41Z"], {}, "x" * 100_000])
def test_what_is_no_text_of_a_time_leaves_the_timestamp_as_it_is_each_time(item: object):
    for _ in range(2):
        assert _timestamp(item) == Timestamp()  # type: ignore[arg-type]
