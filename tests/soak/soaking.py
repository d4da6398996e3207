"""A soak from beginning to end."""

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Final

from prometheus_client.parser import text_string_to_metric_families
from tests.interop.building import Builds
from tests.interop.languages import Language
from tests.interop.scenarios import scenarios
from tests.rpc.serving.process import ServedProcess

from twinfront import TlsConfig, TwinfrontClient

from .load import MODEL, Seen
from .report import Report
from .scene import Scene, scene
from .watching import Watch, growth

_PAUSE_SECONDS: Final = 4.0
"""Between two things that happen."""

_SETTLING_SECONDS: Final = 20.0
_IN_FLIGHT: Final = "twinfront_in_flight_requests"
_CHECKOUT: Final = Path(__file__).parents[2]


class OtherClients:
    """The clients of other languages, each of which runs the scenarios again and again.

    Attributes:
        counts: by language, runs and those that were broken off.
        errors: by code and reason, what steps met that they did not expect.
    """

    def __init__(self, languages: Sequence[Language], scene: Scene, folder: Path, end: float) -> None:
        self.counts = {language.name: {"runs": 0, "broken": 0} for language in languages}
        self.errors: Counter[str] = Counter()
        self._scene = scene
        self._folder = folder
        self._end = end
        self.threads = [threading.Thread(target=self._run, args=(language,)) for language in languages]

    def _run(self, language: Language) -> None:
        for number in count():
            if time.monotonic() > self._end:
                return
            wanted = scenarios(f"{language.prefix}{_letters(number)}q")
            file = wanted.write(self._folder / f"{language.name}.json")
            words = [
                "--address",
                self._scene.lasting.address,
                "--ca",
                str(self._scene.authority.cert),
                "--server-name",
                "localhost",
                str(file),
            ]
            try:
                lines = language.run_scenarios(words)
            except (RuntimeError, subprocess.TimeoutExpired):
                # A fault may leave a scenario without what its next steps need.
                self.counts[language.name]["broken"] += 1
                continue
            self.counts[language.name]["runs"] += 1
            expected = {step.place: step.expect["code"] for step in wanted.steps}
            for line in lines:
                if line.get("code") != expected.get((line["scenario"], line["step"])):
                    self.errors[f"{line.get('code')} {line.get('error', {}).get('reason') or '(none)'}"] += 1


def soak(seconds: float, seed: int, *, python_only: bool = False) -> Report:
    """Runs everything for so many seconds."""
    with tempfile.TemporaryDirectory() as made, scene(seed) as stage:
        folder = Path(made)
        built = [] if python_only else Builds(folder).all_that_succeed()
        tls = TlsConfig(ca=stage.authority.cert.read_bytes(), server_name="localhost")
        with (
            TwinfrontClient(stage.target, tls=tls, token=stage.token.read_text) as client,
            Watch(stage.lasting.process.pid) as watch,
        ):
            client.create_models([MODEL])
            began = time.monotonic()
            file = folder / "seen.json"
            words = [stage.target, str(stage.authority.cert), str(stage.token), str(seconds), str(file)]
            load = subprocess.Popen([sys.executable, "-m", "tests.soak.load", *words], cwd=_CHECKOUT)
            others = OtherClients(built, stage, folder, began + seconds)
            for thread in others.threads:
                thread.start()
            while time.monotonic() < began + seconds:
                time.sleep(_PAUSE_SECONDS)
                stage.happen()
            for thread in others.threads:
                thread.join()
            stage.calm_down()
            if load.wait():
                raise RuntimeError("the callers gave up")
            taken = time.monotonic() - began
            seen = Seen(**json.loads(file.read_text()))
            lost = _lost(client, seen)
        return Report(
            seconds=taken,
            seen=seen,
            clients=others.counts,
            client_errors=dict(others.errors),
            happened=dict(stage.happened),
            growth=growth(watch.samples),
            in_flight=_in_flight(stage.lasting),
            lost=lost,
        )


def _lost(client: TwinfrontClient, seen: Seen) -> list[str]:
    """Tells the twins that are not as their writers were told; a write that nobody was told of may have been done."""
    found = {name: int(str(client.get_digital_twin(name)["total"])) for name in seen.acknowledged}
    return [
        f"{name} is at {found[name]} in the end, and {written} was written"
        for name, written in seen.acknowledged.items()
        if found[name] not in {written, written + 1}
    ]


def _in_flight(front: ServedProcess) -> float:
    """Counts the calls in flight once none should be; those whose callers are gone end within seconds."""
    end = time.monotonic() + _SETTLING_SECONDS
    while True:
        families = text_string_to_metric_families(front.metrics())
        calls = sum(each.value for family in families if family.name == _IN_FLIGHT for each in family.samples)
        if not calls or time.monotonic() > end:
            return calls
        time.sleep(0.5)


def _letters(number: int) -> str:
    """Writes a number in letters, since it becomes part of ids of models."""
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))
