"""A graph of rooms and pumps in two houses, and a policy that limits callers to parts of it."""

import json
from dataclasses import dataclass
from typing import Any, Final

from .caller import Caller

SPACE, ROOM, PUMP = "dtmi:acme:Space;1", "dtmi:acme:Room;1", "dtmi:acme:Pump;1"

POLICY: Final = f"""
version: 1
roles:
  everything:
    permissions: [twins.read, twins.write, telemetry.publish, models.read, models.write, queries.run, graph.export,
                  graph.import, routes.read, routes.write, jobs.read, jobs.write]
  twins:
    permissions: [twins.read]
bindings:
  - role: twins
    to: {{groups: [lookers-on]}}
  - role: everything
    to: {{groups: [owners]}}
  - role: everything
    to: {{groups: [house-a]}}
    within: {{ids: [a-]}}
  - role: everything
    to: {{groups: [spaces]}}
    within: {{models: ["{SPACE}"]}}
"""

_LEADS: Final = {"@type": "Relationship", "name": "leads"}
_LIT: Final = {"@type": "Property", "name": "lit", "schema": "boolean", "writable": True}
_LAMP: Final = "dtmi:acme:Lamp;1"


def _interface(model_id: str, *contents: Any, **others: Any) -> str:
    document = {"@context": "dtmi:dtdl:context;2", "@type": "Interface", "@id": model_id, "contents": list(contents)}
    return json.dumps(document | others)


MODELS: Final = [
    _interface(SPACE, _LEADS, _LIT, {"@type": "Component", "name": "lamp", "schema": _LAMP}),
    _interface(ROOM, extends=SPACE),
    _interface(PUMP, _LEADS, _LIT, {"@type": "Component", "name": "lamp", "schema": _LAMP}),
    _interface(_LAMP, _LIT),
]


PLANT_MODELS: Final = len(MODELS)


_TWINS: Final = {"a-room": ROOM, "a-hall": SPACE, "a-pump": PUMP, "b-room": ROOM, "b-pump": PUMP}
_RELATIONSHIPS: Final = (
    ("a-room", "out", "b-room"),
    ("a-room", "in", "a-hall"),
    ("b-room", "back", "a-room"),
    ("a-pump", "feeds", "a-room"),
)


def twin(digital_twin_id: str, model: str) -> dict[str, Any]:
    """Gives the message of a twin as JSON."""
    document = {"$dtId": digital_twin_id, "$metadata": {"$model": model}, "lamp": {"$metadata": {}}}
    return {"json": json.dumps(document).encode()}


async def build(owner: Caller) -> None:
    """Makes the graph."""
    await owner.ask("CreateModels", dtdl_models=MODELS)
    for digital_twin_id, model in _TWINS.items():
        await owner.ask(
            "CreateOrReplaceDigitalTwin", digital_twin_id=digital_twin_id, digital_twin=twin(digital_twin_id, model)
        )
    for source, name, target in _RELATIONSHIPS:
        await owner.ask(
            "CreateOrReplaceRelationship",
            digital_twin_id=source,
            relationship_id=name,
            relationship={"name": "leads", "target_id": target},
        )


@dataclass(frozen=True)
class Plant:
    """The graph, and who may see what of it.

        a-room ──out──▶ b-room        a-room ──in──▶ a-hall        a-pump ──feeds──▶ a-room
           ▲──────back────┘

    Attributes:
        owner: may do everything.
        house_a: may do everything with twins whose ids begin with `a-`.
        spaces: may do everything with rooms and halls, which are spaces.
    """

    owner: Caller
    house_a: Caller
    spaces: Caller

    @classmethod
    def seen_by(cls, caller: Caller) -> "Plant":
        return cls(
            caller.known_as("olga", "owners"), caller.known_as("alice", "house-a"), caller.known_as("sam", "spaces")
        )
