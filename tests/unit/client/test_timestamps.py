"""Points in time keep the 100 ns of the service."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from twinfront import Timestamp


def test_the_text_stays_as_it_came() -> None:
    assert str(Timestamp("2022-12-06T20:00:32.8209180Z")) == "2022-12-06T20:00:32.8209180Z"


def test_a_datetime_is_cut_to_microseconds() -> None:
    when = Timestamp("2022-12-06T20:00:32.8209188Z").to_datetime()
    assert when == datetime(2022, 12, 6, 20, 0, 32, 820918, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.0000001Z", 100),
        ("1970-01-01T00:00:01.5Z", 1_500_000_000),
        ("1970-01-01T01:00:00.0000001+01:00", 100),
        ("1969-12-31T23:59:59.9999999Z", -100),
        ("2022-12-06T20:00:32.8209188Z", 1_670_356_832_820_918_800),
    ],
)
def test_nanoseconds_are_exact(text: str, nanoseconds: int) -> None:
    assert Timestamp(text).nanoseconds == nanoseconds


def test_a_time_without_offset_counts_as_utc() -> None:
    assert Timestamp("2022-12-06T20:00:32").to_datetime() == datetime(2022, 12, 6, 20, 0, 32, tzinfo=UTC)


def test_a_datetime_becomes_utc() -> None:
    when = datetime(2022, 12, 6, 21, 0, 32, 820918, tzinfo=timezone(timedelta(hours=1)))
    assert Timestamp.from_datetime(when).text == "2022-12-06T20:00:32.820918Z"


def test_a_naive_datetime_is_refused() -> None:
    with pytest.raises(ValueError, match="2022-12-06T20:00:32 has no time zone"):
        Timestamp.from_datetime(datetime(2022, 12, 6, 20, 0, 32))  # noqa: DTZ001


def test_what_is_not_iso_8601_can_be_kept_but_not_converted() -> None:
    odd = Timestamp("last Tuesday")
    assert str(odd) == "last Tuesday"
    with pytest.raises(ValueError, match="last Tuesday"):
        odd.to_datetime()
