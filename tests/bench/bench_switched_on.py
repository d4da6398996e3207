"""Measures what it costs to have everything on that a server for others needs: each row has one thing more.

What is measured is processor time of the server per call. Servers take turns, a tenth of a second each and every time
in another order. What counts is the difference of two of them within a round: its median, and the quartiles around it.
"""

import json
import random
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import bearer_token
import workload
from bench_watching import collector
from generator import generator
from load.job import Job
from measuring import Samples
from processes import redis_server, twinfront_server
from report import Report

_CALLERS = 16
_TURN = 0.1
_CASES = {
    "get": "get, JSON",
    "update": "update 3 properties",
    "update with a request_id": "update, request_id",
}
_SEED = 20


@dataclass(frozen=True)
class _Step:
    """One thing more: the options, and the variables, of a server."""

    name: str
    options: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    sends_token: bool = True


def _steps(folder: Path, redis: str, collector: str) -> Iterator[_Step]:
    policy = folder / "policy.yaml"
    policy.write_text(
        json.dumps(
            {
                "version": 1,
                "bindings": [
                    {"role": "modeller", "to": {"principals": ["jwt:bench"]}},
                    {"role": "writer", "to": {"principals": ["jwt:bench"]}, "within": {"ids": ["machine"]}},
                ],
            }
        )
    )
    yield _Step("nothing", sends_token=False)
    yield _Step("a token that nobody looks at")
    yield _Step("who calls (--auth jwt)", tuple(bearer_token.server_options(folder / "keys.json")))
    yield _Step("what one may do (--policy, within ids)", ("--policy", str(policy)))
    yield _Step("how often (--caller-call-rate, -query-rate)", ("--caller-call-rate=1e6", "--caller-query-rate=1e6"))
    unreached = ("--twin-write-rate=1e9", "--patch-rate=1e9", "--create-delete-rate=1e9")
    yield _Step("writes within rates (--shape-writes)", ("--shape-writes=on", *unreached))
    yield _Step("outcomes in Redis", ("--outcomes", redis))
    sampled = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.01"}
    yield _Step("traces, 1 in 100", variables={"OTEL_EXPORTER_OTLP_ENDPOINT": collector, **sampled})
    yield _Step("access log, with ids", ("--log-level=info", "--log-format=json", "--access-log-ids"))
    yield _Step("audit log", ("--audit-log", str(folder / "audit.ndjson")))


async def run(report: Report, rounds: int, seconds: float) -> None:
    """Starts a server for each row, runs the cases in turn and prints a table for each."""
    if not shutil.which("redis-server"):
        print("switched-on: left out, there is no redis-server")
        return
    order = random.Random(_SEED)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        token = bearer_token.issue(folder / "keys.json")
        redis, traces = stack.enter_context(redis_server(folder)), stack.enter_context(collector())
        log = stack.enter_context((folder / "log").open("wb"))
        steps = list(_steps(folder, redis, traces))
        options: tuple[str, ...] = ()
        variables: dict[str, str] = {}
        servers = {}
        for step in steps:
            options += step.options
            variables |= step.variables
            server = stack.enter_context(twinfront_server(":memory:", *options, variables=variables, log=log))
            servers[step.name] = server
            await workload.load(server.address, token)
        calls = stack.enter_context(generator())
        processor = {name: Samples() for name in _CASES}
        for _ in range(round(rounds * seconds / _TURN)):
            for name, operation in _CASES.items():
                for step in order.sample(steps, len(steps)):
                    server = servers[step.name]
                    sent = token if step.sends_token else ""
                    job = Job("grpc", server.address, operation, _CALLERS, _TURN, token=sent)
                    processor[name].add(step.name, calls.measure(job, server).processor)
    for name, samples in processor.items():
        report.table(
            f"{name.capitalize()}: one thing after another (processor time of the server in us a call)",
            ["with", "us", "added", "quartiles", "together", "quartiles"],
            [
                [
                    f"+ {step.name}" if number else step.name,
                    f"{samples.median(step.name):.0f}",
                    *(_difference(samples, step.name, steps[number - 1].name) if number else ("", "")),
                    *(_difference(samples, step.name, steps[0].name) if number else ("", "")),
                ]
                for number, step in enumerate(steps)
            ],
        )


def _difference(samples: Samples, case: str, base: str) -> tuple[str, str]:
    low, middle, high = samples.differences(case, base)
    return f"{middle:+.1f}", f"{low:+.1f} .. {high:+.1f}"
