"""What is known of the writes of this process, and for how long."""

from typing import Any

import pytest

from twinfront_server.adt.answer import Answer
from twinfront_server.adt.body import Body
from twinfront_server.call import Call
from twinfront_server.upstream import operation as operations
from twinfront_server.upstream.operation import Asked
from twinfront_server.upstream.settling import sent_writes
from twinfront_server.upstream.settling.sent_writes import KEPT_SECONDS, SentWrites

WARMER = Body(b'[{"op": "replace", "path": "/temperature", "value": 2}]', "patch")
FOUND = {"$dtId": "room", "$etag": "2", "temperature": 2}
READ = Answer(b"", "2")
CALL = Call("id", "twinfront.v1.DigitalTwinService/UpdateDigitalTwin", None)


def patch(if_match: str = "1", body: Body = WARMER) -> Asked:
    return Asked(operations.PATCH_DIGITAL_TWIN, {"digital_twin_id": "room"}, body, if_match)


class Clock:
    """The two clocks of the machine."""

    def __init__(self) -> None:
        self.monotonic_now = 1000.0
        self.wall_now = 1_700_000_000.0

    def monotonic(self) -> float:
        return self.monotonic_now

    def time(self) -> float:
        return self.wall_now

    def pass_by(self, seconds: float) -> None:
        self.monotonic_now += seconds
        self.wall_now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(sent_writes, "time", clock)
    return clock


def is_clear(writes: SentWrites, write: Any) -> bool:
    return not writes.disproves(write, FOUND, READ) and not writes.rivals_possible(write, FOUND, READ)


def test_a_version_that_nobody_else_wrote_is_no_rivals():
    writes = SentWrites()
    write = writes.begin(patch(), CALL)
    assert is_clear(writes, write)


def test_a_version_that_was_answered_before_is_anothers():
    writes = SentWrites()
    other = writes.begin(patch(), CALL)
    writes.answered(other, READ)
    write = writes.begin(patch(), CALL)
    assert writes.disproves(write, FOUND, READ)


@pytest.mark.parametrize("if_match", ["1", "0", ""])
def test_a_rival_that_is_answered_meanwhile_rules_a_write_out_if_it_had_the_same_condition(if_match: str):
    writes = SentWrites()
    write = writes.begin(patch("1"), CALL)
    writes.answered(writes.begin(patch(if_match), CALL), READ)
    assert writes.disproves(write, FOUND, READ) == (if_match == "1")
    assert writes.rivals_possible(write, FOUND, READ)


def test_a_rival_without_an_answer_may_have_made_what_it_would_have_left():
    writes = SentWrites()
    write = writes.begin(patch(), CALL)
    other = writes.begin(patch(body=Body(b'[{"op": "replace", "path": "/temperature", "value": 3}]', "patch")), CALL)
    assert is_clear(writes, write)
    same = writes.begin(patch(), CALL)
    assert not is_clear(writes, write)
    writes.refused(same)
    assert is_clear(writes, write)
    writes.end(other)
    writes.end(same)
    assert is_clear(writes, write)


def test_a_write_that_ended_without_an_answer_is_remembered_for_a_while(clock: Clock):
    writes = SentWrites()
    writes.end(writes.begin(patch(), CALL))
    write = writes.begin(patch(), CALL)
    assert not is_clear(writes, write)
    clock.pass_by(KEPT_SECONDS + 1)
    assert is_clear(writes, write)


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sent_writes, "MAX_VERSIONS", 3)
    monkeypatch.setattr(sent_writes, "MAX_KEPT", 3)
    writes = SentWrites()
    for number in range(10):
        writes.answered(writes.begin(patch(), CALL), Answer(b"", f"version {number}"))
        writes.end(writes.begin(patch(), CALL))
    assert list(writes._versions) == ["version 7", "version 8", "version 9"]
    assert len(writes._kept) == sum(map(len, writes._unanswered.values())) == 3


def test_nothing_is_left_of_writes_that_are_answered_or_refused():
    writes = SentWrites()
    answered, refused = writes.begin(patch(), CALL), writes.begin(patch(), CALL)
    writes.answered(answered, READ)
    writes.refused(refused)
    for write in (answered, refused):
        writes.end(write)
    assert not writes._unanswered
    assert not writes._kept


def test_a_deletion_is_known_until_there_is_a_twin_again():
    writes = SentWrites()
    delete = Asked(operations.DELETE_DIGITAL_TWIN, {"digital_twin_id": "room"}, if_match="1")
    writes.answered(writes.begin(delete, CALL), Answer(b"", ""))
    write = writes.begin(delete, CALL)
    assert writes.deletion(write) == "1"
    assert not writes.may_delete(write)
    put = Asked(operations.PUT_DIGITAL_TWIN, {"digital_twin_id": "room"})
    writes.answered(writes.begin(put, CALL), READ)
    assert writes.deletion(write) is None


@pytest.mark.parametrize(
    ("written", "is_younger"),
    [
        ("2023-11-14T22:13:17.9999999Z", True),
        ("2023-11-14T22:13:18.0000000Z", False),
        ("2023-11-14T22:13:20.0000000Z", False),
        ("2023-11-15T00:13:17.9+02:00", True),
        ("yesterday", False),
        ("", False),
    ],
)
def test_a_write_is_younger_than_what_was_written_two_seconds_before_it(clock: Clock, written: str, is_younger: bool):
    write = SentWrites().begin(patch(), CALL)
    clock.pass_by(5)
    answer = Answer(b"", "2", date="Tue, 14 Nov 2023 22:13:25 GMT")
    assert write.is_younger_than({"$metadata": {"$lastUpdateTime": written}}, answer) == is_younger


@pytest.mark.parametrize("date", ["", "now"])
def test_without_the_services_time_nothing_is_known(date: str):
    write = SentWrites().begin(patch(), CALL)
    found = {"$metadata": {"$lastUpdateTime": "2020-01-01T00:00:00.0000000Z"}}
    assert not write.is_younger_than(found, Answer(b"", "2", date=date))


@pytest.mark.parametrize("which", ["monotonic_now", "wall_now"])
def test_a_clock_that_stood_still_or_was_set_back_does_not_make_a_write_younger(clock: Clock, which: str):
    write = SentWrites().begin(patch(), CALL)
    clock.pass_by(100)
    setattr(clock, which, getattr(clock, which) - 100)
    found = {"$metadata": {"$lastUpdateTime": "2023-11-14T22:13:20.0000000Z"}}
    assert not write.is_younger_than(found, Answer(b"", "2", date="Tue, 14 Nov 2023 22:15:00 GMT"))


class TestWritesWhoseCallersHaveLeft:
    @pytest.fixture
    def left(self) -> Call:
        return Call("id", CALL.method, None, left=True)

    def test_one_under_way_may_have_left_what_is_found(self, left: Call):
        writes = SentWrites()
        writes.begin(patch(), left)
        writes.begin(patch(), CALL)
        assert writes.may_have_left("digitaltwins/room", FOUND)

    def test_one_whose_caller_waits_is_told_of_by_its_answer(self):
        writes = SentWrites()
        writes.answered(writes.begin(patch(), CALL), READ)
        assert not writes.may_have_left("digitaltwins/room", FOUND)

    def test_one_that_was_answered_may_have_left_what_is_found_for_a_minute(self, left: Call, clock: Clock):
        writes = SentWrites()
        writes.answered(writes.begin(patch(), left), READ)
        assert writes.may_have_left("digitaltwins/room", FOUND)
        assert not writes.may_have_left("digitaltwins/room", {**FOUND, "temperature": 3})
        clock.pass_by(KEPT_SECONDS + 1)
        assert not writes.may_have_left("digitaltwins/room", FOUND)

    def test_one_that_was_answered_is_still_known_to_have_made_its_version(self, left: Call):
        writes = SentWrites()
        rival = writes.begin(patch(), CALL)
        writes.answered(writes.begin(patch(), left), READ)
        assert writes.disproves(rival, FOUND, READ)

    def test_one_that_was_refused_has_left_nothing(self, left: Call):
        writes = SentWrites()
        writes.refused(writes.begin(patch(), left))
        assert not writes.may_have_left("digitaltwins/room", FOUND)

    def test_only_so_many_are_remembered(self, left: Call):
        writes = SentWrites()
        for _ in range(sent_writes.MAX_KEPT + 10):
            writes.answered(writes.begin(patch(), left), READ)
        assert len(writes._unheard["digitaltwins/room"]) == sent_writes.MAX_KEPT


def test_a_write_that_another_replica_began_was_sent_when_that_began_it(clock: Clock):
    write = SentWrites().begin(patch(), Call("id", CALL.method, None, earlier_attempt=7.0))
    assert (write.sent, write.sent_by_wall) == (clock.monotonic_now - 7, clock.wall_now - 7)
