"""A service that fails is asked rarely, and a caller whose questions it cannot answer is given up alone."""

import pytest

from twinfront_server.access.failing_questions import _MAX_CALLERS, GIVEN_UP_AFTER, REST_SECONDS, FailingQuestions


class Asking:
    """A service that fails, by a clock that stands still."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.failing = FailingQuestions(lambda: self.now)

    def fail(self, caller: str, times: int = 1) -> int:
        """Asks so often, each of which fails if it is asked, and gives how many were."""
        asked = [self.failing.may_ask(caller) for _ in range(times)]
        for _ in filter(None, asked):
            self.failing.failed(caller)
        return sum(asked)


@pytest.fixture
def asking() -> Asking:
    return Asking()


def test_a_caller_whose_questions_fail_has_one_a_second_asked(asking: Asking):
    assert asking.fail("a", GIVEN_UP_AFTER) == GIVEN_UP_AFTER
    assert asking.fail("a", 10) == 1
    asking.now += REST_SECONDS
    assert asking.fail("a", 10) == 1


def test_one_callers_failures_keep_no_other_from_asking(asking: Asking):
    asking.fail("a", 10 * GIVEN_UP_AFTER)
    assert asking.fail("b", GIVEN_UP_AFTER // 2 - 1) == GIVEN_UP_AFTER // 2 - 1
    assert asking.failing.may_ask("c")
    assert asking.failing.may_ask("c")


@pytest.mark.parametrize("callers", [2, 3, GIVEN_UP_AFTER])
def test_a_service_that_fails_several_callers_is_asked_once_a_second_by_each(asking: Asking, callers: int):
    for number in range(callers):
        asking.fail(f"caller {number}", -(-GIVEN_UP_AFTER // callers))
    assert [asking.fail(f"another {number}", 10) for number in range(3)] == [1, 1, 1]
    asking.now += REST_SECONDS
    assert asking.fail("another 0", 10) == 1


def test_an_answer_to_one_caller_lets_all_ask_but_those_whose_own_questions_fail(asking: Asking):
    asking.fail("a", GIVEN_UP_AFTER)
    asking.fail("b", GIVEN_UP_AFTER // 2)
    assert asking.fail("c", 10) == 1
    asking.failing.answered("c")
    assert asking.fail("c", 5) == 5
    assert asking.fail("b", 5) == 5
    assert asking.fail("a", 5) == 1


def test_an_answer_makes_up_for_all_failures_before(asking: Asking):
    for _ in range(10):
        assert asking.fail("a", GIVEN_UP_AFTER - 1) == GIVEN_UP_AFTER - 1
        asking.failing.answered("a")


def test_callers_without_number_are_remembered_within_bounds(asking: Asking):
    for number in range(3 * _MAX_CALLERS):
        asking.fail(f"caller {number}", 2)
    assert len(asking.failing._own) == _MAX_CALLERS
    assert len(asking.failing._of_all) <= GIVEN_UP_AFTER


def test_a_question_that_was_asked_and_not_answered_yet_counts_as_no_failure(asking: Asking):
    asking.fail("a", GIVEN_UP_AFTER)
    asking.fail("b", GIVEN_UP_AFTER // 2)
    assert asking.failing.may_ask("c")
    asking.failing.answered("d")
    assert [asking.fail("c") for _ in range(GIVEN_UP_AFTER)] == [1] * GIVEN_UP_AFTER
