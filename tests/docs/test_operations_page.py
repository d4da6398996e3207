"""The page for operators: its runbook leaves no reason out, and what it names is there."""

import json
import re
from pathlib import Path

import yaml

from twinfront_server.metric_table import METRICS
from twinfront_server.reasons import Reason
from twinfront_server.settings import Settings

CHECKOUT = Path(__file__).resolve().parents[2]
RUNBOOK = "https://github.com/twinfront/twinfront/blob/main/docs/operations.md"
PAGE = (CHECKOUT / "docs/operations.md").read_text()


def test_the_runbook_has_every_reason_once() -> None:
    runbook = PAGE.partition("## Runbook")[2]
    named = re.findall(r"`([A-Z]+(?:_[A-Z]+)*)`", runbook)
    assert sorted(named) == sorted(Reason)


def test_every_flag_of_the_page_is_a_setting() -> None:
    assert set(re.findall(r"`(--[a-z-]+)", PAGE)) - {"--upstream"} <= {setting.flag for setting in Settings.describe()}


def test_every_metric_of_the_page_is_one_of_the_server() -> None:
    assert set(re.findall(r"`(twinfront_\w+)`", PAGE)) <= {metric.name for metric in METRICS}


def test_every_alert_has_its_section_once() -> None:
    (group,) = yaml.safe_load((CHECKOUT / "deploy/prometheus/alerts.yaml").read_text())["groups"]
    alerts = [rule["alert"] for rule in group["rules"]]
    assert re.findall(r"^### (Twinfront\w+)$", PAGE, re.MULTILINE) == alerts
    links = [f"{RUNBOOK}#{alert.lower()}" for alert in alerts]
    assert [rule["annotations"]["runbook_url"] for rule in group["rules"]] == links


def test_the_runbook_is_where_the_packages_say_that_the_project_is() -> None:
    package = json.loads((CHECKOUT / "clients/typescript/package.json").read_text())
    repository = package["repository"]["url"].removeprefix("git+").removesuffix(".git")
    assert f"{repository}/blob/main/docs/operations.md" == RUNBOOK


def test_the_chart_leads_to_the_same_runbook() -> None:
    values = yaml.safe_load((CHECKOUT / "deploy/helm/twinfront/values.yaml").read_text())
    assert values["serviceMonitor"]["runbook"] == RUNBOOK


def test_every_panel_of_the_page_is_one_of_the_dashboard() -> None:
    dashboard = json.loads((CHECKOUT / "deploy/grafana/dashboards/twinfront.json").read_text())
    named = set(re.findall(r'"([^"]+)"', PAGE.partition("## Alerts")[2].partition("## Runbook")[0].replace("\n", " ")))
    assert named
    assert named <= {panel["title"] for panel in dashboard["panels"]}


def test_what_each_thing_costs_has_the_rows_of_the_benchmark() -> None:
    benchmark = (CHECKOUT / "tests/bench/bench_switched_on.py").read_text()
    table = PAGE.partition("make bench\nARGS=switched-on")[2].partition("\n\n##")[0]
    rows = [row.replace("`", "") for row in re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)]
    assert rows[2:-1] == re.findall(r'_Step\(\s*"([^"]+)"', benchmark)
    assert rows[-1] == "all together"
