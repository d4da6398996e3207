"""Much at once over HTTPS: rows of a streamed query, and items of an import and of batches.

Beside them the same one by one: the pages and the writes of the SDK in a loop, and unary calls through the front.
"""

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import workload
from generator import generator
from load.job import Job
from measuring import Samples
from processes import engine_options, engines, localtwins_server, trusting, twinfront_before
from report import Report, short

_TWINS: Final = 2_000
_ALL_AT_ONCE: Final = {"stream": "rows of a query", "import": "items written", "batch": "items written"}
_TITLES: Final = {"stream": "StreamQueryTwins", "import": "ImportGraph", "batch": "BatchWriteDigitalTwins"}


async def run(report: Report, rounds: int, seconds: float) -> None:
    """Starts the servers, runs all cases in turn and reports."""
    samples = Samples()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url, ca = stack.enter_context(localtwins_server(folder / "data"))
        fronts = {
            engine: stack.enter_context(twinfront_before(url, ca, *engine_options(engine))) for engine in engines()
        }
        await workload.load(fronts["grpcio"].address, twins=_TWINS)
        cases = {
            "rows of a query, SDK": Job("sdk", url, "stream", 1, seconds, ca),
            "items written, SDK in a loop": Job("sdk", url, "create or replace", 1, seconds, ca),
        }
        for engine, front in fronts.items():
            unary = Job("client", front.address, "create or replace", 1, seconds)
            cases[f"items written, one by one, {engine}"] = unary
            for operation, what in _ALL_AT_ONCE.items():
                cases[_name(operation, what, engine)] = Job("client", front.address, operation, 1, seconds)
        calls = stack.enter_context(generator(variables=trusting(ca)))
        for _ in range(rounds):
            for name, job in cases.items():
                server = next((front for front in fronts.values() if front.address == job.address), None)
                measured = calls.measure(job, server)
                samples.add(name, measured.units)
                samples.add(f"{name}, processor", measured.processor * measured.rate / measured.units)
    rows = []
    for name, job in cases.items():
        sdk = "rows of a query, SDK" if name.startswith("rows") else "items written, SDK in a loop"
        beside = samples.ratios(name, sdk)
        rows.append(
            [
                name,
                short(samples.median(name), 0),
                beside.text(1),
                short(samples.median(f"{name}, processor"), 0) if job.path == "client" else "",
            ]
        )
    for engine in fronts:
        for operation, what in _ALL_AT_ONCE.items():
            sdk = "rows of a query, SDK" if operation == "stream" else "items written, SDK in a loop"
            ratio = samples.ratios(_name(operation, what, engine), sdk)
            report.figures[f"streams: {operation}, {engine}: rate / sdk"] = ratio
    head = ["case", "a second", "/ SDK", "processor µs of the front, each"]
    report.table("Much at once, through the Python client, to localtwins over HTTPS", head, rows)


def _name(operation: str, what: str, engine: str) -> str:
    return f"{what}, {_TITLES[operation]}, {engine}"
