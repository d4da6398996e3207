"""Chunks of the import format, cut anywhere."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinfront_server.errors import TwinfrontError
from twinfront_server.graph.import_format import (
    FormatReader,
    Line,
    LineReader,
    Row,
    Section,
    header_line,
    row_line,
    section_line,
)

TEXT = b"""\xef\xbb\xbf{"Section": "Header"}
{"fileVersion": "1.0.0", "author": "somebody", "organization": "some"}

{ "Section":"Models" }\r
{"@id": "dtmi:example:Room;1"}
   \t
{"Section": "Twins"}
{"$dtId": "r\xc3\xa4um", "note": "{\\"Section\\": \\"Models\\"}"}
no JSON
{"Section": "Relationships"}
{"$dtId": "a", "$relationshipId": "b"}"""

ROWS = [
    Row(5, Section.MODELS, b'{"@id": "dtmi:example:Room;1"}'),
    Row(8, Section.TWINS, '{"$dtId": "räum", "note": "{\\"Section\\": \\"Models\\"}"}'.encode()),
    Row(9, Section.TWINS, b"no JSON"),
    Row(11, Section.RELATIONSHIPS, b'{"$dtId": "a", "$relationshipId": "b"}'),
]


def _chunks(text: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    return [text[start:end] for start, end in itertools.pairwise(edges)]


def _rows(*chunks: bytes) -> list[Row]:
    reader = FormatReader()
    return [row for chunk in chunks for row in reader.read(chunk)] + list(reader.end())


def _lines(chunks: list[bytes], max_bytes: int) -> list[Line]:
    reader = LineReader(max_bytes)
    return [line for chunk in chunks for line in reader.read(chunk)] + list(reader.end())


@given(st.lists(st.integers(0, len(TEXT))))
def test_any_cut_gives_the_same_rows(cuts: list[int]):
    assert _rows(*_chunks(TEXT, cuts)) == ROWS


def test_bytes_one_by_one_give_the_same_rows():
    assert _rows(*(TEXT[at : at + 1] for at in range(len(TEXT)))) == ROWS


@given(st.binary(max_size=200) | st.text("ab \n\r", max_size=200).map(str.encode), st.lists(st.integers(0, 200)))
def test_lines_are_those_of_the_whole_text(text: bytes, cuts: list[int]):
    expected = [(at, line.strip()) for at, line in enumerate(text.split(b"\n"), 1) if line.strip()]
    if text.startswith(b"\xef\xbb\xbf"):
        return
    assert [(line.number, line.text) for line in _lines(_chunks(text, cuts), 1000)] == expected


@given(st.lists(st.integers(0, 100)))
def test_a_line_that_is_too_long_is_lost_alone(cuts: list[int]):
    text = b"short\n" + b"x" * 21 + b"\n\n" + b"y" * 20 + b"\n" + b"z" * 30
    assert _lines(_chunks(text, cuts), 20) == [Line(1, b"short"), Line(2, None), Line(4, b"y" * 20), Line(5, None)]


def test_a_line_that_is_too_long_is_not_kept():
    reader = LineReader(1000)
    for _ in range(1000):
        assert list(reader.read(b"x" * 1000)) == []
    assert reader._begun is None
    assert list(reader.read(b"\nnext\n")) == [Line(1, None), Line(2, b"next")]


def test_the_header_may_be_missing_and_sections_come_in_any_order():
    rows = _rows(b'{"Section": "Twins"}\n1\n{"Section": "Models"}\n2\n{"Section": "Twins"}\n3')
    assert [(row.section, row.text) for row in rows] == [("Twins", b"1"), ("Models", b"2"), ("Twins", b"3")]


def test_an_unknown_section_and_its_rows_are_given_as_such():
    rows = _rows(b'{"Section": "Rooms"}\n1\n{"Section": "Twins"}\n2')
    assert [(row.line, row.section, row.text) for row in rows] == [
        (1, "Rooms", b'{"Section": "Rooms"}'),
        (2, "Rooms", b"1"),
        (4, "Twins", b"2"),
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b"\n$dtId,$model\n", 2),
        (b'{"$dtId": "room"}', 1),
        (b'{"Section": "Header"}\n{"fileVersion": "2.0.0"}', 2),
        (b'{"Section": "Header"}\n{"author": "me"}', 2),
        (b'{"Section": "Header"}\n\n[]', 3),
        (b'{"Section": "Header"}\nno JSON', 2),
        (b'{"Section": ["Header"]}', 1),
    ],
)
def test_a_text_of_another_kind_is_refused_where_it_shows(text: bytes, line: int):
    with pytest.raises(TwinfrontError) as caught:
        _rows(text)
    assert (caught.value.reason, caught.value.message.startswith(f"chunk: line {line} ")) == ("INVALID_ARGUMENT", True)


def test_what_is_written_is_read():
    text = section_line(Section.HEADER) + header_line("me") + section_line(Section.TWINS) + row_line({"$dtId": "ü"})
    assert _rows(text) == [Row(4, Section.TWINS, '{"$dtId":"ü"}'.encode())]
