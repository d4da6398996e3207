"""A graph that grows, from 1,000 to 100,000 twins or to a million: `twinfront serve` on it, through the Python client.

Each size has a server of its own on disk, whose data `localtwins import` made.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asset_graph
from asset_graph import Ontology, twin_id
from measuring import Samples
from processes import ServerProcess, twinfront_server
from report import Report, Spread, short

from twinfront import TwinfrontClient, patch

SIZES: Final = (1_000, 10_000, 100_000)
MILLION: Final = 1_000_000
_HOPS: Final = "-[:hasPart]->()-[:hasPart]->()-[:hasPart]->"
_INDEXED: Final = {"LOCALTWINS_INDEX_PROPERTY": "name"}
_STARTS: Final = 3
_SHARE: Final = 0.25
"""Of the time that other cases get: there are many of these, and each is one caller's."""

Ask = Callable[[int], object]


@dataclass(frozen=True)
class _Graph:
    """A graph of some size, and what serves it."""

    twins: int
    server: ServerProcess
    asks: dict[str, Ask]


async def run(report: Report, rounds: int, seconds: float, sizes: tuple[int, ...] = SIZES) -> None:
    """Imports graphs, asks all of them in turn, and reports."""
    ontology = Ontology.load()
    samples = Samples()
    rows = {twins: [f"{twins:,} twins"] for twins in sizes}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        graphs = []
        for twins in sizes:
            data = folder / str(twins)
            rows[twins].append(_import(folder / "graph.ndjson", data, ontology, twins))
            for _ in range(_STARTS):
                samples.add(f"{twins}: open", _time_to_open(data))
            server = stack.enter_context(twinfront_server(str(data), variables=_INDEXED))
            rows[twins] += [short(samples.median(f"{twins}: open"), 2), short(server.resident(), 0)]
            client = stack.enter_context(TwinfrontClient(server.address))
            graphs.append(_Graph(twins, server, _asks(client, ontology, twins)))
        for _ in range(rounds):
            for graph in graphs:
                for name, ask in graph.asks.items():
                    samples.add(f"{graph.twins}: {name}", _milliseconds(ask, seconds * _SHARE))
        for graph in graphs:
            rows[graph.twins] += [short(samples.median(f"{graph.twins}: {name}")) for name in graph.asks]
            rows[graph.twins].append(short(graph.server.resident(), 0))
            if graph.twins == MILLION:
                report.figures["million: open"] = samples.spread(f"{MILLION}: open")
                report.figures["million: resident"] = Spread.of([graph.server.resident()])
                report.figures["million: unindexed"] = samples.spread(f"{MILLION}: one by an unindexed property, ms")
    head = ["with", "import, rows/s", "listens after, s", "resident, MB", *graphs[0].asks, "resident after, MB"]
    title = f"A graph that grows, over the models of {ontology.name}: the time of one caller"
    report.table(title, head, list(rows.values()))


def _import(file: Path, data: Path, ontology: Ontology, twins: int) -> str:
    """Imports a graph; gives how many rows a second."""
    rows = asset_graph.write(file, ontology, twins)
    command = [str(Path(sys.executable).with_name("localtwins")), "import", str(file), "--data-dir", str(data)]
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=os.environ | _INDEXED)
    return short(rows / (time.perf_counter() - start), 0)


def _time_to_open(data: Path) -> float:
    """Gives the seconds until a server on it listens."""
    start = time.perf_counter()
    with twinfront_server(str(data), variables=_INDEXED):
        return time.perf_counter() - start


def _asks(client: TwinfrontClient, ontology: Ontology, twins: int) -> dict[str, Ask]:
    def first_page(query: Callable[[int], str]) -> Ask:
        return lambda number: len(next(client.query(query(number), page_size=100).pages()))

    def chosen(count: int) -> int:
        return count * 7919 % twins

    return {
        "get, ms": lambda count: client.get_digital_twin(twin_id(chosen(count))),
        "update, ms": lambda count: client.update_digital_twin(
            twin_id(chosen(count)), patch().replace("/weight", count + 0.25)
        ),
        "page by model, ms": first_page(lambda _: f"SELECT * FROM DIGITALTWINS WHERE IS_OF_MODEL('{ontology.base}')"),
        "one by an indexed property, ms": first_page(
            lambda count: f"SELECT * FROM DIGITALTWINS T WHERE T.name = 'name {chosen(count)}'"
        ),
        "one by an unindexed property, ms": first_page(
            lambda count: f"SELECT * FROM DIGITALTWINS T WHERE T.weight = {chosen(count) / 8}"
        ),
        "3 hops, ms": first_page(
            lambda count: f"SELECT x FROM DIGITALTWINS MATCH (a){_HOPS}(x) WHERE a.$dtId = '{twin_id(count % 10)}'"
        ),
        "COUNT, ms": first_page(lambda _: "SELECT COUNT() FROM DIGITALTWINS"),
    }


def _milliseconds(ask: Ask, seconds: float) -> float:
    """Gives the median time of calls one after the other."""
    latencies: list[float] = []
    end = time.perf_counter() + seconds
    while not latencies or time.perf_counter() < end:
        start = time.perf_counter()
        ask(len(latencies) + 1)
        latencies.append((time.perf_counter() - start) * 1000)
    return Spread.of(latencies).median
