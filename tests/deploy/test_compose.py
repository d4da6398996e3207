"""The compose file: sound by the specification's own loader, and its services take what it tells them."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.rpc.serving.process import wait_until
from tests.tools import GoTool, checked, require

from localtwins.settings import Settings as LocalSettings
from twinfront_server.settings import Settings

COMPOSE = Path(__file__).resolve().parents[2] / "deploy/compose/compose.yaml"

LOADER = GoTool("cmd", "github.com/compose-spec/compose-go/v2/cmd", "v2.16.2")
"""The library with which Docker Compose reads its files, as a program."""

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]
    return found


def test_the_loader_of_the_specification_takes_it() -> None:
    ended = subprocess.run([LOADER.path(), COMPOSE], capture_output=True, text=True, check=False)
    checked(ended)
    loaded = yaml.safe_load(ended.stdout)["services"]
    assert loaded.keys() >= {"localtwins", "twinfront"}
    assert {name for name, service in loaded.items() if "profiles" in service} == {"opa"}


def test_the_front_takes_its_variables(services: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    variables = services["twinfront"]["environment"]
    assert variables.keys() <= {setting.variable for setting in Settings.describe()}
    for name, value in variables.items():
        monkeypatch.setenv(name, value.rpartition(":-")[2].removesuffix("}") if "${" in value else value)
    monkeypatch.setenv("TWINFRONT_LISTEN", "0.0.0.0:50051")
    settings = Settings.load({})
    assert settings.upstream == f"http://localtwins:{services['localtwins']['command'][3].rpartition(':')[2]}"


def test_the_front_shares_outcomes_through_a_service_that_redis_can_stand_for(
    services: dict[str, Any], tmp_path: Path
) -> None:
    host, _, port = services["twinfront"]["environment"]["TWINFRONT_OUTCOMES"].removeprefix("redis://").partition(":")
    assert (host in services, port) == (True, "6379")
    program, *words = services[host]["command"]
    assert program == "valkey-server"
    require(["redis-server"])
    line = ["redis-server", *words, "--port", "0", "--dir", str(tmp_path), "--unixsocket", str(tmp_path / "socket")]
    with subprocess.Popen(line, stdout=subprocess.DEVNULL) as redis:
        try:
            wait_until((tmp_path / "socket").exists)
            assert redis.poll() is None
        finally:
            redis.kill()


def test_the_front_can_ask_the_policy_system_of_the_profile(
    services: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in settings_told(COMPOSE.read_text()).items():
        assert name in services["twinfront"]["environment"]
        monkeypatch.setenv(name, value.replace("…", "issuer.example"))
    settings = Settings.load({})
    assert settings.auth_kinds == {"jwt"}
    (plugin,) = {word for word in services["opa"]["command"] if "grpc.addr" in word}
    assert settings.authorize == f"grpc://opa:{plugin.rpartition(':')[2]}"


def test_the_policy_system_decides_by_what_the_policy_says(services: dict[str, Any]) -> None:
    *_, path, mounted = services["opa"]["command"]
    (mount,) = services["opa"]["volumes"]
    policy = COMPOSE.parent / mount.partition(":")[0] / Path(mounted).name
    package = re.search(r"^package (\S+)", policy.read_text(), re.MULTILINE)
    assert package
    assert path.endswith(f".path={package[1].replace('.', '/')}/allow")


def settings_told(text: str) -> dict[str, str]:
    """Gives the variables in the line that a comment tells how to run it with."""
    return dict(re.findall(r"\b(TWINFRONT_[A-Z_]+)=(\S+)", text))


def test_localtwins_takes_its_words(services: dict[str, Any]) -> None:
    _, *words = services["localtwins"]["command"]
    flags = {setting.flag for setting in LocalSettings.describe()}
    assert {word for word in words if word.startswith("--")} <= flags


def test_what_is_stopped_has_the_time_of_a_drain(services: dict[str, Any]) -> None:
    defaults = Settings()
    grace = float(services["twinfront"]["stop_grace_period"].removesuffix("s"))
    assert grace > defaults.drain_delay + defaults.drain_grace


def test_every_port_is_this_machines_alone(services: dict[str, Any]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_no_image_is_whatever_is_newest(services: dict[str, Any]) -> None:
    images = {service["image"] for service in services.values() if "build" not in service}
    assert images
    assert all(":v" in image or image.rpartition(":")[2][:1].isdigit() for image in images)


def test_every_folder_that_is_mounted_is_in_the_repository(services: dict[str, Any]) -> None:
    mounts = [mount for service in services.values() for mount in service.get("volumes", []) if mount.startswith(".")]
    assert mounts
    assert [mount for mount in mounts if not (COMPOSE.parent / mount.split(":")[0]).exists()] == []
