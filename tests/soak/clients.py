"""The callers of each client, who begin anew again and again and are held against the truth each time."""

import re
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path
from typing import Final

from tests.interop.languages import Language
from tests.interop.load_process import LoadProcess, Outcome, counted_twins, imported_twins

from twinfront import NotFoundError, TwinfrontClient

from .load import Seen, patiently

_ROUND_SECONDS: Final = 10.0
"""A writer whose write failed in the eyes of its client has stopped, so callers begin anew after a while."""


class Callers:
    """The callers of one language, on twins that are deleted again.

    Attributes:
        seen: what they saw in all rounds; what is acknowledged was compared.
    """

    def __init__(self, language: Language, arguments: list[str], truth: TwinfrontClient, folder: Path) -> None:
        self.seen = Seen()
        self._language = language
        self._arguments = arguments
        self._truth = truth
        self._folder = folder

    def run_until(self, end: float) -> None:
        """Has them call until then, by the monotonic clock."""
        for number in count():
            seconds = min(_ROUND_SECONDS, end - time.monotonic())
            if seconds <= 0:
                return
            prefix = f"{self._language.name}-{number}"
            try:
                outcome = self._called(prefix, seconds)
            except (AssertionError, subprocess.TimeoutExpired) as error:
                self.seen.problems.append(f"the callers of {self._language.name} gave up: {error}")
            else:
                self._add(outcome)
            self._delete(prefix)

    def _called(self, prefix: str, seconds: float) -> Outcome:
        with LoadProcess(self._language, [*self._arguments, "--prefix", prefix], self._folder) as load:
            time.sleep(seconds)
            return load.stop()

    def _add(self, outcome: Outcome) -> None:
        self.seen.calls += outcome.calls
        for text, times in outcome.failures.items():
            self.seen.failed(reason_in(text), text, times)
        self.seen.problems += lost(self._truth, outcome.acknowledged)

    def _delete(self, prefix: str) -> None:
        for name in counted_twins(prefix) + imported_twins(prefix):
            patiently(partial(self._delete_one, name))

    def _delete_one(self, name: str) -> None:
        with suppress(NotFoundError):
            self._truth.delete_digital_twin(name)


def lost(client: TwinfrontClient, acknowledged: Mapping[str, int]) -> list[str]:
    """Tells the twins that are not as their writers were told; a write that nobody was told of may have been done."""
    problems = []
    for name, written in acknowledged.items():
        twin = patiently(partial(client.get_digital_twin, name))
        if twin["total"] not in {written, written + 1}:
            problems.append(f"{name} is at {twin['total']} in the end, and {written} was written")
    return problems


def reason_in(text: str) -> str:
    """Reads the reason, or the code if there is none, from the text of an error, as `[TWIN_NOT_FOUND] There is no …`.

    Codes are as each language writes them, such as `DeadlineExceeded`; a text without either stays as it is.
    """
    found = re.search(r"\[(\w+)\]", text)
    if found is None:
        return text
    return found[1] if found[1].isupper() else re.sub(r"(?<=.)(?=[A-Z])", "_", found[1]).upper()
