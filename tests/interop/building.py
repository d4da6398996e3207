"""The builds of the clients: once in a test run, be it one process or several."""

import contextlib
import os
import pickle
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from filelock import FileLock

from .kept_builds import runnable
from .languages import LANGUAGES, Language, left_out


class Builds:
    """The builds of a test run.

    Args:
        folder: where the processes of the run leave word for each other what is built.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def build(self, language: Language) -> Language:
        """Builds a client, or waits for whoever builds it, and gives it as it can be run.

        Raises:
            RuntimeError: with what the build said if it failed.
        """
        word = self._folder / f"{language.name}.built"
        with FileLock(self._folder / f"{language.name}.lock"):
            if not word.exists():
                try:
                    built = runnable(language, anew=os.environ.get("TWINFRONT_EVERY_CLIENT") == "1")
                except RuntimeError as error:
                    word.write_bytes(pickle.dumps(error))
                else:
                    word.write_bytes(pickle.dumps(built))
            told = pickle.loads(word.read_bytes())
        if isinstance(told, RuntimeError):
            raise told
        assert isinstance(told, Language)
        return told

    def all_that_succeed(self) -> list[Language]:
        """Builds every client whose toolchain is there, and gives those whose build succeeds."""
        built = []
        for language in LANGUAGES:
            if not left_out(language):
                with contextlib.suppress(RuntimeError):
                    built.append(self.build(language))
        return built


def in_background(jobs: Sequence[Callable[[], object]]) -> None:
    """Does one job after the other while tests run; whatever comes of one is for the tests that need it to find out."""

    def work() -> None:
        for job in jobs:
            try:
                job()
            except BaseException:  # noqa: BLE001  (a skip is one)
                continue

    threading.Thread(target=work, daemon=True).start()
