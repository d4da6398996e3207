"""Times: strictly rising, in the two notations of the service."""

import time

import pytest

from localtwins.engine.clock import Clock, model_time, twin_time

# 2022-09-29T04:02:41 UTC
SECOND = 1_664_424_161 * 10_000_000


def test_no_two_readings_are_equal():
    clock = Clock()
    readings = [clock.now() for _ in range(10_000)]
    assert readings == sorted(set(readings))


def test_a_clock_set_back_does_not_turn_time_back(monkeypatch: pytest.MonkeyPatch):
    clock = Clock()
    before = clock.now()
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    assert clock.now() == before + 1


@pytest.mark.parametrize(
    ("fraction", "twin", "model"),
    [
        (3_387_600, ".3387600Z", ".33876+00:00"),
        (3_387_398, ".3387398Z", ".3387398+00:00"),
        (0, ".0000000Z", "+00:00"),
        (1, ".0000001Z", ".0000001+00:00"),
        (9_000_000, ".9000000Z", ".9+00:00"),
    ],
)
def test_times_of_twins_and_of_models_have_their_own_notations(fraction: int, twin: str, model: str):
    assert twin_time(SECOND + fraction) == f"2022-09-29T04:02:41{twin}"
    assert model_time(SECOND + fraction) == f"2022-09-29T04:02:41{model}"


def test_the_last_tick_of_a_second_stays_in_it():
    assert twin_time(SECOND - 1) == "2022-09-29T04:02:40.9999999Z"
