"""Reading the import format as a stream."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localtwins.errors import JobError
from localtwins.jobs.import_format import (
    BATCH_BYTES,
    BATCH_ROWS,
    START,
    Batch,
    FormatLimits,
    Position,
    Section,
    read_batches,
)

HEADER = ['{"Section":"Header"}', '{"fileVersion":"1.0.0"}']
LIMITS = FormatLimits({Section.MODELS: 1000, Section.TWINS: 1000, Section.RELATIONSHIPS: 1000}, 10_000)
FULL = "\n".join(
    [
        *HEADER,
        '{"Section":"Models"}',
        *(f'{{"@id":{number}}}' for number in range(BATCH_ROWS + 1)),
        '{"Section":"Twins"}',
        *(f'{{"$dtId":"ü{number}"}}' for number in range(2 * BATCH_ROWS + 1)),
        '{"Section":"Relationships"}',
        '{"$relationshipId":"r"}',
    ]
).encode()


async def _chunks(content: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def read(
    content: bytes | Iterable[str], *, size: int = 1 << 20, limits: FormatLimits = LIMITS, position: Position = START
) -> list[Batch]:
    text = content if isinstance(content, bytes) else "\n".join(content).encode()
    return [batch async for batch in read_batches(_chunks(text, size), limits, position)]


def rows(batches: list[Batch]) -> list[tuple[Section, int, bytes]]:
    return [(batch.section, row.line, row.text) for batch in batches for row in batch.rows]


async def test_all_models_come_in_one_batch_and_others_in_several():
    batches = await read(FULL)
    assert [(batch.section, len(batch.rows)) for batch in batches] == [
        (Section.MODELS, BATCH_ROWS + 1),
        (Section.TWINS, BATCH_ROWS),
        (Section.TWINS, BATCH_ROWS),
        (Section.TWINS, 1),
        (Section.RELATIONSHIPS, 1),
    ]


async def test_a_batch_has_as_many_rows_as_is_asked_for():
    limits = replace(LIMITS, batch_rows=200)
    batches = await read(FULL, limits=limits)
    assert [len(batch.rows) for batch in batches if batch.section is Section.TWINS] == [200, 200, 113]


async def test_large_rows_make_smaller_batches():
    row = '{"$dtId":"a","text":"' + "x" * (BATCH_BYTES // 4) + '"}'
    limits = replace(LIMITS, line_bytes=BATCH_BYTES)
    batches = await read([*HEADER, '{"Section":"Twins"}', *[row] * 9], limits=limits)
    assert [len(batch.rows) for batch in batches] == [4, 4, 1]


async def test_rows_know_their_lines():
    assert rows(await read([*HEADER, '{"Section":"Twins"}', "", '{"$dtId":"a"}'])) == [
        (Section.TWINS, 5, b'{"$dtId":"a"}')
    ]


@given(st.integers(1, 5000))
async def test_the_size_of_chunks_does_not_matter(size: int):
    assert await read(FULL, size=size) == await read(FULL)


async def test_reading_can_go_on_behind_any_batch():
    batches = await read(FULL)
    for done, batch in enumerate(batches, start=1):
        position = batch.position
        assert rows(await read(FULL[position.offset :], position=position)) == rows(batches[done:])


async def test_a_header_is_enough():
    assert await read(HEADER) == []


async def test_a_section_without_rows_is_told():
    batches = await read([*HEADER, '{"Section":"Models"}', '{"Section":"Twins"}'])
    assert [(batch.section, batch.rows) for batch in batches] == [(Section.MODELS, ()), (Section.TWINS, ())]


async def test_sections_may_be_left_out():
    assert [batch.section for batch in await read([*HEADER, '{"Section":"Relationships"}'])] == [Section.RELATIONSHIPS]


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + b"\n".join(line.encode() for line in [*HEADER, '{"Section":"Twins"}', "{}"]),
        "\n".join([*HEADER, '{"Section":"Twins"}', "{}", ""]).encode(),
        "\r\n".join([*HEADER, '{"Section":"Twins"}', "{}", "", ""]).encode(),
        "\n".join([HEADER[0], "", HEADER[1], "", ' \t{ "Section" :\t"Twins" } ', "{}"]).encode(),
        "\n".join([*HEADER, '{"Section":" Twins "}', " {} "]).encode(),
    ],
    ids=["byte order mark", "empty last line", "CRLF", "white space", "white space in the name"],
)
async def test_what_tools_leave_in_files(content: bytes):
    (batch,) = await read(content)
    assert (batch.section, [row.text for row in batch.rows]) == (Section.TWINS, [b"{}"])


async def test_a_twin_may_have_a_property_named_section():
    (batch,) = await read([*HEADER, '{"Section":"Twins"}', '{"Section":"Models","$dtId":"x"}'])
    assert len(batch.rows) == 1


@pytest.mark.parametrize(
    ("lines", "line", "problem"),
    [
        ([], 2, "ends before its Header"),
        (["{}"], 1, "must begin with the section Header"),
        (["not JSON"], 1, "must begin with the section Header"),
        (['{"Section":"Twins"}'], 1, "first section must be Header"),
        (HEADER[:1], 2, "ends before its Header"),
        ([HEADER[0], '{"Section":"Twins"}'], 2, "has no row"),
        ([HEADER[0], "{"], 2, "not valid JSON"),
        ([HEADER[0], "[]"], 2, "fileVersion"),
        ([HEADER[0], '{"fileVersion":"1.1"}'], 2, "fileVersion"),
        ([*HEADER, "{}"], 3, "has one row"),
        ([*HEADER, '{"Section":"Things"}'], 3, "no section 'Things'"),
        ([*HEADER, '{"Section":"Header"}'], 3, "cannot come after"),
        ([*HEADER, '{"Section":"Twins"}', '{"Section":"Models"}'], 4, "cannot come after"),
        ([*HEADER, '{"Section":"Twins"}', "x" * 10_001], 4, "longer than 10000 bytes"),
    ],
)
async def test_what_is_not_in_the_format(lines: list[str], line: int, problem: str):
    with pytest.raises(JobError, match=problem) as raised:
        await read(lines)
    assert raised.value.code == "ValidationFailed"
    assert f"Line {line}:" in raised.value.message


async def test_a_line_without_end_is_not_kept():
    async def endless() -> AsyncIterator[bytes]:
        yield "\n".join([*HEADER, '{"Section":"Twins"}', ""]).encode()
        while True:
            yield b"x" * 4096

    with pytest.raises(JobError, match="Line 4: The line is longer"):
        [batch async for batch in read_batches(endless(), LIMITS)]


async def test_rows_before_a_problem_are_given_first():
    content = "\n".join([*HEADER, '{"Section":"Twins"}', "{}", '{"Section":"Twins"}']).encode()
    batches = read_batches(_chunks(content, 1000), LIMITS)
    assert len(rows([await anext(batches)])) == 1
    with pytest.raises(JobError):
        await anext(batches)


async def test_a_section_with_too_many_rows():
    limits = FormatLimits({**LIMITS.rows, Section.TWINS: 2}, 1000)
    assert len(rows(await read([*HEADER, '{"Section":"Twins"}', "{}", "{}"], limits=limits))) == 2
    with pytest.raises(JobError) as raised:
        await read([*HEADER, '{"Section":"Twins"}', "{}", "{}", "{}"], limits=limits)
    assert raised.value.code == "LimitExceeded"


async def test_the_limit_counts_rows_before_an_interruption():
    limits = FormatLimits({**LIMITS.rows, Section.TWINS: 2}, 1000)
    with pytest.raises(JobError):
        await read(b"{}", limits=limits, position=Position(10, 3, Section.TWINS, 2))
