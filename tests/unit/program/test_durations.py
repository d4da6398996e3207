"""Durations in the settings, as flags and variables give them."""

import pytest

from localtwins.settings import Settings
from twinfront_program.startup_error import StartupError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30", 30), ("30s", 30), ("1.5s", 1.5), ("0.25", 0.25), ("250ms", 0.25), ("5m", 300), ("1h", 3600), (" 30s ", 30)],
)
@pytest.mark.parametrize("name", ["shutdown_seconds", "query_lag", "max_query_seconds"])
def test_a_duration_has_a_unit_or_is_seconds(name: str, text: str, seconds: float):
    assert getattr(Settings.load({name: text}), name) == seconds


def test_a_variable_takes_the_same_durations(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LOCALTWINS_QUERY_LAG", "250ms")
    assert Settings.load({}).query_lag == 0.25


def test_a_program_gives_seconds():
    assert Settings(query_lag=0.05).query_lag == 0.05


@pytest.mark.parametrize("text", ["", "soon", "30 s", "5d", "-1", "1e3", "inf", "nan", ".5", "٣", "9" * 100_000])
def test_what_is_no_duration_is_refused_and_told_how_to_write_one(text: str):
    with pytest.raises(StartupError, match=r"^--query-lag: .* takes forms such as 30s, 250ms or 5m") as refused:
        Settings.load({"query_lag": text})
    assert len(str(refused.value)) < 200


def test_a_query_needs_some_time():
    with pytest.raises(StartupError, match=r"^--max-query-seconds: .* greater than 0"):
        Settings.load({"max_query_seconds": "0s"})
