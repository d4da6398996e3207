"""Alerts and dashboard, on a real Prometheus: every query answers, and every alert fires when its time has come."""

import asyncio
import contextlib
import json
import re
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn
from uuid import uuid4

import pytest
import structlog
import yaml
from tests.deploy.prometheus import ALERTS, Prometheus, alerts, install, queries, watching
from tests.rpc.access.issuer import SigningKey
from tests.rpc.serving import process, redis_process
from tests.rpc.serving.certificates import Authority

from localtwins.service import LocalTwins
from twinfront import AsyncTwinfrontClient, Patch
from twinfront.errors import TwinfrontError
from twinfront.v1.change_service_pb2 import GetChangeLogRequest, WatchRequest
from twinfront.v1.change_service_pb2_grpc import ChangeServiceStub
from twinfront_server.app import App
from twinfront_server.metric_table import METRICS
from twinfront_server.settings import Settings

MADE_UP = Path(__file__).with_name("alerts_over_time.yaml")
"""Alerts over series that are made up, for promtool: when they come, and when not."""

STALE = 'W/"00000000-0000-0000-0000-000000000000"'
FLOOR, ROOM = "floor-1", "room-101"
GIVEN_UP_AFTER = 600.0
ISSUER, AUDIENCE = "https://issuer.example", "twins"

pytestmark = pytest.mark.timeout(900)


def _drop(*_: object) -> NoReturn:
    raise structlog.DropEvent


SILENT = structlog.wrap_logger(None, [_drop], wrapper_class=structlog.make_filtering_bound_logger(0)).bind()
"""Takes no line: a traceback that is drawn for people costs more than the call that it is of, and here are hundreds."""

Work = Callable[[AsyncTwinfrontClient], Awaitable[object]]


async def read(client: AsyncTwinfrontClient) -> None:
    # No call fails for being slow: the servers share a processor with whatever else runs there.
    await client.get_digital_twin(ROOM, timeout=600)


async def write(client: AsyncTwinfrontClient) -> None:
    await client.create_or_replace_digital_twin("new", {"$metadata": {"$model": "dtmi:nobody:has:It;1"}}, timeout=3)


async def rename(client: AsyncTwinfrontClient) -> None:
    await client.update_digital_twin(ROOM, Patch().add("/name", "room"), request_id=uuid4().hex)


async def rename_at_once(client: AsyncTwinfrontClient) -> None:
    await asyncio.gather(*(rename(client) for _ in range(5)), return_exceptions=True)


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
    await watch(client)


async def watch(client: AsyncTwinfrontClient) -> None:
    """Reads what the log has of the last changes."""
    stub = ChangeServiceStub(client._channel)
    log = await stub.GetChangeLog(GetChangeLogRequest())
    call = stub.Watch(WatchRequest(resume_token=log.oldest_token))
    assert (await anext(aiter(call))).changes.changes
    call.cancel()


async def read_and_ask_for_changes(client: AsyncTwinfrontClient) -> None:
    with contextlib.suppress(TwinfrontError):
        await client.get_change_log()
    await read(client)


async def call_often(client: AsyncTwinfrontClient) -> None:
    await asyncio.gather(*(read(client) for _ in range(20)), return_exceptions=True)


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
        key: what the tokens of its callers are signed with, if they send any.
    """

    fires: set[str]
    work: Work = read
    faults: str = ""
    may: frozenset[str] = SLOWNESS
    settings: dict[str, Any] = field(default_factory=dict)
    key: SigningKey | None = None
    breaks: Callable[[App], Awaitable[object] | None] = lambda _app: None


def lose_a_part(app: App) -> None:
    app.upstream.twins = None  # type: ignore[assignment]  # as a defect might


def spoil(setting: str) -> Callable[[App], None]:
    """Puts something senseless into the file of a setting."""

    def spoil_the_file(app: App) -> None:
        Path(getattr(app._settings, setting)).write_text("<html>Log in</html>")

    return spoil_the_file


def end_redis(app: App) -> None:
    subprocess.run(["redis-cli", "-u", app._settings.outcomes, "shutdown", "nosave"], check=True)


KEY = SigningKey("first")
ASKING = {
    "auth": "jwt",
    "auth_exempt": "metrics",
    "jwt_issuer": ISSUER,
    "jwt_audience": AUDIENCE,
    "jwt_jwks": "keys.json",
}
"""Settings that let in who has a token."""


def token_of(key: SigningKey) -> str:
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "iat": now, "exp": now + 3600}
    return key.sign(claims | {"roles": ["reader", "writer"]})


SCENES = {
    "sound": Scene(set(), a_bit_of_everything),
    "gone": Scene({"TwinfrontDown"}, nothing, breaks=lambda app: app.__aexit__(None, None, None)),
    "unreachable": Scene(
        {"TwinfrontNotServing", "TwinfrontCallsFail", "TwinfrontUpstreamFails"},
        read_and_ask_for_changes,
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
    "strangers": Scene({"TwinfrontCallersTurnedAway"}, call_often, settings=ASKING),
    "without keys": Scene(
        {"TwinfrontKeysNotRead", "TwinfrontCallersTurnedAway"},
        call_often,
        settings=ASKING,
        key=SigningKey("rotated in"),
        breaks=spoil("jwt_jwks"),
    ),
    "without a policy": Scene(
        {"TwinfrontPolicyRefused"},
        settings=ASKING | {"policy": "policy.yaml"},
        key=KEY,
        breaks=spoil("policy"),
    ),
    "undecided": Scene(
        {"TwinfrontAuthorizerFails", "TwinfrontCallsFail"},
        settings=ASKING | {"authorize": "grpc://127.0.0.1:1"},
        key=KEY,
    ),
    # All but the first would have their turn after their deadline.
    "held back": Scene(
        {"TwinfrontWritesHeldBack"},
        rename_at_once,
        settings={"shape_writes": "on", "patch_rate": 0.005},
    ),
    "alone": Scene({"TwinfrontOutcomesNotShared"}, rename, settings={"outcomes": "redis"}, breaks=end_redis),
    "expiring": Scene({"TwinfrontCertificateExpires"}, nothing),
    "expired": Scene({"TwinfrontCertificateExpired"}, nothing),
}

CROWDED = "crowded"
"""A server that is a process of its own, since files are counted by process, and may open few of them."""

MAX_FILES = 128

HTTP2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
"""How a connection begins: one that does not is closed after a while."""

REHEARSED = {"TwinfrontOpenFiles"}.union(*(scene.fires for scene in SCENES.values()))


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


def prepare(folder: Path) -> dict[str, str]:
    """Gives what stands for the names in the settings of scenes."""
    (folder / "keys.json").write_text(json.dumps({"keys": [KEY.jwk()]}))
    bound = [{"role": role, "to": {"principals": ["jwt:alice"]}} for role in ("reader", "writer")]
    (folder / "policy.yaml").write_text(json.dumps({"version": 1, "bindings": bound}))
    return {name: str(folder / name) for name in ("keys.json", "policy.yaml")}


@contextlib.asynccontextmanager
async def staged(scenes: dict[str, Scene], folder: Path) -> AsyncIterator[dict[str, App]]:
    """Starts the server of each scene."""
    redis = redis_process.start(folder)
    authority = Authority(folder)
    certificates = {
        name: authority.issue(name, valid_from=-timedelta(days=days))
        for name, days in (("expiring", 0), ("expired", 2))
    }
    async with AsyncExitStack() as closing:
        closing.callback(redis.end)
        apps = {}
        for name, scene in scenes.items():
            # Each has files of its own, to be spoilt.
            own = folder / name
            own.mkdir()
            prepared = prepare(own) | {"redis": redis.url}
            chosen = {setting: prepared.get(str(value), value) for setting, value in scene.settings.items()}
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
            apps[name] = await closing.enter_async_context(App(Settings.of(settings | chosen), SILENT))
        yield apps


async def play(scene: Scene, app: App) -> None:
    """Breaks what the scene wants broken, and goes on with its work."""
    if scene.faults:
        inject(app, scene.faults)
    if broken := scene.breaks(app):
        await broken
    # Signed only now: when the tests are collected may be long ago.
    token = token_of(scene.key) if scene.key else None
    async with AsyncTwinfrontClient(str(app.address), retry=False, token=token, insecure=bool(token)) as client:
        while True:
            with contextlib.suppress(TwinfrontError):
                await scene.work(client)
            await asyncio.sleep(0.05)


def may(name: str) -> frozenset[str]:
    return SCENES[name].may if name in SCENES else frozenset()


async def fire(prometheus: Prometheus, expected: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Gives what has fired when all that is expected has, and a little later, for what is not.

    How soon alerts fire depends on the machine, so only those that never do are given up.
    """
    fired: set[tuple[str, str]] = set()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GIVEN_UP_AFTER):
            while not expected <= fired:
                await asyncio.sleep(0.5)
                fired |= await prometheus.firing()
    await asyncio.sleep(3)
    return fired | await prometheus.firing()


@contextlib.contextmanager
def crowded(folder: Path) -> Iterator[str]:
    """Serves connections until most of the files are open that the process may open; gives where its metrics are."""
    served = process.start(folder, [], {}, ("prlimit", f"--nofile={MAX_FILES}:{MAX_FILES}", *process.COMMAND))
    open_files = re.search(r"^process_open_fds (\S+)", served.metrics(), re.MULTILINE)
    assert open_files
    with contextlib.ExitStack() as closing:
        closing.callback(served.process.wait)
        closing.callback(served.process.kill)
        for _ in range(int(0.9 * MAX_FILES - float(open_files[1]))):
            connection = closing.enter_context(socket.create_connection(("127.0.0.1", int(served.port))))
            connection.sendall(HTTP2)
        yield served.metrics_url.removeprefix("http://").removesuffix("/metrics")


async def test_alerts_fire_where_their_fault_is_and_all_panels_show_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")
    expected = {(name, alert) for name, scene in SCENES.items() for alert in scene.fires}
    expected.add((CROWDED, "TwinfrontOpenFiles"))
    async with AsyncExitStack() as closing:
        watched = {CROWDED: closing.enter_context(crowded(tmp_path))}
        apps = await closing.enter_async_context(staged(SCENES, tmp_path))
        watched |= {name: str(app.metrics_address) for name, app in apps.items()}
        prometheus = await closing.enter_async_context(watching(tmp_path, watched))
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
    assert {(name, alert) for name, alert in fired - expected if alert not in may(name)} == set()
    # Nobody drains here.
    assert set(empty) == {"Drains"}
