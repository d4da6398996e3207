"""Durable writes of the embedded service on disk, against plain SQLite that commits them in groups.

Both have the same documents and indexes, and have them on the disk before a write counts as done.
"""

import asyncio
import itertools
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Final

import orjson
from measuring import Samples
from report import Report, short
from workload import MODEL_ID, TWINS, model, name_of, twin_json

from localtwins import LocalTwins, Request
from localtwins.settings import Settings

_IN_FLIGHT: Final = (1, 64)
_GROUPS: Final = {1: 1, 64: 32}
"""How many writes plain SQLite commits together where so many are in flight."""
_VERSION: Final = "api-version=2023-10-31"


async def run(report: Report, rounds: int, seconds: float) -> None:
    """Writes to both in turn, and reports."""
    samples = Samples()
    with tempfile.TemporaryDirectory() as folder:
        service = await LocalTwins.open(folder, Settings(data_dir=folder))
        await _send(service, "POST", "/models", [model()])
        with closing(_open_plainly(Path(folder) / "plain.db")) as plain:
            numbers = itertools.count()
            for number in range(TWINS):
                await _write(service, number)
            for _ in range(rounds):
                for callers in _IN_FLIGHT:
                    samples.add(f"service, {callers}", await _service_time(service, numbers, callers, seconds))
                    samples.add(f"plain, {callers}", _plain_time(plain, numbers, _GROUPS[callers], seconds))
        await service.close()
    ratios = {callers: samples.ratios(f"service, {callers}", f"plain, {callers}") for callers in _IN_FLIGHT}
    for callers, ratio in ratios.items():
        report.figures[f"writes: {callers} in flight: time / plain"] = ratio
    report.table(
        "Durable writes of a twin of 1 KB, µs a write",
        ["case", "localtwins", "plain SQLite", "ratio"],
        [
            [
                f"{callers} in flight, beside commits of {_GROUPS[callers]}",
                short(samples.median(f"service, {callers}")),
                short(samples.median(f"plain, {callers}")),
                ratios[callers].text(1),
            ]
            for callers in _IN_FLIGHT
        ],
    )


async def _send(service: LocalTwins, method: str, path: str, body: object) -> None:
    answer = await service.handle(Request(method, path, _VERSION, {}, orjson.dumps(body), "https://bench"))
    if answer.status >= 300:
        raise SystemExit(f"{method} {path} was refused: {answer.body.decode()}")


async def _write(service: LocalTwins, number: int) -> None:
    await _send(service, "PUT", f"/digitaltwins/{name_of(number % TWINS)}", twin_json(number % TWINS, float(number)))


async def _service_time(service: LocalTwins, numbers: "itertools.count[int]", callers: int, seconds: float) -> float:
    start, done = time.perf_counter(), 0

    async def caller() -> None:
        nonlocal done
        while time.perf_counter() < start + seconds:
            await _write(service, next(numbers))
            done += 1

    await asyncio.gather(*(caller() for _ in range(callers)))
    return (time.perf_counter() - start) / done * 1e6


def _open_plainly(file: Path) -> sqlite3.Connection:
    plain = sqlite3.connect(file, isolation_level=None)
    plain.executescript(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
        "CREATE TABLE twins (id TEXT PRIMARY KEY, model TEXT, document TEXT);"
        "CREATE INDEX by_model ON twins (model);"
    )
    return plain


def _plain_time(plain: sqlite3.Connection, numbers: "itertools.count[int]", group: int, seconds: float) -> float:
    start, done = time.perf_counter(), 0
    while time.perf_counter() < start + seconds:
        plain.execute("BEGIN")
        for number in itertools.islice(numbers, group):
            document = orjson.dumps(twin_json(number % TWINS, float(number)))
            plain.execute("REPLACE INTO twins VALUES (?, ?, ?)", (name_of(number % TWINS), MODEL_ID, document))
        plain.execute("COMMIT")
        done += group
    return (time.perf_counter() - start) / done * 1e6
