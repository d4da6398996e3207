"""The import format of Azure Digital Twins: newline-delimited JSON in sections, cut anywhere into chunks.

Sections are opened by a line of their own such as `{"Section": "Twins"}`. The Header's one row tells the
`fileVersion`. Import jobs ask for all sections in one order; here a text may leave out the Header and have the others
in any order and more than once, so that texts can be joined. A byte order mark, blank lines and white space around
anything are fine, since the tools that write such files leave them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import orjson

from twinfront_server.errors import TwinfrontError, invalid_argument

FILE_VERSION: Final = "1.0.0"

MAX_LINE_BYTES: Final = 4 << 20
"""The longest line that is read: the largest model has 1 MB of compact JSON, and may have some white space besides."""

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_INK: Final = re.compile(rb"\S")
_MAY_OPEN_SECTION: Final = re.compile(rb'\{\s*"Section"')


class Section(StrEnum):
    """The sections, in the order in which import jobs ask for them."""

    HEADER = "Header"
    MODELS = "Models"
    TWINS = "Twins"
    RELATIONSHIPS = "Relationships"


_SECTIONS: Final = {section.value: section for section in Section}


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is not blank, with its number from 1; its text is None if it is too long to be kept."""

    number: int
    text: bytes | None


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a section.

    Attributes:
        line: its number in the text, from 1.
        section: where it stands: Models, Twins or Relationships; or the name of a section that there is not.
        text: the line, None if it is longer than `MAX_LINE_BYTES`.
    """

    line: int
    section: Section | str
    text: bytes | None


class LineReader:
    """Cuts chunks into lines, holding no more than one line that has not ended yet.

    Args:
        max_bytes: the longest line that is kept.
    """

    def __init__(self, max_bytes: int = MAX_LINE_BYTES) -> None:
        self._max_bytes = max_bytes
        self._number = 1
        # The beginning of a line whose end has not come yet; None if it is longer than is kept.
        self._begun: bytearray | None = bytearray()

    def read(self, chunk: bytes) -> Iterator[Line]:
        """Gives the lines that end in this chunk; to be exhausted before the next chunk."""
        start = 0
        while start < len(chunk):
            if self._begun is not None and not self._begun:
                start = self._skip_blank(chunk, start)
            end = chunk.find(b"\n", start)
            if end < 0:
                self._keep(chunk, start, len(chunk))
                return
            self._keep(chunk, start, end)
            yield from self._take()
            self._number += 1
            start = end + 1

    def end(self) -> Iterator[Line]:
        """Gives the last line, if no line break followed it."""
        yield from self._take()

    def _skip_blank(self, chunk: bytes, start: int) -> int:
        """Passes over white space at the beginning of a line, blank lines included, without a step for each."""
        ink = _INK.search(chunk, start)
        end = len(chunk) if ink is None else ink.start()
        self._number += chunk.count(b"\n", start, end)
        return end

    def _keep(self, chunk: bytes, start: int, end: int) -> None:
        if self._begun is None:
            return
        if len(self._begun) + end - start > self._max_bytes:
            self._begun = None
        else:
            self._begun += chunk[start:end]

    def _take(self) -> Iterator[Line]:
        begun, self._begun = self._begun, bytearray()
        if begun is None:
            yield Line(self._number, None)
            return
        text = bytes(begun)
        if self._number == 1:
            text = text.removeprefix(_BYTE_ORDER_MARK)
        text = text.strip()
        if text:
            yield Line(self._number, text)


class FormatReader:
    """Reads chunks of a text in the import format as rows of its sections."""

    def __init__(self) -> None:
        self._lines = LineReader()
        self._section: Section | str | None = None

    def read(self, chunk: bytes) -> Iterator[Row]:
        """Gives the rows that end in this chunk; to be exhausted before the next chunk.

        Raises:
            TwinfrontError: INVALID_ARGUMENT naming `chunk` if the text does not begin with a section, or is of another
                version of the format: nothing of it can be read then.
        """
        for line in self._lines.read(chunk):
            yield from self._rows(line)

    def end(self) -> Iterator[Row]:
        """Gives the last row, if no line break followed it; raises as `read` does."""
        for line in self._lines.end():
            yield from self._rows(line)

    def _rows(self, line: Line) -> Iterator[Row]:
        opened = None if line.text is None else _opened_section(line.text)
        if opened is not None:
            self._section = _SECTIONS.get(opened, opened)
            if opened not in _SECTIONS:
                yield Row(line.number, opened, line.text)
        elif self._section is None:
            raise _unreadable(line.number, 'must be a section\'s, such as {"Section": "Header"}')
        elif self._section is Section.HEADER:
            _check_header(line)
        else:
            yield Row(line.number, self._section, line.text)


def section_line(section: Section) -> bytes:
    """Gives the line that opens a section."""
    return row_line({"Section": section})


def header_line(author: str) -> bytes:
    """Gives the one row of the Header."""
    return row_line({"fileVersion": FILE_VERSION, "author": author, "organization": ""})


def row_line(row: Any) -> bytes:
    """Writes a row with its line break."""
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


def _opened_section(text: bytes) -> str | None:
    if not _MAY_OPEN_SECTION.match(text):
        return None
    try:
        row = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    name = row.get("Section") if len(row) == 1 else None
    return name.strip() if isinstance(name, str) else None


def _check_header(line: Line) -> None:
    try:
        header = orjson.loads(line.text or b"")
    except orjson.JSONDecodeError as error:
        raise _unreadable(line.number, f"must be the Header's row, and is not JSON: {error}") from None
    version = header.get("fileVersion") if isinstance(header, dict) else None
    if version != FILE_VERSION:
        raise _unreadable(line.number, f"must be the Header's row, with the fileVersion {FILE_VERSION}")


def _unreadable(line: int, problem: str) -> TwinfrontError:
    return invalid_argument("chunk", f"line {line} {problem}")
