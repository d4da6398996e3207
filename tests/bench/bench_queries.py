"""Queries and reads of the embedded service on disk against plain SQLite, which does the least for the same answer.

The graph is a tree of assets, loaded by import: over the models of RealEstateCore if the reference material lies beside
the checkout, else over a tree of models of the benchmark's own. Plain SQLite has the same documents in a table of its
own, with columns and indexes for just these questions, and is asked from Python too, without a service around it.
"""

import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import asset_graph
import orjson
from asset_graph import PARENT, Ontology, twin_id
from measuring import Samples
from report import Report, Spread, short

from localtwins import LocalTwins, Request
from localtwins.jobs.offline import import_graph
from localtwins.settings import Settings

SMALL = 1_000

Ask = Callable[[int], Awaitable[Any]]
AskPlainly = Callable[[int], list[Any]]


class Graph:
    """A graph in both: the service, and plain SQLite."""

    def __init__(self, service: LocalTwins, plain: sqlite3.Connection, ontology: Ontology, twins: int) -> None:
        self.service = service
        self.plain = plain
        self.ontology = ontology
        self.twins = twins

    async def get(self, count: int) -> bytes:
        """A twin by its id."""
        path = f"/digitaltwins/{twin_id(self.chosen(count))}"
        answer = await self.service.handle(Request("GET", path, "api-version=2023-10-31", {}, b"", "https://bench"))
        return answer.body

    def querying(self, text: Callable[[int], str]) -> Ask:
        """The first page of a query."""

        async def ask(count: int) -> bytes:
            body = orjson.dumps({"query": text(self.chosen(count))})
            request = Request("POST", "/query", "api-version=2023-10-31", {}, body, "https://bench")
            answer = await self.service.handle(request)
            return answer.body

        return ask

    def selecting(self, sql: str, parameters: Callable[[int], Iterable[object]] = lambda _: ()) -> AskPlainly:
        """The rows of a statement, whose one column is what the answer is made of."""
        return lambda count: self.plain.execute(sql, tuple(parameters(self.chosen(count)))).fetchall()

    def chosen(self, count: int) -> int:
        """Another number of a twin each time."""
        return count * 7919 % self.twins

    def cases(self) -> dict[str, tuple[Ask, AskPlainly]]:
        """Gives what is asked, of the service and of plain SQLite."""
        base, models = self.ontology.base, self.ontology.below_base
        listed = ", ".join("?" for _ in models)
        hops = "-[:hasPart]->()-[:hasPart]->()-[:hasPart]->"
        return {
            "get by id": (
                self.get,
                self.selecting("SELECT document FROM twins WHERE id = ?", lambda number: [twin_id(number)]),
            ),
            "filter, indexed property": (
                self.querying(lambda number: f"SELECT * FROM DIGITALTWINS T WHERE T.name = 'name {number}'"),
                self.selecting("SELECT document FROM twins WHERE name = ?", lambda number: [f"name {number}"]),
            ),
            "IS_OF_MODEL, page of 100": (
                self.querying(lambda _: f"SELECT * FROM DIGITALTWINS WHERE IS_OF_MODEL('{base}')"),
                self.selecting(f"SELECT document FROM twins WHERE model IN ({listed}) LIMIT 100", lambda _: models),
            ),
            "COUNT of IS_OF_MODEL": (
                self.querying(lambda _: f"SELECT COUNT() FROM DIGITALTWINS WHERE IS_OF_MODEL('{base}')"),
                self.selecting(f"SELECT count(*) FROM twins WHERE model IN ({listed})", lambda _: models),
            ),
            "MATCH, 3 hops, 64 rows": (
                self.querying(
                    lambda _: f"SELECT x FROM DIGITALTWINS MATCH (a){hops}(x) WHERE a.$dtId = '{twin_id(PARENT)}'"
                ),
                self.selecting(
                    "SELECT twins.document FROM parts a JOIN parts b ON b.whole = a.part"
                    " JOIN parts c ON c.whole = b.part JOIN twins ON id = c.part WHERE a.whole = ?",
                    lambda _: [twin_id(PARENT)],
                ),
            ),
            "COUNT": (
                self.querying(lambda _: "SELECT COUNT() FROM DIGITALTWINS"),
                self.selecting("SELECT count(*) FROM twins"),
            ),
        }


async def run(report: Report, rounds: int, seconds: float, twins: int = 100_000) -> None:
    """Loads a small graph and one of so many twins, asks both in turn, and reports."""
    ontology = Ontology.load()
    with tempfile.TemporaryDirectory() as folder:
        small = await _load(report, Path(folder) / "small", ontology, SMALL)
        large = await _load(report, Path(folder) / "large", ontology, twins)
        samples = {case: Samples() for case in large.cases()}
        for round_number in range(rounds + 1):
            for size, graph in {"small": small, "large": large}.items():
                for case, (ask, ask_plainly) in graph.cases().items():
                    if round_number == 0:
                        _check(case, await ask(1), ask_plainly(1))
                        continue
                    samples[case].add(f"service, {size}", await _measure(ask, seconds / 2))
                    samples[case].add(f"plain, {size}", await _measure(_awaitable(ask_plainly), seconds / 2))
        for graph in (small, large):
            await graph.service.close()
            graph.plain.close()
    ratios = {case: s.ratios("service, large", "plain, large") for case, s in samples.items()}
    report.figures |= {f"queries: {case}: time / plain": ratio for case, ratio in ratios.items()}
    report.table(
        f"Queries over {twins:,} twins, {ontology.name}, µs (growth: to the time over {SMALL:,} twins)",
        ["case", "localtwins", "plain SQLite", "ratio", "growth", "growth of plain"],
        [
            [
                case,
                short(s.median("service, large")),
                short(s.median("plain, large")),
                ratios[case].text(1),
                f"{s.ratio('service, large', 'service, small'):.1f}",
                f"{s.ratio('plain, large', 'plain, small'):.1f}",
            ]
            for case, s in samples.items()
        ],
    )


async def _load(report: Report, folder: Path, ontology: Ontology, twins: int) -> Graph:
    """Import a graph into both; how long that takes is reported."""
    folder.mkdir()
    file = folder / "graph.ndjson"
    rows = asset_graph.write(file, ontology, twins)
    settings = Settings(data_dir=str(folder / "data"), index_property="name")
    start = time.perf_counter()
    if not await import_graph(settings, str(file), lambda _: None):
        sys.exit("the import refused a row")
    imported = time.perf_counter() - start
    service = await LocalTwins.open(settings.data_dir, settings)
    plain, inserted = _insert_plainly(folder)
    report.figures["queries: import"] = Spread.of([rows / imported])
    report.note(
        f"The import of {len(ontology.definitions):,} models, {twins:,} twins and {twins - 1:,} relationships took"
        f" {imported:.1f} s, {rows / imported:,.0f} rows/s; plain SQLite inserts the documents in {inserted:.1f} s."
    )
    return Graph(service, plain, ontology, twins)


def _insert_plainly(folder: Path) -> tuple[sqlite3.Connection, float]:
    """Store the documents of a data directory plainly, and tell how many seconds that took."""
    with closing(sqlite3.connect(folder / "data" / "localtwins.db")) as stored:
        twins = stored.execute(
            "SELECT id, model_id, json_extract(document, '$.name'), document FROM digital_twins"
        ).fetchall()
        parts = stored.execute("SELECT source_id, target_id, document FROM relationships").fetchall()
    plain = sqlite3.connect(folder / "plain.db", isolation_level=None)
    plain.text_factory = bytes
    start = time.perf_counter()
    plain.executescript(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
        "CREATE TABLE twins (id TEXT PRIMARY KEY, model TEXT, name TEXT, document TEXT);"
        "CREATE TABLE parts (whole TEXT, part TEXT, document TEXT);"
        "CREATE INDEX by_model ON twins (model); CREATE INDEX by_name ON twins (name);"
        "CREATE INDEX by_whole ON parts (whole, part); BEGIN;"
    )
    plain.executemany("INSERT INTO twins VALUES (?, ?, ?, ?)", twins)
    plain.executemany("INSERT INTO parts VALUES (?, ?, ?)", parts)
    plain.execute("COMMIT")
    return plain, time.perf_counter() - start


def _check(case: str, answer: bytes, plain_rows: list[Any]) -> None:
    """Both must give the same answer, or as many rows of it where any will do."""
    body = orjson.loads(answer)
    rows = body.get("value", [body])
    if len(rows) != len(plain_rows) or rows[0].get("COUNT", plain_rows[0][0]) != plain_rows[0][0]:
        sys.exit(f"{case}: {len(rows)} rows from the service, {len(plain_rows)} from plain SQLite, or another COUNT")


def _awaitable(ask: AskPlainly) -> Ask:
    async def call(count: int) -> list[Any]:
        return ask(count)

    return call


async def _measure(ask: Ask, seconds: float) -> float:
    """Microseconds an answer, one after the other."""
    start = time.perf_counter()
    count = 0
    while count == 0 or time.perf_counter() < start + seconds:
        await ask(count)
        count += 1
    return (time.perf_counter() - start) / count * 1e6
