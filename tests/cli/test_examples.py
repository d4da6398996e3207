"""Every example that the help of a command gives works on the sample building."""

import argparse
import json
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from tests.rpc.serving import process

from twinfront_server import cli

ROOM = {
    "@context": "dtmi:dtdl:context;3",
    "@id": "dtmi:example:Room;1",
    "@type": "Interface",
    "contents": [{"@type": "Property", "name": "temperature", "schema": "double"}],
}
OF_A_SERVER = {"serve", "healthcheck", "doctor"}
"""Commands about a server and what it needs, which the sample building is not."""


def examples(name: str) -> list[str]:
    """Those of a command and of the commands that it consists of."""
    parser = cli.parser_of(name)
    parsers = [parser]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            parsers += action.choices.values()
    texts = [parser.epilog or "" for parser in parsers]
    assert all(text.startswith("examples:\n  twinfront ") or "completion" in text for text in texts)
    return [line.strip() for text in texts for line in text.splitlines()[1:]]


@pytest.mark.parametrize("name", sorted(cli.COMMANDS.keys() - OF_A_SERVER))
def test_the_examples_of_a_command_work(name: str, environment: dict[str, str], tmp_path: Path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "room.json").write_text(json.dumps(ROOM))
    (tmp_path / "room.json").write_text(json.dumps([ROOM | {"@id": "dtmi:example:Room;2"}]))
    room = {"$dtId": "a", "$metadata": {"$model": "dtmi:twinfront:sample:Floor;1"}}
    (tmp_path / "rooms.json").write_text(json.dumps([room]))
    (tmp_path / ".zfunc").mkdir()
    setup = "twinfront export --file building.ndjson"
    for example in (setup, *examples(name)):
        if "--svg" in example and not shutil.which("dot"):
            continue
        ended = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", example],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (ended.returncode, ended.stderr) == (0, ""), example
    if name == "delete":  # leaves the building to the other commands as it was
        subprocess.run(["twinfront", "apply", "building.ndjson"], cwd=tmp_path, env=environment, check=True)


def test_the_examples_of_healthcheck_work(address: str):
    given = examples("healthcheck")
    assert given
    for example in given:
        asked = process.run(*example.split()[1:], "--address", address)
        assert (asked.returncode, asked.stdout) == (0, "SERVING\n"), example


def test_the_examples_of_serve_start_a_server(tmp_path: Path):
    given = examples("serve")
    assert given
    for number, example in enumerate(given):
        folder = tmp_path / str(number)
        folder.mkdir()
        served = process.start(folder, [*example.split()[2:], "--upstream-credential=none"], {})
        served.signal(signal.SIGTERM)
        assert served.exit_code() == 0, example
