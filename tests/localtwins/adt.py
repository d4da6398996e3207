"""A service to test against, and the models that the tests are about."""

import json
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

from localtwins import LocalTwins, Request, Response

CONTEXT = "dtmi:dtdl:context;3"

SENSOR = {
    "@id": "dtmi:test:Sensor;1",
    "@type": "Interface",
    "@context": CONTEXT,
    "displayName": "Sensor",
    "contents": [
        {"@type": "Property", "name": "reading", "schema": "double"},
        {"@type": "Property", "name": "unit", "schema": "string"},
    ],
}
SPACE = {
    "@id": "dtmi:test:Space;1",
    "@type": "Interface",
    "@context": CONTEXT,
    "displayName": {"en": "Space", "de": "Raum"},
    "description": "A place",
    "contents": [{"@type": "Relationship", "name": "adjacentTo", "target": "dtmi:test:Space;1"}],
}
ROOM = {
    "@id": "dtmi:test:Room;1",
    "@type": "Interface",
    "@context": CONTEXT,
    "extends": "dtmi:test:Space;1",
    "contents": [
        {"@type": "Property", "name": "temperature", "schema": "double"},
        {"@type": "Property", "name": "seats", "schema": "integer"},
        {"@type": "Property", "name": "label", "schema": "string"},
        {"@type": "Property", "name": "tags", "schema": {"@type": "Array", "elementSchema": "string"}},
        {
            "@type": "Property",
            "name": "address",
            "schema": {
                "@type": "Object",
                "fields": [{"name": "street", "schema": "string"}, {"name": "city", "schema": "string"}],
            },
        },
        {
            "@type": "Property",
            "name": "limits",
            "schema": {
                "@type": "Map",
                "mapKey": {"name": "what", "schema": "string"},
                "mapValue": {"name": "limit", "schema": "double"},
            },
        },
        {"@type": "Telemetry", "name": "noise", "schema": "double"},
        {"@type": "Component", "name": "sensor", "schema": "dtmi:test:Sensor;1"},
        {
            "@type": "Relationship",
            "name": "servedBy",
            "target": "dtmi:test:Machine;1",
            "properties": [
                {"@type": "Property", "name": "since", "schema": "date"},
                {"@type": "Property", "name": "note", "schema": "string"},
            ],
        },
        {"@type": "Relationship", "name": "linkedTo"},
    ],
}
MACHINE = {
    "@id": "dtmi:test:Machine;1",
    "@type": "Interface",
    "@context": CONTEXT,
    "contents": [{"@type": "Property", "name": "power", "schema": "double"}],
}
MODELS: list[MutableMapping[str, Any]] = [SENSOR, SPACE, ROOM, MACHINE]

ROOM_TWIN: dict[str, Any] = {
    "$metadata": {"$model": "dtmi:test:Room;1"},
    "temperature": 20.5,
    "sensor": {"$metadata": {}, "reading": 1},
}
SPACE_TWIN: dict[str, Any] = {"$metadata": {"$model": "dtmi:test:Space;1"}}
MACHINE_TWIN: dict[str, Any] = {"$metadata": {"$model": "dtmi:test:Machine;1"}}


@dataclass(frozen=True)
class Answer:
    """An answer of the service, its body parsed."""

    status: int
    headers: dict[str, str]
    body: Any

    @property
    def etag(self) -> str:
        return self.headers["ETag"]

    @property
    def code(self) -> str:
        return str(self.body["error"]["code"])

    @property
    def message(self) -> str:
        return str(self.body["error"]["message"])

    @property
    def details(self) -> list[str]:
        return [detail["message"] for detail in self.body["error"].get("details", [])]


class Adt:
    """Sends requests to a service in process."""

    def __init__(self, service: LocalTwins, api_version: str = "2023-10-31") -> None:
        self.service = service
        self.api_version = api_version

    async def get(self, target: str, **headers: str) -> Answer:
        return await self.send("GET", target, None, **headers)

    async def put(self, target: str, body: Any, **headers: str) -> Answer:
        return await self.send("PUT", target, body, **headers)

    async def post(self, target: str, body: Any, **headers: str) -> Answer:
        return await self.send("POST", target, body, **headers)

    async def patch(self, target: str, *operations: Any, **headers: str) -> Answer:
        return await self.send("PATCH", target, list(operations), **headers)

    async def delete(self, target: str, **headers: str) -> Answer:
        return await self.send("DELETE", target, None, **headers)

    async def send(self, method: str, target: str, body: Any, **headers: str) -> Answer:
        """Send `body` as JSON, bytes as they are; a header `if_match` is If-Match."""
        path, _, query = target.partition("?")
        query = "&".join(filter(None, (query, f"api-version={self.api_version}")))
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await self.service.handle(Request(method, path, query, named, content, "https://adt.example"))
        return parsed(answer)

    async def twin(self, twin_id: str) -> dict[str, Any]:
        """The document of a twin that must be there."""
        answer = await self.get(f"/digitaltwins/{twin_id}")
        assert answer.status == 200, answer
        document: dict[str, Any] = answer.body
        return document


def parsed(answer: Response) -> Answer:
    return Answer(answer.status, answer.headers, json.loads(answer.body) if answer.body else None)


def add(path: str, value: Any) -> dict[str, Any]:
    return {"op": "add", "path": path, "value": value}


def replace(path: str, value: Any) -> dict[str, Any]:
    return {"op": "replace", "path": path, "value": value}


def remove(path: str) -> dict[str, Any]:
    return {"op": "remove", "path": path}
