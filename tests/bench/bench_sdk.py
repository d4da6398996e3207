"""The SDK without gRPC: its default pipeline against the slim one, both over the embedded service in process."""

import time
from collections.abc import Awaitable, Callable

import orjson
from azure.digitaltwins.core.aio import DigitalTwinsClient
from load.sdk_calls import FixedAsyncToken
from measuring import Samples
from prometheus_client import CollectorRegistry
from report import Report
from workload import TWINS, model, patch_json, twin_json

from localtwins.service import LocalTwins
from localtwins.settings import Settings as LocalSettings
from localtwins.transport import LocalTransport
from twinfront_server.adt.body import Body
from twinfront_server.metrics import Metrics
from twinfront_server.settings import Settings
from twinfront_server.upstream import open_upstream

Call = Callable[[int], Awaitable[object]]


async def run(report: Report, rounds: int, seconds: float) -> None:
    """Runs all operations on both pipelines in turn and prints the table."""
    service = await LocalTwins.open(":memory:", LocalSettings())
    sdk = DigitalTwinsClient("https://localtwins", FixedAsyncToken(), transport=LocalTransport(service))
    upstream = await open_upstream(Settings(data_dir=":memory:"), Metrics(CollectorRegistry()))
    await sdk.create_models([model()])
    await upstream.models.post(Body(orjson.dumps([model()]), "dtdl_models"))

    def name(count: int) -> str:
        return f"machine{count % TWINS}"

    cases: dict[str, dict[str, Call]] = {
        "create or replace": {
            "default": lambda count: sdk.upsert_digital_twin(name(count), twin_json(count % TWINS, float(count))),
            "slim": lambda count: upstream.twins.put(
                name(count),
                Body(orjson.dumps(twin_json(count % TWINS, float(count))), "digital_twin"),
                if_none_match=False,
            ),
        },
        "get": {
            "default": lambda count: sdk.get_digital_twin(name(count)),
            "slim": lambda count: upstream.twins.get(name(count)),
        },
        "update 3 properties": {
            "default": lambda count: sdk.update_digital_twin(name(count), patch_json(count + 0.5)),
            "slim": lambda count: upstream.twins.patch(
                name(count), Body(orjson.dumps(patch_json(count + 0.5)), "patch"), if_match=""
            ),
        },
    }
    for calls in cases.values():
        for call in calls.values():
            await _measure(call, TWINS / 1000)
    samples = {case: Samples() for case in cases}
    for _ in range(rounds):
        for case, calls in cases.items():
            for pipeline, call in calls.items():
                samples[case].add(pipeline, await _measure(call, seconds))
    await sdk.close()
    await service.close()
    await upstream.close()
    report.table(
        "The SDK over the embedded service, microseconds a call",
        ["operation", "default pipeline", "slim pipeline", "slim / default"],
        [
            [case, f"{s.median('default'):.0f}", f"{s.median('slim'):.0f}", f"{s.ratio('slim', 'default'):.2f}"]
            for case, s in samples.items()
        ],
    )


async def _measure(call: Call, seconds: float) -> float:
    """Microseconds a call, one after the other."""
    start = time.perf_counter()
    end = start + seconds
    count = 0
    while time.perf_counter() < end or count < TWINS:
        await call(count)
        count += 1
    return (time.perf_counter() - start) / count * 1e6
