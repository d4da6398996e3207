"""Shows imports to people: a bar while they go on, and what failed at the end."""

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn

from twinfront import ImportProgress, ImportReport, ImportResult, TwinfrontClient, TwinfrontError
from twinfront._cli.exit_codes import exit_code_of_all
from twinfront._cli.graph_files import STDIN, Item
from twinfront._cli.numbers import counted
from twinfront._cli.output import errors
from twinfront._cli.reporting import report
from twinfront._imports import NOTHING

_REPORTED: Final = 20
_CHUNK: Final = 256 << 10


@dataclass(slots=True)
class Totals:
    """Counts the items of each kind that were imported, in all parts together."""

    models: int = 0
    unchanged: int = 0
    twins: int = 0
    relationships: int = 0
    failed: int = 0

    def add(self, progress: ImportProgress) -> None:
        """Adds what came of one part."""
        self.models += progress.models_imported
        self.twins += progress.digital_twins_imported
        self.relationships += progress.relationships_imported
        self.failed += progress.failed

    def __str__(self) -> str:
        models = self.models - self.unchanged
        named = {"model": models, "twin": self.twins, "relationship": self.relationships}
        return ", ".join(counted(number, name) for name, number in named.items() if number) or "nothing"


@dataclass(frozen=True, slots=True)
class _Pieces:
    """Reads a file from its beginning, each time that it is iterated over."""

    path: Path
    read: Callable[[int], None]
    """Is told how many bytes were read."""

    def __iter__(self) -> Iterator[bytes]:
        is_stdin = str(self.path) == STDIN
        total = 0
        # Unbuffered, because Python aborts when it ends while another thread waits in a buffered read.
        with open(sys.stdin.fileno() if is_stdin else self.path, "rb", buffering=0, closefd=not is_stdin) as file:
            while piece := file.read(_CHUNK):
                total += len(piece)
                self.read(total)
                yield piece


@dataclass(slots=True)
class GraphImport:
    """Imports one part after the other, inside a `with` block that shows the bar."""

    client: TwinfrontClient
    dry_run: bool = False
    timeout: float | None = None
    totals: Totals = field(default_factory=Totals)
    _errors: list[TwinfrontError] = field(default_factory=list)
    _failed_models: set[str] = field(default_factory=set)
    _progress: Progress = field(init=False)

    def __post_init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[counts]}", markup=False),
            TimeElapsedColumn(),
            console=errors(),
            disable=not sys.stderr.isatty(),
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.stop()

    def items(self, name: str, items: list[Item]) -> None:
        """Imports what was read from JSON files.

        Models are immutable, so those that are there already, and do not fail, stay as they are.
        """
        if not items:
            return
        there = self._models_there(items)
        failed = len(self._failed_models & there)
        task = self._progress.add_task(name, total=len(items), counts="")
        documents = [item.document for item in items]
        reports = self.client.import_graph(
            documents, failures_only=True, validate_only=self.dry_run, timeout=self.timeout
        )
        self._run(task, reports, lambda result: items[result.index].origin)
        self.totals.unchanged += len(there) - (len(self._failed_models & there) - failed)
        self._progress.update(task, completed=len(items))

    def _models_there(self, items: list[Item]) -> set[str]:
        """Reads which of the models are there."""
        wanted = {str(item.document.get("@id")) for item in items if "@id" in item.document}
        return {model.id for model in self.client.list_models(timeout=self.timeout)} & wanted if wanted else set()

    def text(self, path: Path) -> None:
        """Imports a file in the import format; `-` is stdin, which cannot be gone on with."""
        is_stdin = str(path) == STDIN
        name, total = ("stdin", None) if is_stdin else (str(path), path.stat().st_size)
        task = self._progress.add_task(Path(name).name, total=total, counts="")

        pieces = _Pieces(path, lambda sent: self._progress.update(task, completed=sent))
        reports = self.client.import_graph_text(
            iter(pieces) if is_stdin else pieces,
            failures_only=True,
            validate_only=self.dry_run,
            timeout=self.timeout,
        )
        self._run(task, reports, lambda result: f"{name}:{result.line}")

    def _run(self, task: TaskID, reports: Iterable[ImportReport], origin: Callable[[ImportResult], str]) -> None:
        progress = NOTHING
        try:
            for news in reports:
                progress = news.progress
                self._note(news, origin)
                self._progress.update(task, counts=f"{progress.failed} failed" if progress.failed else "")
        finally:
            self.totals.add(progress)

    def _note(self, news: ImportReport, origin: Callable[[ImportResult], str]) -> None:
        for result in news.results:
            if result.error is not None:
                self._errors.append(result.error)
                resource = result.resource.removeprefix("models/")
                if resource != result.resource:
                    self._failed_models.add(resource)
                if len(self._errors) <= _REPORTED:
                    report(result.error, " ".join(filter(None, (origin(result), resource))))

    def summary(self) -> int:
        """Prints what was done and what failed; gives the exit code for it."""
        done = "would be applied" if self.dry_run else "applied"
        others = {"unchanged": self.totals.unchanged, "failed": self.totals.failed}
        print(", ".join([f"{self.totals} {done}", *(f"{number} {how}" for how, number in others.items() if number)]))
        if len(self._errors) > _REPORTED:
            reasons = Counter(error.reason or error.code.name for error in self._errors)
            counts = ", ".join(f"{reason} {count} times" for reason, count in reasons.most_common())
            print(f"Only the first {_REPORTED} failures are shown; in all: {counts}", file=sys.stderr)
        if self.dry_run and self._errors:
            print("A dry run sees the graph as it is, and nothing that these files would add to it.", file=sys.stderr)
        return exit_code_of_all(self._errors)


def import_all(imported: GraphImport, parts: Iterable[tuple[str, list[Item]] | Path]) -> int:
    """Imports items and files in their order, and prints the summary, also when something ends it early."""
    try:
        with imported:
            for part in parts:
                if isinstance(part, Path):
                    imported.text(part)
                else:
                    imported.items(*part)
    except BaseException:
        imported.summary()
        raise
    return imported.summary()
