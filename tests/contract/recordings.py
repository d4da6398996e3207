"""Recorded traffic of the real service: reading it, sending it again, and comparing what comes back.

The rules are those of the recordings' own README: values that cannot be equal (etags, times, trace ids, the host) are
mapped from the recorded one to ours at first sight, and must stay equal to that ever after.
"""

import json
import os
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from localtwins import Request, Response

FOLDER = Path(os.environ.get("TWINFRONT_SHARED", Path(__file__).parents[3] / "shared")) / "contract"
BASE_URL = "https://replay.example"

Send = Callable[[Request], Awaitable[Response]]
Exchange = dict[str, Any]

# A link to the next page, and the path of the request that follows it.
_NEXT_LINK, _NEXT = "NEXTLINK", "NEXT"
_TWIN_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z")
_MODEL_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,6}[1-9])?\+00:00")
_ETAG = re.compile(r'W/"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"')
_THROW_AWAY = re.compile(r"(?P<stem>dtmi:com:samples:\w+Model)(?P<suffix>[0-9a-f]{6,8});1")
_VOLATILE = {
    "$etag": _ETAG,
    "$lastUpdateTime": _TWIN_TIME,
    "lastUpdateTime": _TWIN_TIME,
    "uploadTime": _MODEL_TIME,
    "traceId": re.compile(r".+"),
}


@dataclass
class Recording:
    """One recorded test."""

    name: str
    exchanges: list[Exchange]
    assumes: dict[str, list[str]]
    setup: list[tuple[int, str, str, Any]] = field(default_factory=list)

    def setup_before(self, index: int) -> list[tuple[str, str, Any]]:
        """The requests that are to be sent before an exchange, and were not recorded."""
        return [(method, path, body) for before, method, path, body in self.setup if before == index]

    @property
    def decommissioned(self) -> list[str]:
        """The assumed models that the first list shows as decommissioned."""
        for exchange in self.exchanges:
            if exchange["method"] == "GET" and exchange["path"] == "/models":
                return [model["id"] for model in exchange["response_body"]["value"] if model["decommissioned"]]
        return []


def names() -> list[str]:
    """The recordings, as `folder/file`; none if they are not there."""
    return [entry["file"] for entry in _index()]


def load(name: str) -> Recording:
    """Read a recording."""
    (entry,) = [entry for entry in _index() if entry["file"] == name]
    recording = json.loads((FOLDER / name).read_text())
    return Recording(name, recording["exchanges"], entry.get("assumes", {}), recording.get("setup", []))


def _index() -> list[dict[str, Any]]:
    """What there is: the index, and the folder that it does not list."""
    index = FOLDER / "index.json"
    indexed: list[dict[str, Any]] = json.loads(index.read_text()) if index.is_file() else []
    others = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.glob("other-sdks/*.json"))
    return indexed + [{"file": name} for name in others]


@dataclass
class Definitions:
    """What all recordings together tell about the models, twins and relationships that single ones assume."""

    models: dict[str, Any] = field(default_factory=dict)
    resources: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def collect(cls) -> "Definitions":
        definitions = cls()
        for name in names():
            for exchange in load(name).exchanges:
                if exchange["method"] == "POST" and exchange["path"] == "/models" and exchange["status"] == 201:
                    definitions.models |= {model["@id"]: model for model in exchange["request_body"]}
                elif exchange["method"] == "PUT" and exchange["status"] == 200:
                    definitions.resources.setdefault(exchange["path"], exchange["request_body"])
        return definitions

    def model(self, model_id: str, assumed: list[str]) -> Any:
        """The definition of a model; for the throw-away models whose upload is not recorded, that of a sibling."""
        if model_id in self.models:
            return self.models[model_id]
        siblings = []
        for known, definition in self.models.items():
            ours, other = _THROW_AWAY.fullmatch(model_id), _THROW_AWAY.fullmatch(known)
            if ours and other and ours["stem"] == other["stem"]:
                sibling = json.loads(json.dumps(definition).replace(other["suffix"], ours["suffix"]))
                if all(content["schema"] in {*assumed, "string", "integer"} for content in sibling["contents"]):
                    siblings.append(sibling)
        return max(siblings, key=lambda sibling: len(sibling["contents"]))


class Replay:
    """One recording sent to a service."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._ours: dict[str, str] = {}  # recorded etag or time -> our own
        self._recorded: dict[str, str] = {}  # and back
        self._next_link = ""  # of the last answer that had one
        self._twins: set[str] = set()  # those that the recording knows of, and not the whole recorded instance

    async def prepare(self, recording: Recording, definitions: Definitions) -> None:
        """Create what the recording assumes to be there."""
        models = recording.assumes.get("models", [])
        twins = [f"/digitaltwins/{twin}" for twin in recording.assumes.get("twins", [])]
        relationships = recording.assumes.get("relationships", [])
        twin_models = {definitions.resources[twin]["$metadata"]["$model"] for twin in twins}
        # The components of twins' models first; a twin's model may itself be gone when the recording starts.
        needed = list(
            dict.fromkeys(models + [m for t in sorted(twin_models) for m in self._with_parts(t, definitions)])
        )
        if needed:
            await self._create("POST", "/models", [definitions.model(model, needed) for model in needed])
        for twin in twins:
            await self._create("PUT", twin, definitions.resources[twin])
        self._twins.update(recording.assumes.get("twins", []))
        for relationship in relationships:
            path = "/digitaltwins/{}/relationships/{}".format(*relationship.split("/"))
            await self._create("PUT", path, definitions.resources[path])
        for model in needed:
            if model not in models and "models" in recording.assumes:
                await self._create("DELETE", f"/models/{model}", None)
        for model in recording.decommissioned:
            patch = [{"op": "replace", "path": "/decommissioned", "value": True}]
            await self._create("PATCH", f"/models/{model}", patch)

    @staticmethod
    def _with_parts(model_id: str, definitions: Definitions) -> list[str]:
        contents = definitions.models[model_id]["contents"]
        return [model_id, *(content["schema"] for content in contents if content["@type"] == "Component")]

    async def _create(self, method: str, path: str, body: Any) -> None:
        request = Request(
            method, path, "api-version=2022-05-31", {}, b"" if body is None else json.dumps(body).encode()
        )
        answer = await self._send(request)
        assert answer.status < 300, (method, path, answer)

    async def run_all(self, recording: Recording) -> None:
        """Send all exchanges but those of the recorded instance's throttle, and compare their answers."""
        for index, exchange in enumerate(recording.exchanges):
            for method, path, body in recording.setup_before(index):
                await self._create(method, path, body)
            if exchange["status"] != 429:
                await self.run(exchange)

    async def run(self, exchange: Exchange) -> None:
        """Send one exchange and compare its answer."""
        headers = {name.lower(): self._ours.get(value, value) for name, value in exchange["request_headers"].items()}
        if exchange["path"].endswith("/telemetry"):
            headers.setdefault("message-id", "recorded")  # always sent, and dropped by the recorder
        body = exchange["request_body"]
        path, query = exchange["path"], urlencode(exchange["query"])
        if path == _NEXT:
            path, _, query = self._next_link.removeprefix(BASE_URL).partition("?")
        request = Request(
            exchange["method"],
            path,
            query,
            headers,
            b"" if body is None else json.dumps(body).encode(),
            BASE_URL,
        )
        answer = await self._send(request)
        if exchange["path"] == "/query" and exchange["status"] == 200:
            rows = exchange["response_body"]["value"]
            known = [row for row in rows if row.get("$dtId") in self._twins]
            exchange = {**exchange, "response_body": {**exchange["response_body"], "value": known}}
        elif exchange["method"] == "PUT" and exchange["status"] == 200:
            self._twins.add(exchange["path"].removeprefix("/digitaltwins/"))
        self._compare(exchange, answer)

    def _compare(self, recorded: Exchange, answer: Response) -> None:
        body = json.loads(answer.body) if answer.body else None
        assert answer.status == recorded["status"], body
        self._compare_value("", recorded["response_body"], body)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        for name in ("ETag", "Content-Type", "query-charge"):
            expected = recorded["response_headers"].get(name)
            ours = headers.get(name.lower())
            assert (expected is None) == (ours is None), (name, expected, ours)
            if expected is not None and name == "ETag":
                self._map(name, expected, ours, _ETAG)
            elif expected is not None and name == "query-charge":
                assert float(ours or 0) > 0
            else:
                assert ours == expected
        if answer.status == 204:
            assert answer.body == b""

    def _compare_value(self, key: str, recorded: Any, ours: Any) -> None:
        assert type(ours) is type(recorded), (key, recorded, ours)
        if isinstance(recorded, dict):
            assert list(ours) == list(recorded), "the order of keys"
            for name in recorded:
                self._compare_value(name, recorded[name], ours[name])
        elif isinstance(recorded, list):
            assert len(ours) == len(recorded), (key, recorded, ours)
            for expected, value in zip(recorded, ours, strict=True):
                self._compare_value(key, expected, value)
        elif recorded == _NEXT_LINK:
            assert ours.startswith(f"{BASE_URL}/")
            assert "continuationToken=" in ours
            self._next_link = ours
        elif key in _VOLATILE:
            self._map(key, recorded, ours, _VOLATILE[key])
        elif isinstance(recorded, str):
            expected = recorded.replace("https://HOST", BASE_URL)
            for old, new in self._ours.items():
                expected = expected.replace(old, new)
            assert ours == expected
        else:
            assert ours == recorded

    def _map(self, key: str, recorded: str, ours: Any, form: re.Pattern[str]) -> None:
        assert form.fullmatch(ours), (key, ours)
        if key == "traceId":
            return
        # Equal values in the recording are equal here, and different ones different.
        assert self._ours.setdefault(recorded, ours) == ours, (key, recorded)
        assert self._recorded.setdefault(ours, recorded) == recorded, (key, ours)
