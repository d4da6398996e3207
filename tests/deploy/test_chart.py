"""The Helm chart: what it renders is sound for Kubernetes, and says nothing that the server does not know."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from tests.deploy.helm import CHART, CHECKOUT, KUBERNETES, VALUES, environment, helm, rendered, template, workload
from tests.deploy.prometheus import alerts

from twinfront_program.address import Address
from twinfront_server.access.file_policy import FilePolicy
from twinfront_server.access.policy_document import parse_policy
from twinfront_server.access.policy_text import parse_yaml
from twinfront_server.access.principal import Principal
from twinfront_server.settings import Settings

AZURE, EITHER, LOCAL, MESH = (CHART / "ci" / f"{name}.yaml" for name in ("azure", "either", "local", "mesh"))

SECRETS = {
    "TWINFRONT_PAGE_TOKEN_KEY": "0123456789abcdef",
    "TWINFRONT_OUTCOMES": "rediss://twinfront:password@outcomes:6380/0",
}
"""The values of the secrets that the examples name."""

FOREIGN = {"PrometheusRule", "ServiceMonitor"}
"""Kinds of operators, whose schemas are not Kubernetes' own."""

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(params=VALUES, ids=lambda path: path.stem)
def values(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


def test_helm_finds_nothing_to_complain_of(values: Path) -> None:
    ended = helm("lint", "--strict", "--kube-version", f"{KUBERNETES}.0", "--values", values, CHART)
    assert ended.returncode == 0, ended.stdout


def test_all_objects_are_as_the_schemas_of_kubernetes_want_them(values: Path) -> None:
    checked = [made for made in rendered(values) if made["kind"] not in FOREIGN]
    assert checked
    for made in checked:
        kubernetes_validate.validate(made, KUBERNETES, strict=True)


def test_every_variable_is_a_setting_of_the_server(values: Path) -> None:
    assert environment(workload(rendered(values))).keys() <= {setting.variable for setting in Settings.describe()}


def test_the_server_takes_the_settings_of_the_pod(values: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(workload(rendered(values))).items():
        monkeypatch.setenv(name, value or SECRETS[name])
    settings = Settings.load({})
    assert Address.parse(settings.listen).port == 50051
    assert settings.upstream == ("local" if values == LOCAL else "https://example.api.weu.digitaltwins.azure.net")


def test_a_setting_that_the_server_does_not_know_is_refused() -> None:
    ended = template(MESH, "--set", "settings.drain-grase=1s")
    assert ended.returncode != 0
    assert "drain-grase" in ended.stderr


def test_a_value_that_the_chart_does_not_know_is_refused() -> None:
    ended = template(MESH, "--set", "replica=3")
    assert ended.returncode != 0
    assert "replica" in ended.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["upstream="], "upstream is missing"),
        (["upstream=local", "replicas=2"], "upstream local has one pod"),
        (["upstream=local", "replicas=1", "autoscaling.enabled=true"], "upstream local has one pod"),
        (["insecure=false"], "tls.secret is missing"),
        (["settings.engine=native", "tls.secret=a"], "settings.engine native has no TLS: leave out tls.secret"),
        (["tls.clientCaKey=ca.crt"], "tls.clientCaKey needs tls.secret"),
        (["settings.auth=mtls"], "settings.auth mtls needs tls.clientCaKey"),
        (["settings.auth=jwt\\,mtls"], "settings.auth mtls needs tls.clientCaKey"),
        (
            ["settings.auth=jwt\\, mtls", "tls.secret=a", "tls.clientCaKey=b", "service.mtlsPort=50051"],
            "service.port and service.mtlsPort are the same",
        ),
        (["settings.listen=0.0.0.0:1"], "settings.listen is the chart's to set"),
        (["settings.mtls-listen=0.0.0.0:2"], "settings.mtls-listen is the chart's to set"),
        (
            [
                "settings.page-token-key=x",
                "secretSettings.page-token-key.secret=a",
                "secretSettings.page-token-key.key=b",
            ],
            "page-token-key stands in settings and in secretSettings",
        ),
    ],
)
def test_values_that_do_not_go_together_are_refused_in_words(words: list[str], told: str) -> None:
    ended = template(MESH, *(part for word in words for part in ("--set", word)))
    assert ended.returncode != 0
    assert told in ended.stderr


def test_the_chart_has_to_be_told_how_callers_are_known() -> None:
    words = ["--set", "upstream=https://example.api.weu.digitaltwins.azure.net"]
    unsaid = template(CHART / "values.yaml", *words, "--set", "insecure=true")
    assert unsaid.returncode != 0
    assert "settings.auth is missing" in unsaid.stderr
    certified = template(CHART / "values.yaml", *words, "--set", "tls.secret=a", "--set", "tls.clientCaKey=ca.crt")
    assert certified.returncode == 0, certified.stderr


def test_callers_with_tokens_and_callers_with_certificates_have_a_port_each() -> None:
    objects = rendered(EITHER)
    (container,) = workload(objects)["spec"]["template"]["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    variables = environment(workload(objects))
    assert Address.parse(variables["TWINFRONT_MTLS_LISTEN"]).port == ports["grpc-mtls"] != ports["grpc"]
    assert Address.parse(variables["TWINFRONT_LISTEN"]).port == ports["grpc"]
    served = [made["spec"]["ports"] for made in objects if made["kind"] == "Service"]
    offered = {port["targetPort"]: port["port"] for ports in served for port in ports}
    assert offered == {"grpc": 50051, "grpc-mtls": 50052, "metrics": 9464}
    (policy,) = [made for made in objects if made["kind"] == "NetworkPolicy"]
    callers = policy["spec"]["ingress"][0]
    assert callers["ports"] == [{"port": "grpc"}, {"port": "grpc-mtls"}]
    assert callers["from"]


def test_there_is_one_port_for_callers_where_they_are_known_in_one_way(values: Path) -> None:
    if values != EITHER:
        objects = rendered(values)
        assert "TWINFRONT_MTLS_LISTEN" not in environment(workload(objects))
        assert "grpc-mtls" not in json.dumps(objects)


@pytest.mark.parametrize(
    ("settings", "seconds"),
    [([], 50), (["drain-delay=10s", "drain-grace=1m"], 85), (["drain-grace=500ms"], 21), (["drain-delay=2.5"], 48)],
)
def test_a_pod_is_given_the_time_that_its_drain_may_take(settings: list[str], seconds: int) -> None:
    words = [part for setting in settings for part in ("--set-string", f"settings.{setting}")]
    pod = workload(rendered(MESH, *words))["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] == seconds


def test_large_numbers_and_switches_are_written_as_the_server_reads_them() -> None:
    variables = environment(workload(rendered(AZURE)))
    assert variables["TWINFRONT_MAX_REQUEST_BYTES"] == "8388608"
    assert variables["TWINFRONT_REFLECTION"] == "off"


def test_a_secret_setting_is_read_from_its_secret_and_its_value_is_nowhere() -> None:
    (container,) = workload(rendered(AZURE))["spec"]["template"]["spec"]["containers"]
    (entry,) = [entry for entry in container["env"] if entry["name"] == "TWINFRONT_PAGE_TOKEN_KEY"]
    assert entry == {
        "name": "TWINFRONT_PAGE_TOKEN_KEY",
        "valueFrom": {"secretKeyRef": {"name": "twinfront", "key": "page-token-key"}},
    }


def test_no_pod_runs_as_root_or_writes_into_its_image(values: Path) -> None:
    pod = workload(rendered(values))["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_a_rollout_adds_a_pod_before_it_takes_one_away() -> None:
    assert workload(rendered(AZURE))["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


def test_the_autoscaler_decides_how_many_pods_there_are() -> None:
    objects = rendered(AZURE)
    assert "replicas" not in workload(objects)["spec"]
    (autoscaler,) = [made for made in objects if made["kind"] == "HorizontalPodAutoscaler"]
    assert autoscaler["spec"]["scaleTargetRef"]["name"] == workload(objects)["metadata"]["name"]


def test_all_selectors_find_the_pods(values: Path) -> None:
    objects = rendered(values)
    labels = workload(objects)["spec"]["template"]["metadata"]["labels"].items()
    selectors = [
        made["spec"][key].get("matchLabels", made["spec"][key])
        for made in objects
        for key in ("selector", "podSelector")
        if key in made.get("spec", {}) and made["kind"] not in FOREIGN
    ]
    assert selectors
    assert all(selector.items() <= labels for selector in selectors)


def test_the_alerts_of_the_chart_are_those_of_the_repository() -> None:
    (rule,) = [made for made in rendered(AZURE) if made["kind"] == "PrometheusRule"]
    assert rule["spec"] == yaml.safe_load((CHECKOUT / "deploy/prometheus/alerts.yaml").read_text())


def test_the_alerts_of_the_chart_lead_to_the_runbook_that_is_wanted() -> None:
    objects = rendered(AZURE, "--set", "serviceMonitor.runbook=https://wiki.example/twins")
    (rule,) = [made for made in objects if made["kind"] == "PrometheusRule"]
    links = [alert["annotations"]["runbook_url"] for alert in rule["spec"]["groups"][0]["rules"]]
    assert links == [f"https://wiki.example/twins#{name.lower()}" for name in alerts()]


def test_the_dashboard_of_the_chart_is_that_of_the_repository() -> None:
    maps = [made for made in rendered(AZURE) if made["kind"] == "ConfigMap"]
    (dashboard,) = [made for made in maps if "twinfront.json" in made["data"]]
    assert dashboard["metadata"]["labels"]["grafana_dashboard"] == "1"
    shipped = json.loads((CHECKOUT / "deploy/grafana/dashboards/twinfront.json").read_text())
    assert json.loads(dashboard["data"]["twinfront.json"]) == shipped


def test_who_does_not_watch_with_prometheus_gets_neither(values: Path) -> None:
    if values != AZURE:
        objects = rendered(values)
        assert {made["kind"] for made in objects}.isdisjoint(FOREIGN)
        assert not [made for made in objects if "twinfront.json" in made.get("data", {})]


def test_the_environment_of_a_local_pod_serves(tmp_path: Path) -> None:
    variables = environment(workload(rendered(LOCAL))) | {
        "TWINFRONT_LISTEN": "127.0.0.1:0",
        "TWINFRONT_METRICS_LISTEN": "127.0.0.1:0",
        "TWINFRONT_DATA_DIR": str(tmp_path),
        "TWINFRONT_LOG_FORMAT": "json",
    }
    serving = subprocess.Popen(
        [Path(sys.executable).with_name("twinfront"), "serve"],
        env=os.environ | variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert serving.stderr is not None
    lines = []
    try:
        for line in serving.stderr:
            lines.append(line)
            if '"serving"' in line:
                break
    finally:
        serving.send_signal(signal.SIGTERM)
        serving.communicate(timeout=60)
    assert serving.returncode == 0, "".join(lines)


def test_the_policy_of_the_values_is_a_file_of_the_pod_that_the_server_takes() -> None:
    made = rendered(AZURE)
    [config] = [each for each in made if each["kind"] == "ConfigMap" and "policy.yaml" in each["data"]]
    policy = FilePolicy(parse_policy(parse_yaml(config["data"]["policy.yaml"])), {"jwt"})
    writer = policy.grant(Principal("alice", "jwt", groups=frozenset({"plant-7"})))
    assert [limit.ids for limit in writer["twinfront.v1.DigitalTwinService/UpdateDigitalTwin"].limits] == [
        ("plant-7-",)
    ]
    pod = workload(made)["spec"]["template"]["spec"]
    mounts = {mount["name"]: mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
    assert environment(workload(made))["TWINFRONT_POLICY"] == f"{mounts['policy']}/policy.yaml"
    assert {"name": "policy", "configMap": {"name": config["metadata"]["name"]}} in pod["volumes"]
    assert "TWINFRONT_POLICY" not in environment(workload(rendered(LOCAL)))
