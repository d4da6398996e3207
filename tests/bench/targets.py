"""The figures of benchmarks that are to be reached, each with the bound that it has to keep."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from report import Spread


@dataclass(frozen=True, slots=True)
class Target:
    """A bound for a figure.

    Attributes:
        text: what the figure is, for a reader.
        figure: its name.
        at: whether it has to be at most, or at least, the goal.
    """

    text: str
    figure: str
    at: Literal["most", "least"]
    goal: float

    def verdict(self, measured: float) -> str:
        """Says "ok" or "short"."""
        reached = measured <= self.goal if self.at == "most" else measured >= self.goal
        return "ok" if reached else "short"

    def row(self, measured: Spread | None) -> dict[str, str]:
        """Gives what a table tells of it, measured or not."""
        sign = "≤" if self.at == "most" else "≥"
        return {
            "target": self.text,
            "measured": measured.text() if measured else "not measured",
            "goal": f"{sign} {self.goal:,g}",
            "verdict": self.verdict(measured.median) if measured else "",
        }


def _service() -> Iterator[Target]:
    native = {"get, JSON": 1.0, "get, typed": 1.3, "update 3 properties": 1.8, "create or replace": 1.8}
    for operation, goal in native.items():
        figure = f"service: {operation}, native, memory: processor / echo"
        yield Target(f"native: {operation}, processor time / echo of grpcio", figure, "most", goal)
    figure = "service: get, JSON, native, memory: rate / echo"
    yield Target("native: get, JSON, rate / echo of grpcio, 16 callers", figure, "least", 1.0)
    grpcio = {"get, JSON": 0.50, "get, typed": 0.42, "update 3 properties": 0.36, "create or replace": 0.36}
    for operation, goal in grpcio.items():
        figure = f"service: {operation}, grpcio, memory: rate / echo"
        yield Target(f"grpcio: {operation}, rate / echo, 16 callers", figure, "least", goal)
    for operation in grpcio:
        figure = f"service: {operation}, grpcio, disk: rate / memory"
        yield Target(f"grpcio: {operation}, rate on disk / in memory", figure, "least", 0.9)


def _https() -> Iterator[Target]:
    for operation, goal in {"get": 0.90, "create or replace": 0.85, "page of 100": 0.30}.items():
        figure = f"https: 0 ms: {operation}, front, grpcio: p50 / sdk"
        yield Target(f"client through the front: {operation}, p50 / SDK, 1 caller, 0 ms", figure, "most", goal)
    for operation in ("get", "create or replace", "page of 100"):
        figure = f"https: 5 ms: {operation}, front, grpcio: p50 / sdk"
        yield Target(f"client through the front: {operation}, p50 / SDK, 1 caller, 5 ms", figure, "most", 1.0)
    figure = "https: 4 processes: front, grpcio: rate / sdk"
    yield Target("client through the front: get, rate / SDK, 16 callers in 4 processes", figure, "least", 1.3)
    for engine, goal in {"native": 2.5, "grpcio": 5.0}.items():
        figure = f"https: 0 ms: get, front, {engine}: processor / go"
        yield Target(f"{engine}: get, processor time / grpc-go front", figure, "most", goal)
    facade = {
        ("grpcio", "get"): 5.0,
        ("native", "get"): 9.0,
        ("grpcio", "page of 100"): 13.0,
        ("native", "page of 100"): 18.0,
    }
    for (engine, operation), goal in facade.items():
        figure = f"https: 0 ms: {operation}, front, {engine}: rate / FastAPI"
        yield Target(f"{engine}: {operation}, rate / FastAPI + default SDK, 16 callers", figure, "least", goal)
    figure = "https: 0 ms: get, front, native: processor / slim FastAPI"
    yield Target("native: get, processor time / FastAPI slimmed alike", figure, "most", 1.3)


def _streams() -> Iterator[Target]:
    for operation, text, goal in (
        ("stream", "StreamQueryTwins, rows/s / paging of the SDK", 8.0),
        ("import", "ImportGraph, items/s / the SDK in a loop", 10.0),
        ("batch", "BatchWrite, items/s / the SDK in a loop", 6.0),
    ):
        yield Target(text, f"streams: {operation}, grpcio: rate / sdk", "least", goal)


def _start() -> Iterator[Target]:
    yield Target("start to SERVING, processor time, s", "start: grpcio: processor", "most", 0.45)
    yield Target("resident after start, MB", "start: grpcio: resident", "most", 90)
    yield Target("growth of memory over 100,000 calls, MB", "growth: calls: grown", "most", 2)
    for engine in ("grpcio", "native"):
        yield Target(
            f"{engine}: growth of memory from 100,000 to a million calls, MB", f"calls: {engine}: grown", "most", 2
        )


def _localtwins() -> Iterator[Target]:
    for case, goal in {
        "get by id": 1.6,
        "filter, indexed property": 4.0,
        "IS_OF_MODEL, page of 100": 2.5,
        "MATCH, 3 hops, 64 rows": 3.0,
        "COUNT": 2.0,
    }.items():
        yield Target(f"localtwins: {case}, time / plain SQLite", f"queries: {case}: time / plain", "most", goal)
    figure = "writes: 64 in flight: time / plain"
    yield Target("localtwins: durable writes, 64 in flight, time / SQLite in groups of 32", figure, "most", 2.0)
    yield Target("localtwins: import, rows/s", "queries: import", "least", 40_000)
    yield Target("a million twins: open, s", "million: open", "most", 0.5)
    yield Target("a million twins: resident after use, MB", "million: resident", "most", 120)
    yield Target("a million twins: one by an unindexed property, ms", "million: unindexed", "most", 300)


def _following() -> Iterator[Target]:
    yield Target("10,000 watches that are told nothing, MB", "following: idle watches: megabytes", "most", 200)
    yield Target("from commit to callback of a TwinCache, p99, ms", "following: commit to callback: p99", "most", 20)
    figure = "following: writers, each for one twin in a hundred: rate / alone"
    yield Target("16 writers watched by 100, each for its part: rate / without", figure, "least", 0.95)


TARGETS: Final = (*_service(), *_https(), *_streams(), *_start(), *_localtwins(), *_following())
