"""The state that caches are told of, the models of its twins, and what callbacks are told."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import grpc

from twinfront import AsyncTwinCache, DigitalTwin, Relationship
from twinfront.v1.model_service_pb2 import ListModelsRequest, ListModelsResponse

from .scripted_changes import end_of_state, items, twin
from .scripted_server import failing

MakeCache = Callable[..., AsyncTwinCache]

SPECIAL = "dtmi:example:MeetingRoom;1"
LATER = "2026-06-01T07:31:00.0000000Z"
STATE = (items("s1", twin("a", n=1), twin("b", n=2)), end_of_state("s2"))


def models(bases: dict[str, tuple[str, ...]]) -> Callable[..., ListModelsResponse]:
    """Answers with models that extend others; one that is not among them is not found."""

    def answer(request: ListModelsRequest, context: grpc.ServicerContext) -> ListModelsResponse:
        if not set(request.dependencies_for) <= bases.keys():
            failing(grpc.StatusCode.NOT_FOUND, "MODEL_NOT_FOUND")(request, context)
        response = ListModelsResponse()
        for model_id, extends in bases.items():
            definition = {"@id": model_id, "@type": "Interface", "extends": list(extends)}
            response.models.add(json=json.dumps({"id": model_id, "model": definition}).encode())
        return response

    return answer


class Told:
    """What callbacks are told, as `+a`, `a 1>2` and `-a`."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.callbacks: dict[str, Any] = {"added": self._added, "changed": self._changed, "removed": self._removed}

    def _added(self, after: DigitalTwin | Relationship) -> None:
        self.lines.append(f"+{after.id}")

    def _changed(self, before: DigitalTwin | Relationship, after: DigitalTwin | Relationship) -> None:
        self.lines.append(f"{after.id} {before.get('n')}>{after.get('n')}")

    def _removed(self, before: DigitalTwin | Relationship) -> None:
        self.lines.append(f"-{before.id}")


async def until(holds: Callable[[], bool]) -> None:
    """Waits for what has to come."""
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.005)
