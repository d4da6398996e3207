"""The import format: newline-delimited JSON in sections, read as a stream in batches of rows.

The sections Header, Models, Twins and Relationships stand in this order, each opened by a line of its own such as
`{"Section": "Twins"}`; only Header is required. Its one row tells the `fileVersion`. A byte order mark at the
beginning, blank lines and white space around anything are fine, since the tools that write such files leave them.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import orjson

from localtwins import errors
from localtwins.settings import Settings

FILE_VERSION: Final = "1.0.0"
BATCH_ROWS: Final = 256
"""Small enough that other writes never wait long behind a batch, large enough that few commits are needed."""
BATCH_BYTES: Final = 4 * 1024 * 1024
"""Ends a batch of large rows earlier: they are in memory together."""
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_MAY_OPEN_SECTION: Final = re.compile(rb'\{\s*"Section"')


class Section(StrEnum):
    """The sections, in the order in which they have to come."""

    HEADER = "Header"
    MODELS = "Models"
    TWINS = "Twins"
    RELATIONSHIPS = "Relationships"


_ORDER: Final = {section: index for index, section in enumerate(Section)}


@dataclass(frozen=True, slots=True)
class Position:
    """A place between two lines, at which reading can go on later.

    Attributes:
        offset: in bytes.
        line: the number of lines before it.
        section: the section that it is in.
        rows: the number of that section's rows before it.
    """

    offset: int = 0
    line: int = 0
    section: Section | None = None
    rows: int = 0


START: Final = Position()


@dataclass(slots=True)  # not frozen, which takes longer to make: a file has millions
class Row:
    """One line of a section, not parsed yet, and its number counted from 1."""

    line: int
    text: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one section that follow each other, and the position behind them.

    All models come in one batch. A section without rows comes as a batch without rows.
    """

    section: Section
    rows: tuple[Row, ...]
    position: Position


@dataclass(frozen=True, slots=True)
class FormatLimits:
    """Limits the rows of a section, the bytes of a line, and the rows of a batch."""

    rows: Mapping[Section, int]
    line_bytes: int
    batch_rows: int = BATCH_ROWS

    @classmethod
    def of(cls, settings: Settings) -> "FormatLimits":
        """Takes the limits from the settings."""
        rows = {
            Section.MODELS: settings.max_import_models,
            Section.TWINS: settings.max_import_twins,
            Section.RELATIONSHIPS: settings.max_import_relationships,
        }
        # The limits on models and twins count compact JSON; a line may have some white space besides.
        return cls(rows, 4 * max(settings.max_model_bytes, settings.max_twin_bytes))


async def read_batches(
    chunks: AsyncIterator[bytes], limits: FormatLimits, position: Position = START
) -> AsyncGenerator[Batch]:
    """Reads a file that arrives in chunks of any size, the first of which begins at `position`.

    Raises:
        ImportFileError: the file is not in the format or beyond its limits; the rows before that place were given.
    """
    reading = _Reading(limits, position)
    rest = b""
    try:
        async for chunk in chunks:
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                batch = reading.take(line, len(line) + 1)
                if batch is not None:
                    yield batch
            reading.check_length(rest)
        batch = reading.take(rest, len(rest))
        if batch is not None:
            yield batch
        reading.end()
    except errors.ImportFileError:
        batch = reading.pending()
        if batch is not None:
            yield batch
        raise
    batch = reading.pending()
    if batch is not None:
        yield batch


class _Reading:
    """Knows the current section and its rows that are not given out yet."""

    def __init__(self, limits: FormatLimits, position: Position) -> None:
        self._limits = limits
        self._offset = position.offset
        self._line = position.line
        self._section = position.section
        self._count = position.rows
        self._rows: list[Row] = []
        self._bytes = 0
        self._header_read = position.section is not None
        # Whether the current section still has to be given out, with rows or without.
        self._due = False

    def take(self, line: bytes, size: int) -> Batch | None:
        """Takes the next line and its size with the line break; gives a batch if that completes one."""
        self.check_length(line)
        if self._offset == 0:
            line = line.removeprefix(_BYTE_ORDER_MARK)
        text = line.strip()
        opened = _opened_section(text)
        batch = None
        if opened is not None:
            section = self._next_section(opened)
            batch = self.pending()
            self._section, self._count, self._due = section, 0, section is not Section.HEADER
        elif text:
            self._row(text)
        self._offset += size
        self._line += 1
        is_full = len(self._rows) >= self._limits.batch_rows or self._bytes >= BATCH_BYTES
        if is_full and self._section is not Section.MODELS:
            batch = self.pending()
        return batch

    def pending(self) -> Batch | None:
        """Gives the rows of the current section that are not given out yet."""
        if not self._due or self._section is None:
            return None
        batch = Batch(self._section, tuple(self._rows), Position(self._offset, self._line, self._section, self._count))
        self._rows = []
        self._bytes = 0
        self._due = False
        return batch

    def end(self) -> None:
        """Checks that the file may end here.

        Raises:
            ImportFileError: its Header is not complete.
        """
        if not self._header_read:
            raise self._error("The file ends before its Header is complete.")

    def check_length(self, line: bytes) -> None:
        """Checks the length of a line, even one that has not come to its end.

        Raises:
            ImportFileError: it is too long.
        """
        if len(line) > self._limits.line_bytes:
            raise self._error(f"The line is longer than {self._limits.line_bytes} bytes.")

    def _next_section(self, name: str) -> Section:
        try:
            section = Section(name)
        except ValueError:
            raise self._error(f"There is no section {name[:40]!r}; the sections are {', '.join(Section)}.") from None
        if self._section is None and section is not Section.HEADER:
            raise self._error(f"The first section must be Header, and not {section}.")
        if self._section is not None:
            if not self._header_read:
                raise self._error(f"The section Header has no row before the section {section}.")
            if _ORDER[section] <= _ORDER[self._section]:
                raise self._error(f"The section {section} cannot come after the section {self._section}.")
        return section

    def _row(self, text: bytes) -> None:
        if self._section is None:
            raise self._error("The file must begin with the section Header.")
        if self._section is Section.HEADER:
            self._header(text)
            return
        limit = self._limits.rows[self._section]
        if self._count >= limit:
            raise errors.import_limit_exceeded(self._line + 1, self._section, limit)
        self._count += 1
        self._rows.append(Row(self._line + 1, text))
        self._bytes += len(text)
        self._due = True

    def _header(self, text: bytes) -> None:
        if self._header_read:
            raise self._error("The section Header has one row, and a section must follow it.")
        try:
            header = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise self._error(f"The row of the section Header is not valid JSON: {error}.") from None
        version = header.get("fileVersion") if isinstance(header, dict) else None
        if version != FILE_VERSION:
            raise self._error(f"The fileVersion in the section Header must be {FILE_VERSION}.")
        self._header_read = True

    def _error(self, problem: str) -> errors.ImportFileError:
        return errors.import_file_invalid(self._line + 1, problem)


def _opened_section(text: bytes) -> str | None:
    if not _MAY_OPEN_SECTION.match(text):
        return None
    try:
        row = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    name = row.get("Section") if isinstance(row, dict) and len(row) == 1 else None
    return name.strip() if isinstance(name, str) else None
