"""The builds of the clients: once in a test run, be it one process or several."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from filelock import FileLock

from .languages import Language


class Builds:
    """The builds of a test run.

    Args:
        folder: where the processes of the run leave word for each other what is built.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def build(self, language: Language) -> None:
        """Builds a client, or waits for whoever builds it; RuntimeError with what the build said if it failed."""
        word = self._folder / f"{language.name}.built"
        with FileLock(self._folder / f"{language.name}.lock"):
            if not word.exists():
                try:
                    language.build()
                except RuntimeError as error:
                    word.write_text(str(error))
                else:
                    word.touch()
            if problem := word.read_text():
                raise RuntimeError(problem)

    def succeeds(self, language: Language) -> bool:
        """Whether a client can be built."""
        try:
            self.build(language)
        except RuntimeError:
            return False
        return True


def in_background(jobs: Sequence[Callable[[], object]]) -> None:
    """Does one job after the other while tests run; whatever comes of one is for the tests that need it to find out."""

    def work() -> None:
        for job in jobs:
            try:
                job()
            except BaseException:  # noqa: BLE001  (a skip is one)
                continue

    threading.Thread(target=work, daemon=True).start()
