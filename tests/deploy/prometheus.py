"""Prometheus as Debian has it, with the alerts and the dashboard that are shipped."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from tests.ports import reserved_port
from tests.tools import require

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
ALERTS = DEPLOY / "prometheus/alerts.yaml"
DASHBOARD = DEPLOY / "grafana/dashboards/twinfront.json"

_HURRY = 20
"""How much faster than in earnest alerts fire that have to last."""


def install() -> None:
    """Sees to it that prometheus and promtool are there."""
    require(["prometheus"])


def alerts() -> dict[str, Any]:
    """The rules, by the names of their alerts."""
    (group,) = yaml.safe_load(ALERTS.read_text())["groups"]
    return {rule["alert"]: rule for rule in group["rules"]}


def queries() -> dict[str, str]:
    """The queries of the dashboard, by panel and legend, as Grafana sends them for all servers."""
    dashboard = json.loads(DASHBOARD.read_text())
    named = {
        f"{panel['title']}: {target['legendFormat']}": target["expr"]
        for panel in dashboard["panels"]
        for target in panel.get("targets", [])
    }
    named |= {annotation["name"]: annotation["expr"] for annotation in dashboard["annotations"]["list"]}
    return {name: query.replace("$__rate_interval", "1m").replace("$instance", ".*") for name, query in named.items()}


@dataclass(frozen=True)
class Prometheus:
    """A Prometheus that is running."""

    url: str

    async def ask(self, path: str, **parameters: str) -> Any:
        """Asks its API."""
        async with (
            aiohttp.ClientSession(self.url) as http,
            http.get(f"/api/v1/{path}", params=parameters) as answered,
        ):
            answer = await answered.json()
        assert answer["status"] == "success", answer
        return answer["data"]

    async def series(self, query: str) -> list[Any]:
        """Runs a query, as of now."""
        found: list[Any] = (await self.ask("query", query=query))["result"]
        return found

    async def firing(self) -> set[tuple[str, str]]:
        """The alerts that fire, each with the job that it is about."""
        found = (await self.ask("alerts"))["alerts"]
        return {(alert["labels"]["job"], alert["labels"]["alertname"]) for alert in found if alert["state"] == "firing"}


@asynccontextmanager
async def watching(folder: Path, targets: Mapping[str, str]) -> AsyncIterator[Prometheus]:
    """Starts one that looks at each target every few seconds, as a job of its own, with alerts that are in a hurry."""
    (folder / "alerts.yaml").write_text(_hurried(ALERTS.read_text()))
    scraped = [{"job_name": job, "static_configs": [{"targets": [target]}]} for job, target in targets.items()]
    configuration = yaml.safe_load((DEPLOY / "prometheus/prometheus.yaml").read_text())
    # What takes longer to be answered than the interval counts as down, and servers that share a process may take long.
    configuration["global"] = {"scrape_interval": "5s", "scrape_timeout": "5s", "evaluation_interval": "1s"}
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(configuration | {"scrape_configs": scraped}))
    address = f"127.0.0.1:{reserved_port()}"
    words = (
        f"--config.file={folder / 'prometheus.yaml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
        "--log.level=error",
    )
    process = await asyncio.create_subprocess_exec("prometheus", *words)
    try:
        prometheus = Prometheus(f"http://{address}")
        while not await _has_seen_all(prometheus, targets):
            assert process.returncode is None
            await asyncio.sleep(0.2)
        yield prometheus
    finally:
        process.terminate()
        await process.wait()


def _hurried(rules: str) -> str:
    """Has alerts fire soon that have to last, and rates be those of the last minute."""
    sooner = re.sub(r"(for: )(\d+)m", lambda found: f"{found[1]}{int(found[2]) * 60 // _HURRY}s", rules)
    return sooner.replace("[5m]", "[1m]")


async def _has_seen_all(prometheus: Prometheus, targets: Mapping[str, str]) -> bool:
    try:
        return len(await prometheus.series("count_over_time(twinfront_build_info[1m]) > 1")) == len(targets)
    except aiohttp.ClientError:
        return False
