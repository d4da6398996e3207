"""The scenarios that all clients have in common, and what is expected of each step."""

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jsonschema
import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
FOLDER = CHECKOUT / "clients" / "scenarios"

TEXT_4K = "x" * 4_000
"""About as much as one string may have; eight of them are more than a twin may have."""

Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """A step as one client is given it; `place` names it: scenario and number."""

    place: tuple[str, int]
    expect: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Scenarios:
    """The scenarios for one client: what its runner reads, and the steps in order."""

    document: dict[str, Any]
    steps: list[Step]

    def write(self, path: Path) -> Path:
        """Writes what the runner reads."""
        path.write_text(json.dumps(self.document))
        return path


LIVE_SERVER: Final = "scenarios.yaml"
"""The file of the scenarios that run against a real server."""

ODD_SERVER: Final = "odd_server.yaml"
"""The file of those that run against the odd server, which breaks connections and answers what no good server does."""

LIMITED_CALLER: Final = "limited_caller.yaml"
"""The file of those whose caller may see a part of the graph only, as the policy of a real server says."""

WATCHING: Final = "watching.yaml"
"""The file of those that watch a real server."""

ODD_WATCHING: Final = "odd_watching.yaml"
"""The file of those that watch the odd server."""


def scenarios(prefix: str, file: str = LIVE_SERVER) -> Scenarios:
    """Gives a file's scenarios with the ids of one client; jsonschema.ValidationError if it is not as it has to be."""
    document = _with(_document(file), {"prefix": prefix, "text4k": TEXT_4K})
    steps = []
    for scenario in document["scenarios"]:
        for number, step in enumerate(scenario["steps"]):
            steps.append(Step((scenario["name"], number), {"code": "OK", **step.pop("expect", {})}))
    return Scenarios(document, steps)


@functools.cache
def _document(file: str) -> Any:
    """Reads a file as it is, which nobody changes: each client gets a copy of its own."""
    document = yaml.safe_load((FOLDER / file).read_text())
    jsonschema.validate(document, json.loads((FOLDER / "schema.json").read_text()))
    return document


def _with(value: Any, variables: dict[str, str]) -> Any:
    match value:
        case str():
            for name, text in variables.items():
                value = value.replace(f"${{{name}}}", text)
            return value
        case list():
            return [_with(item, variables) for item in value]
        case dict():
            return {_with(name, variables): _with(member, variables) for name, member in value.items()}
    return value
