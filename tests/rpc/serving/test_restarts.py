"""A server that stops and starts again, under programs that write."""

import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from twinfront import DigitalTwin, TwinfrontClient, TwinfrontError, patch

from .process import ServedProcess, wait_until

MODEL = {
    "@context": "dtmi:dtdl:context;3",
    "@id": "dtmi:test:Counter;1",
    "@type": "Interface",
    "contents": [{"@type": "Property", "name": "total", "schema": "long"}],
}
WRITERS = 4


class Writer(threading.Thread):
    """Counts up in a twin of its own, and keeps how often it was told that this was done, and every error."""

    def __init__(self, client: TwinfrontClient, twin: str, stop: threading.Event) -> None:
        super().__init__()
        self.twin = twin
        self.done = 0
        self.errors: list[TwinfrontError] = []
        self._client = client
        self._stop_writing = stop

    def run(self) -> None:
        while not self._stop_writing.is_set():
            try:
                self._client.update_with_retry(self.twin, lambda twin: patch().replace("/total", twin["total"] + 1))
                self.done += 1
            except TwinfrontError as error:
                self.errors.append(error)


def test_a_restart_hands_writers_no_error_and_does_nothing_twice(
    serve: Callable[..., ServedProcess], tmp_path: Path
) -> None:
    words = ("--data-dir", tmp_path, "--drain-grace", "5s")
    served = serve(*words)
    connected = [TwinfrontClient(served.address) for _ in range(2)]
    stop = threading.Event()
    writers = [Writer(connected[number % 2], f"counter-{number}", stop) for number in range(WRITERS)]
    connected[0].create_models([MODEL])
    for writer in writers:
        connected[0].create_or_replace_digital_twin(
            writer.twin, DigitalTwin(model_id="dtmi:test:Counter;1", properties={"total": 0})
        )
    for writer in writers:
        writer.start()

    def all_get_on(steps: int) -> None:
        aims = [(writer, writer.done + steps) for writer in writers]
        wait_until(lambda: all(writer.done >= aim for writer, aim in aims))

    all_get_on(20)
    served.signal()
    assert served.exit_code() == 0
    serve(*words, "--listen", served.address)
    all_get_on(2)
    stop.set()
    for writer in writers:
        writer.join()
    totals = [connected[0].get_digital_twin(writer.twin)["total"] for writer in writers]
    for client in connected:
        client.close()
    assert [error for writer in writers for error in writer.errors] == []
    assert totals == [writer.done for writer in writers]


class HeldTwins(Iterable[DigitalTwin]):
    """Many twins. Whoever goes through them comes to the second half only when they are let go."""

    def __init__(self, half: int) -> None:
        self.half = half
        self.let_go = threading.Event()

    def __iter__(self) -> Iterator[DigitalTwin]:
        for number in range(2 * self.half):
            if number == self.half:
                assert self.let_go.wait(60)
            yield DigitalTwin(id=f"held-{number}", model_id="dtmi:test:Counter;1", properties={"total": number})


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_an_import_goes_on_after_its_server_was_stopped_or_killed(
    serve: Callable[..., ServedProcess], tmp_path: Path, end: signal.Signals
) -> None:
    words = ("--data-dir", tmp_path, "--drain-grace", "1s")
    served = serve(*words)
    twins = HeldTwins(half=300)
    acknowledged: list[int] = []
    with TwinfrontClient(served.address) as client, ThreadPoolExecutor() as threads:
        client.create_models([MODEL])

        def imported() -> int:
            imported = 0
            for report in client.import_graph(twins):
                acknowledged.append(report.progress.acknowledged_count)
                imported = report.progress.digital_twins_imported
            return imported

        importing = threads.submit(imported)
        try:
            wait_until(lambda: bool(acknowledged) and acknowledged[-1] == twins.half)
            served.signal(end)
            served.process.wait(30)
            serve(*words, "--listen", served.address)
        finally:
            twins.let_go.set()
        assert importing.result(60) == 2 * twins.half
        assert acknowledged == sorted(acknowledged)
        assert len(list(client.query("SELECT * FROM digitaltwins"))) == 2 * twins.half
