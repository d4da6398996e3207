"""What a setting of each type takes, as a text or from a program, and how the rest is told."""

import math
from typing import Annotated, Any, Literal

import pytest

from twinfront_program.values import FINITE, After, Before, of_length, reader, within


def complaint(annotation: Any, value: object) -> str:
    with pytest.raises(ValueError, match=r".") as raised:
        reader(annotation)(value)
    return str(raised.value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("5", 5),
        (" 5 ", 5),
        ("+5", 5),
        ("-5", -5),
        ("007", 7),
        ("1_000", 1000),
        ("5.0", 5),
        (5, 5),
        (5.0, 5),
        pytest.param("9" * 4000, int("9" * 4000), id="4,000 digits"),
    ],
)
def test_what_is_read_as_a_whole_number(value: object, expected: int):
    read = reader(int)(value)
    assert (read, type(read)) == (expected, int)


@pytest.mark.parametrize("text", ["", "many", "5.5", "5.", "1e3", "0x10", "1__0", "_1", "1_", "٣", "- 5", "inf"])
def test_a_text_that_is_no_whole_number(text: str):
    assert complaint(int, text) == "Input should be a valid integer, unable to parse string as an integer"


def test_a_whole_number_that_is_too_long():
    for text in ("9" * 4001, "1_" * 50_000 + "1"):
        assert complaint(int, text) == "Input should be a valid integer, unable to parse string as an integer"


@pytest.mark.parametrize("value", [None, [], {}, b"5", 5j])
@pytest.mark.parametrize(
    ("annotation", "told"),
    [
        (int, "Input should be a valid integer"),
        (float, "Input should be a valid number"),
        (bool, "Input should be a valid boolean"),
        (str, "Input should be a valid string"),
    ],
)
def test_a_value_of_another_kind(annotation: Any, value: object, told: str):
    assert complaint(annotation, value) == told


def test_a_number_with_a_fraction_is_no_whole_one():
    assert complaint(int, 5.5) == "Input should be a valid integer, got a number with a fractional part"
    assert complaint(int, math.inf) == complaint(int, math.nan) == "Input should be a finite number"


@pytest.mark.parametrize(("value", "expected"), [("1.5", 1.5), (" 1e3 ", 1000.0), ("1_000", 1000.0), (2, 2.0)])
def test_what_is_read_as_a_number(value: object, expected: float):
    read = reader(float)(value)
    assert (read, type(read)) == (expected, float)


@pytest.mark.parametrize("value", ["", "much", "٣", "1,5", "0x10", 10**400])
def test_a_text_that_is_no_number(value: object):
    assert complaint(float, value) == "Input should be a valid number, unable to parse string as a number"


@pytest.mark.parametrize("value", ["inf", "-inf", "nan", math.inf, math.nan])
def test_a_number_that_has_to_be_finite(value: object):
    assert complaint(Annotated[float, FINITE], value) == "Input should be a finite number"


@pytest.mark.parametrize("word", ["1", "on", "ON", "t", "True", "y", "yes"])
def test_words_for_on(word: str):
    assert reader(bool)(word) is True


@pytest.mark.parametrize("word", ["0", "off", "Off", "f", "false", "n", "NO"])
def test_words_for_off(word: str):
    assert reader(bool)(word) is False


@pytest.mark.parametrize(("value", "expected"), [(True, True), (False, False), (1, True), (0, False), (0.0, False)])
def test_a_switch_from_a_program(value: object, expected: bool):
    assert reader(bool)(value) is expected


@pytest.mark.parametrize("value", ["", " yes", "maybe", "2", 2, 0.5])
def test_what_is_neither_on_nor_off(value: object):
    assert complaint(bool, value) == "Input should be a valid boolean, unable to interpret input"


def test_one_of_some_words():
    read = reader(Literal["none", "refused", "all"])
    assert read("refused") == "refused"
    assert complaint(Literal["none", "refused", "all"], "None") == "Input should be 'none', 'refused' or 'all'"
    assert complaint(Literal["none", "refused", "all"], []) == "Input should be 'none', 'refused' or 'all'"


def test_texts_by_name():
    assert reader(dict[str, str])({"a": "b"}) == {"a": "b"}
    assert complaint(dict[str, str], ["a"]) == "Input should be a valid dictionary"
    assert (
        complaint(dict[str, str], {"a": 1}) == complaint(dict[str, str], {1: "a"}) == "Input should be a valid string"
    )


@pytest.mark.parametrize("annotation", [int | None, Annotated[int | None, within(ge=2)], Annotated[int, FINITE] | None])
def test_none_where_there_need_be_no_value(annotation: Any):
    assert reader(annotation)(None) is None
    assert reader(annotation)("3") == 3


@pytest.mark.parametrize(
    ("mark", "sound", "unsound", "told"),
    [
        (within(ge=2), 2, 1, "greater than or equal to 2"),
        (within(gt=2), 3, 2, "greater than 2"),
        (within(le=2), 2, 3, "less than or equal to 2"),
        (within(lt=2), 1, 2, "less than 2"),
        (within(ge=1, lt=3), 2, 3, "less than 3"),
    ],
)
def test_bounds_of_a_number(mark: After, sound: int, unsound: int, told: str):
    assert reader(Annotated[int, mark])(sound) == sound
    assert complaint(Annotated[int, mark], unsound) == f"Input should be {told}"


def test_a_text_that_is_too_short_is_not_repeated():
    assert reader(Annotated[str, of_length(3)])("abc") == "abc"
    assert complaint(Annotated[str, of_length(3)], "ab") == "String should have at least 3 characters"
    assert complaint(Annotated[str, of_length(1)], "") == "String should have at least 1 character"


def test_what_runs_before_and_after_the_type_is_looked_at():
    annotation = Annotated[int, Before(len), After(lambda value: value * 2), within(lt=8)]
    assert reader(annotation)("abc") == 6
    assert complaint(annotation, "abcd") == "Input should be less than 8"
