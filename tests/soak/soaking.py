"""A soak from beginning to end."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from prometheus_client.parser import text_string_to_metric_families
from tests.interop import load_process
from tests.interop.languages import Language
from tests.rpc.serving.process import ServedProcess

from twinfront import TlsConfig, TwinfrontClient

from . import load
from .clients import Callers, lost
from .held_cache import HeldCache
from .load import Seen
from .report import Report
from .scene import Scene, scene
from .watching import Watch, growth

_PAUSE_SECONDS: Final = 4.0
"""Between two things that happen."""

_SETTLING_SECONDS: Final = 20.0
_IN_FLIGHT: Final = "twinfront_in_flight_requests"
_CHECKOUT: Final = Path(__file__).parents[2]


def soak(seconds: float, seed: int, languages: Sequence[Language]) -> Report:
    """Runs everything for so many seconds, with the clients of these languages."""
    with tempfile.TemporaryDirectory() as made, scene(seed) as stage:
        folder = Path(made)
        tls = TlsConfig(ca=stage.authority.cert.read_bytes(), server_name="localhost")
        with (
            TwinfrontClient(stage.target, tls=tls, token=stage.token.read_text) as client,
            Watch(stage.lasting.process.pid) as watch,
            ExitStack() as stack,
        ):
            client.create_models([load.MODEL, load_process.MODEL])
            held = stack.enter_context(HeldCache(client))
            clients = {each.name: Callers(each, _arguments(stage), client, folder) for each in languages}
            began = time.monotonic()
            end = began + seconds
            file = folder / "seen.json"
            words = [stage.target, str(stage.authority.cert), str(stage.token), str(seconds), str(file)]
            followed = subprocess.Popen([sys.executable, "-m", "tests.soak.load", *words], cwd=_CHECKOUT)
            with ThreadPoolExecutor() as pool:
                running = [pool.submit(callers.run_until, end) for callers in clients.values()]
                while time.monotonic() < end:
                    time.sleep(_PAUSE_SECONDS)
                    stage.happenings.next()
                for each in running:
                    each.result()
            stage.calm_down()
            if followed.wait():
                raise RuntimeError("the callers gave up")
            taken = time.monotonic() - began
            seen = Seen(**json.loads(file.read_text()))
            seen.problems += [*lost(client, seen.acknowledged), *held.problems()]
        return Report(
            seconds=taken,
            seen=seen,
            cache=dict(held.told),
            clients={name: callers.seen for name, callers in clients.items()},
            happened=dict(stage.happenings.times),
            growth=growth(watch.samples),
            in_flight=_in_flight(stage.lasting),
        )


def _arguments(stage: Scene) -> list[str]:
    """Gives what a client's program has to be told to reach the fronts."""
    words = {"address": stage.target, "ca": stage.authority.cert, "server-name": "localhost", "token": stage.token}
    return [text for name, value in words.items() for text in (f"--{name}", str(value))]


def _in_flight(front: ServedProcess) -> float:
    """Counts the calls in flight once none should be; those whose callers are gone end within seconds."""
    end = time.monotonic() + _SETTLING_SECONDS
    while True:
        families = text_string_to_metric_families(front.metrics())
        calls = sum(each.value for family in families if family.name == _IN_FLIGHT for each in family.samples)
        if not calls or time.monotonic() > end:
            return calls
        time.sleep(0.5)
