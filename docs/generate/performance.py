"""The parts of docs/performance.md: what `make bench` found, as docs/performance.json has it."""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from docs.generate.bars import Bar, draw
from docs.generate.protos import ROOT
from docs.generate.tables import table

RESULTS: Final = ROOT / "docs" / "performance.json"
BENCHMARKS: Final = (
    "service",
    "https",
    "streams",
    "following",
    "start",
    "growth",
    "calls",
    "graph",
    "queries",
    "writes",
)


def _results() -> Mapping[str, Any]:
    results: Mapping[str, Any] = json.loads(RESULTS.read_text())
    return results


def target_table() -> str:
    """All targets, with what was measured."""
    rows = [list(row.values()) for row in _results()["targets"]]
    return table(("target", "measured", "goal", "verdict"), rows)


def machine_table() -> str:
    """Of each benchmark when it ran, of what, and how."""
    benchmarks = _results()["benchmarks"]
    known = {name: benchmarks[name] for name in BENCHMARKS if name in benchmarks}
    machines = {", ".join(f"{name} {what}" for name, what in found["machine"].items()) for found in known.values()}
    head = ("benchmark", "taken", "of", "rounds", "seconds a case", "busy processors at the start")
    rows = [
        [name, *(f"{found[column]}" for column in ("taken", "commit", "rounds", "seconds")), f"{found['busy']:.1f}"]
        for name, found in known.items()
    ]
    return "\n\n".join([*sorted(machines), table(head, rows)])


def sections(benchmark: str) -> Callable[[], str]:
    """Gives what makes the charts, tables and sentences of a benchmark."""

    def made() -> str:
        found = _results()["benchmarks"].get(benchmark)
        if found is None:
            return "Not measured."
        charts = [f"![{chart['title']}]({path.name})" for path, chart in _charts(benchmark, found)]
        tables = [f"**{part['title']}**\n\n{table(part['head'], part['rows'])}" for part in found["tables"]]
        return "\n\n".join([*charts, *tables, *found["notes"]])

    return made


def charts() -> dict[Path, Callable[[str], str]]:
    """Gives the files of all charts, and what makes them."""
    return {
        path: partial(_drawn, chart)
        for benchmark, found in _results()["benchmarks"].items()
        for path, chart in _charts(benchmark, found)
    }


def _charts(benchmark: str, found: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    for number, chart in enumerate(found["charts"], 1):
        yield ROOT / "docs" / f"performance-{benchmark}-{number}.svg", chart


def _drawn(chart: Mapping[str, Any], _: str) -> str:
    groups = {
        name: [
            Bar(label, spread["median"], spread["low"], spread["high"])
            for label, spread in zip(chart["series"], spreads, strict=True)
            if spread
        ]
        for name, spreads in chart["groups"].items()
    }
    return draw(chart["title"], chart["unit"], groups, one_scale=chart["one_scale"])
