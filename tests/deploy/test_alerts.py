"""Alerts and dashboard, on a real Prometheus: every query answers, and every alert fires when its time has come."""

import asyncio
import contextlib
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.deploy.prometheus import ALERTS, Prometheus, alerts, install, queries, watching
from tests.rpc.serving.certificates import Authority

from localtwins.service import LocalTwins
from twinfront import AsyncTwinfrontClient, Patch
from twinfront.errors import TwinfrontError
from twinfront_server.app import App
from twinfront_server.metrics import METRICS
from twinfront_server.settings import Settings

MADE_UP = Path(__file__).with_name("alerts_over_time.yaml")
"""Alerts over series that are made up, for promtool: those whose faults cannot be had here, or take too long."""

STALE = 'W/"00000000-0000-0000-0000-000000000000"'
FLOOR, ROOM = "floor-1", "room-101"
PATIENCE = 60.0

pytestmark = pytest.mark.timeout(900)

Work = Callable[[AsyncTwinfrontClient], Awaitable[object]]


async def read(client: AsyncTwinfrontClient) -> None:
    await client.get_digital_twin(ROOM, timeout=5)


async def write(client: AsyncTwinfrontClient) -> None:
    await client.create_or_replace_digital_twin("new", {"$metadata": {"$model": "dtmi:nobody:has:It;1"}}, timeout=1)


async def rename(client: AsyncTwinfrontClient) -> None:
    await client.update_digital_twin(ROOM, Patch().add("/name", "room"))


async def write_under_a_stale_etag(client: AsyncTwinfrontClient) -> None:
    await client.update_digital_twin(ROOM, Patch().replace("/name", "x"), if_match=STALE)


async def delete_what_has_relationships(client: AsyncTwinfrontClient) -> None:
    await client.delete_digital_twin(FLOOR)


async def list_more_than_fits(client: AsyncTwinfrontClient) -> None:
    await client.batch_get_digital_twins([FLOOR, ROOM] * 20)


async def a_bit_of_everything(client: AsyncTwinfrontClient) -> None:
    """Calls as callers do on a good day, a few mistakes included."""
    for _ in range(5):
        await read(client)
        etag = (await client.get_digital_twin(ROOM)).etag
        await client.update_digital_twin(ROOM, Patch().add("/name", "room"), if_match=etag)
    await client.batch_get_digital_twins([FLOOR, ROOM, "nobody"])
    assert [row async for row in client.stream_query("SELECT * FROM digitaltwins")]
    assert [chunk async for chunk in client.export_graph_text()]


async def nothing(_client: AsyncTwinfrontClient) -> None:
    await asyncio.sleep(0)


async def stall(_client: AsyncTwinfrontClient) -> None:
    time.sleep(0.5)  # noqa: ASYNC251  (that is the fault)
    await asyncio.sleep(3)


SLOWNESS = frozenset({"TwinfrontSlow", "TwinfrontUpstreamSlow"})


@dataclass(frozen=True)
class Scene:
    """A server with a fault, and what its callers do meanwhile.

    Attributes:
        fires: the alerts that it leads to.
        may: those that it may lead to. The servers share a process with the one that stalls, so any may be slow.
    """

    fires: set[str]
    work: Work = read
    faults: str = ""
    may: frozenset[str] = SLOWNESS
    settings: dict[str, Any] = field(default_factory=dict)
    breaks: Callable[[App], Awaitable[object] | None] = lambda _app: None


def lose_a_part(app: App) -> None:
    app.upstream.twins = None  # type: ignore[assignment]  # as a defect might


SCENES = {
    "sound": Scene(set(), a_bit_of_everything),
    "gone": Scene({"TwinfrontDown"}, nothing, breaks=lambda app: app.__aexit__(None, None, None)),
    "unreachable": Scene(
        {"TwinfrontNotServing", "TwinfrontCallsFail", "TwinfrontUpstreamFails"},
        settings={"upstream": "http://127.0.0.1:1", "upstream_credential": "none", "sample": False},
    ),
    "no credential": Scene(
        {"TwinfrontNotServing", "TwinfrontCredentialRejected", "TwinfrontCallsFail", "TwinfrontUpstreamFails"},
        settings={"upstream": "https://127.0.0.1:1", "sample": False},
    ),
    "throttled": Scene({"TwinfrontUpstreamThrottles"}, faults="throttle:rate=0.5"),
    "slow": Scene({"TwinfrontSlow", "TwinfrontUpstreamSlow"}, faults="latency=2500ms"),
    "cut off": Scene(
        {"TwinfrontOutcomesUnknown", "TwinfrontCallsFail", "TwinfrontUpstreamFails"},
        write,
        faults="lost:on=writes,error:on=reads",
    ),
    "defective": Scene({"TwinfrontFault", "TwinfrontCallsFail"}, breaks=lose_a_part),
    "rivals": Scene({"TwinfrontEtagConflicts"}, write_under_a_stale_etag),
    "blocked": Scene({"TwinfrontDeletesBlocked"}, delete_what_has_relationships),
    "full": Scene({"TwinfrontLimitReached"}, list_more_than_fits, settings={"max_response_bytes": 1024}),
    "stalling": Scene(
        {"TwinfrontStalls"}, stall, may=SLOWNESS | {"TwinfrontNotServing"}, settings={"max_stall_time": 0.2}
    ),
    "untold": Scene({"TwinfrontAuditLost"}, rename, settings={"audit_log": "/dev/full"}),
    "expiring": Scene({"TwinfrontCertificateExpires"}, nothing),
    "expired": Scene({"TwinfrontCertificateExpired"}, nothing),
}

REHEARSED = set[str]().union(*(scene.fires for scene in SCENES.values()))


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    install()


def promtool(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *words], capture_output=True, text=True, check=False)


def test_promtool_takes_the_alerts() -> None:
    ended = promtool("check", "rules", "--lint=all", "--lint-fatal", ALERTS)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_promtool_takes_the_configuration() -> None:
    ended = promtool("check", "config", ALERTS.with_name("prometheus.yaml"))
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_alerts_come_when_their_time_has_come_and_not_before() -> None:
    ended = promtool("test", "rules", MADE_UP)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_every_alert_is_rehearsed_or_made_up() -> None:
    made_up = {
        case["alertname"]
        for test in yaml.safe_load(MADE_UP.read_text())["tests"]
        for case in test["alert_rule_test"]
        if case.get("exp_alerts")
    }
    assert made_up | REHEARSED == alerts().keys()
    assert {name for name, rule in alerts().items() if "for" not in rule} <= REHEARSED


def test_every_alert_says_what_it_is_and_how_urgent() -> None:
    for rule in alerts().values():
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}


def test_every_metric_is_on_the_dashboard() -> None:
    asked = " ".join(queries().values())
    assert [spec.name for spec in METRICS if spec.name not in asked] == []


def inject(app: App, faults: str) -> None:
    close: Any = app.upstream._on_close
    service: LocalTwins = close.__self__
    service.inject(faults)


@contextlib.asynccontextmanager
async def staged(scenes: dict[str, Scene], folder: Path) -> AsyncIterator[dict[str, App]]:
    """Starts the server of each scene."""
    authority = Authority(folder)
    certificates = {
        name: authority.issue(name, valid_from=-timedelta(days=days))
        for name, days in (("expiring", 0), ("expired", 2))
    }
    async with AsyncExitStack() as closing:
        apps = {}
        for name, scene in scenes.items():
            settings: dict[str, Any] = {
                "listen": "127.0.0.1:0",
                "metrics_listen": "127.0.0.1:0",
                "data_dir": ":memory:",
                "sample": True,
                "health_interval": 3600.0,
                "max_stall_time": 60.0,
            }
            if name in certificates:
                settings |= {"tls_cert": str(certificates[name].cert), "tls_key": str(certificates[name].key)}
            apps[name] = await closing.enter_async_context(App(Settings.of(settings | scene.settings)))
        yield apps


async def play(scene: Scene, app: App) -> None:
    """Breaks what the scene wants broken, and goes on with its work."""
    if scene.faults:
        inject(app, scene.faults)
    if broken := scene.breaks(app):
        await broken
    async with AsyncTwinfrontClient(str(app.address), retry=False) as client:
        while True:
            with contextlib.suppress(TwinfrontError):
                await scene.work(client)
            await asyncio.sleep(0.05)


async def fire(prometheus: Prometheus, expected: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Gives what has fired when all that is expected has, and a little later, for what is not."""
    fired: set[tuple[str, str]] = set()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            while not expected <= fired:
                await asyncio.sleep(0.5)
                fired |= await prometheus.firing()
            await asyncio.sleep(3)
    return fired | await prometheus.firing()


async def test_alerts_fire_where_their_fault_is_and_all_panels_show_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")
    expected = {(name, alert) for name, scene in SCENES.items() for alert in scene.fires}
    async with (
        staged(SCENES, tmp_path) as apps,
        watching(tmp_path, {name: str(app.metrics_address) for name, app in apps.items()}) as prometheus,
    ):
        playing = [asyncio.create_task(play(SCENES[name], app)) for name, app in apps.items()]
        try:
            fired = await fire(prometheus, expected)
            empty = [name for name, query in queries().items() if not await prometheus.series(query)]
        finally:
            for task in playing:
                task.cancel()
            ended = await asyncio.gather(*playing, return_exceptions=True)
    assert [error for error in ended if not isinstance(error, asyncio.CancelledError)] == []
    assert expected - fired == set()
    assert {(name, alert) for name, alert in fired - expected if alert not in SCENES[name].may} == set()
    # Nobody drains here, or asks for tokens.
    assert set(empty) == {"Drains", "Age of the keys of tokens: {{instance}}"}
