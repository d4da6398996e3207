"""One server for all hostile requests, and somebody who asks for its health meanwhile."""

from collections.abc import Iterator

import pytest

from twinfront import Component, DigitalTwin, Relationship, TwinfrontClient

from ..rpc.serving.process import ServedProcess, start
from . import documents
from .health import HealthWatch
from .measuring import Usage

MEASURED: dict[str, Usage] = {}
"""What each hostile request cost."""


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedProcess]:
    served = start(tmp_path_factory.mktemp("hostile"), [], {"LOCALTWINS_MAX_MODELS": "1000000"})
    try:
        furnish(served.address)
        yield served
        served.signal()
        served.exit_code()
    finally:
        served.end()


def furnish(address: str) -> None:
    """What hostile requests refer to."""
    room = DigitalTwin(
        model_id=documents.MODEL_ID, properties={"note": "x"}, components={"thermostat": Component({"note": "x"})}
    )
    with TwinfrontClient(address) as client:
        client.create_models([documents.MODEL, documents.THERMOSTAT])
        for twin_id in ("room", "hall"):
            client.create_or_replace_digital_twin(twin_id, room)
        client.create_or_replace_relationship("room", "r", Relationship(name="feeds", target_id="hall"))


@pytest.fixture(scope="session")
def health(served: ServedProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HealthWatch]:
    watch = HealthWatch(served.address, tmp_path_factory.mktemp("health") / "answers")
    yield watch
    watch.end()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if MEASURED:
        by_cpu = max(MEASURED, key=lambda name: MEASURED[name].cpu)
        by_memory = max(MEASURED, key=lambda name: MEASURED[name].memory)
        terminalreporter.write_line(f"{len(MEASURED)} hostile requests; at the worst")
        terminalreporter.write_line(f"  {MEASURED[by_cpu].cpu:.2f} s of processor time: {by_cpu}")
        terminalreporter.write_line(f"  {MEASURED[by_memory].memory:.0f} MB of memory: {by_memory}")
