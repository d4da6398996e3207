"""The Retry-After header."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinfront_server.upstream.sdk.pipeline import retry_after

DAY = 24 * 3600.0


@pytest.mark.parametrize(
    ("value", "seconds"), [("0", 0.0), ("5", 5.0), ("0.5", 0.5), ("-5", 0.0), ("1e400", DAY), ("999999999999", DAY)]
)
def test_retry_after_in_seconds_is_that_delay(value: str, seconds: float):
    assert retry_after({"Retry-After": value}) == seconds


def test_a_date_is_as_far_away_as_it_is():
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    seconds = retry_after({"Retry-After": date})
    assert seconds is not None
    assert 0 < seconds <= 100


def test_a_date_in_the_past_is_now():
    assert retry_after({"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}) == 0.0


@pytest.mark.parametrize("value", ["", "soon", "nan", "Fri, 99 Dec 1999 23:59:59 GMT", "Fri, 31 Dec 99999999 23:59:59"])
def test_nonsense_is_as_good_as_no_header(value: str):
    assert retry_after({"Retry-After": value}) is None


def test_an_answer_without_retry_after_tells_no_delay():
    assert retry_after({}) is None


@given(st.text())
def test_every_value_gives_a_delay_that_can_be_waited_or_none(value: str):
    seconds = retry_after({"Retry-After": value})
    assert seconds is None or 0 <= seconds <= DAY
