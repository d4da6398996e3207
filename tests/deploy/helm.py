"""Renders the chart, with helm as its authors publish it."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from tests.tools import GoTool

CHECKOUT: Final = Path(__file__).resolve().parents[2]
CHART: Final = CHECKOUT / "deploy/helm/twinfront"
VALUES: Final = sorted((CHART / "ci").glob("*.yaml"))

KUBERNETES: Final = "1.33"

HELM: Final = GoTool("helm", "helm.sh/helm/v3/cmd/helm", "v3.19.0")


def helm(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs helm."""
    return subprocess.run([HELM.path(), *words], capture_output=True, text=True, check=False)


def template(values: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Renders the chart with a file of values, for a release called `twins`."""
    version = f"{KUBERNETES}.0"
    return helm("template", "twins", CHART, "--kube-version", version, "--values", values, *words)


def rendered(values: Path, *words: str) -> list[dict[str, Any]]:
    """Gives the objects of the chart with a file of values."""
    ended = template(values, *words)
    assert ended.returncode == 0, ended.stderr
    return [document for document in yaml.safe_load_all(ended.stdout) if document]


def workload(objects: list[dict[str, Any]]) -> dict[str, Any]:
    """Gives the Deployment or StatefulSet."""
    (found,) = [made for made in objects if made["kind"] in {"Deployment", "StatefulSet"}]
    return found


def environment(made: Mapping[str, Any]) -> dict[str, str]:
    """Gives the variables of the server's container, those from secrets with an empty value."""
    (container,) = made["spec"]["template"]["spec"]["containers"]
    return {entry["name"]: entry.get("value", "") for entry in container["env"]}
