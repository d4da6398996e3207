"""No request stops or swells `localtwins serve`: every operation of the REST API, in every shape that makes for work.

Each costs at most a second of the server's processor and 150 MB of its memory for 4 MB sent, is answered with neither a
5xx nor a trace in the log, and leaves others their answers meanwhile; twice the size costs at most 2.6 times as much.
Models, which are checked by many rules, may cost a few seconds, spent on a thread of their own.
"""

import json
import math
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

import pytest
from tests.localtwins.adt import MODELS, ROOM_TWIN
from tests.localtwins.attacked import Answer, Attacked, attacked

from localtwins.limits import CHANGES
from localtwins.rest.routing import ROUTES
from localtwins.rest_api import OPERATIONS, Operation

from . import rest_bodies as bodies
from .rest_bodies import Shape

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what another process uses is read from /proc")

SIZE: Final = 4_000_000
MOST_SECONDS: Final = 1.0
MOST_SECONDS_OF_MODELS: Final = 4.0
MOST_BYTES: Final = 150_000_000
MOST_KEPT_BYTES: Final = 50_000_000
MOST_GROWTH: Final = 2.6
# Of so little processor time nobody can tell how it grows.
NOISE: Final = 0.1
# Something else may run in the server at the same time.
TRIES: Final = 6
PATIENCE: Final = 5.0

SHAPES: Final[Mapping[str, Mapping[str, Shape]]] = {
    "list_models": bodies.NO_BODY,
    "post_models": bodies.ANY_BODY | bodies.MODELS,
    "get_model": bodies.NO_BODY,
    "decommission_model": bodies.ANY_BODY | bodies.PATCH,
    "delete_model": bodies.NO_BODY,
    "query_twins": bodies.ANY_BODY | bodies.QUERY,
    "get_digital_twin": bodies.NO_BODY,
    "put_digital_twin": bodies.ANY_BODY | bodies.TWIN,
    "patch_digital_twin": bodies.ANY_BODY | bodies.PATCH,
    "delete_digital_twin": bodies.NO_BODY,
    "publish_telemetry": bodies.ANY_BODY,
    "get_component": bodies.NO_BODY,
    "patch_component": bodies.ANY_BODY | bodies.PATCH,
    "publish_component_telemetry": bodies.ANY_BODY,
    "list_relationships": bodies.NO_BODY,
    "get_relationship": bodies.NO_BODY,
    "put_relationship": bodies.ANY_BODY | bodies.RELATIONSHIP,
    "patch_relationship": bodies.ANY_BODY | bodies.PATCH,
    "delete_relationship": bodies.NO_BODY,
    "list_incoming_relationships": bodies.NO_BODY,
    "list_event_routes": bodies.NO_BODY,
    "get_event_route": bodies.NO_BODY,
    "put_event_route": bodies.ANY_BODY | bodies.EVENT_ROUTE,
    "delete_event_route": bodies.NO_BODY,
    "list_import_jobs": bodies.NO_BODY,
    "get_import_job": bodies.NO_BODY,
    "put_import_job": bodies.ANY_BODY | bodies.IMPORT_JOB,
    "delete_import_job": bodies.NO_BODY,
    "cancel_import_job": bodies.NO_BODY,
    "list_delete_jobs": bodies.NO_BODY,
    "post_delete_job": bodies.NO_BODY,
    "get_delete_job": bodies.NO_BODY,
    "list_changes": bodies.NO_BODY,
    "list_change_items": bodies.NO_BODY,
}

# Ids for the parameters of each path, of what is there.
IDS: Final[Mapping[str, tuple[str, ...]]] = {
    "/models/{}": ("dtmi%3Atest%3ARoom%3B1",),
    "/digitaltwins/{}": ("room",),
    "/digitaltwins/{}/telemetry": ("room",),
    "/digitaltwins/{}/components/{}": ("room", "sensor"),
    "/digitaltwins/{}/components/{}/telemetry": ("room", "sensor"),
    "/digitaltwins/{}/relationships": ("room",),
    "/digitaltwins/{}/relationships/{}": ("room", "r"),
    "/digitaltwins/{}/incomingrelationships": ("room",),
    "/eventroutes/{}": ("route",),
    "/jobs/imports/{}": ("job",),
    "/jobs/imports/{}/cancel": ("job",),
    "/jobs/deletions/{}": ("job",),
}

# In place of the last id.
HOSTILE_IDS: Final = {
    "a long id": "x" * 7_900,
    "escapes": "%25" * 2_600,
    "escaped letters beyond 16 bits": "%F0%9F%98%80" * 650,
    "escapes that are none": "%" * 7_900,
    "no UTF-8": "%FF" * 2_600,
    "slashes": "%2F" * 2_600,
    "dots": "..%2F" * 1_500,
    "zeros": "%00" * 2_600,
    "a model id": "dtmi:" + "a:" * 3_900 + "a;1",
    "a model id of one segment": "dtmi:" + "a_" * 3_900 + ";1",
    "a name of the service": "$" * 7_900,
    "segments": "/".join("x" * 3_900),
}
HOSTILE_QUERIES: Final = {
    "parameters": "&".join(["a=1"] * 1_900),
    "names": "&".join(f"p{number}" for number in range(1_300)),
    "nothing": "&" * 7_800,
    "equals": "=" * 7_800,
    "escapes": "a=" + "%25" * 2_500,
    "dependencies": "&".join(["dependenciesFor=dtmi:test:Room;1"] * 230),
    "dependencies that are missing": "&".join(f"dependenciesFor=dtmi:a:B;{number}" for number in range(1, 300)),
    "a token": "continuationToken=" + "QUFB" * 1_900,
    "a token of lists": "continuationToken=" + "W1tbW1tb" * 950,
    "a flag": "includeModelDefinition=" + "t" * 7_700,
    "a name of relationships": "relationshipName=" + "n" * 7_700,
    "minutes": "timeoutInMinutes=" + "9" * 7_700,
    "a position": "after=" + "9" * 7_700,
    "a time of changes": "time=2026-01-01T00:00:00." + "9" * 7_600 + "Z",
    "a time without end": "time=" + "2026-01-01T00:00:00" * 400,
    "a limit": "limit=" + "9" * 7_700,
    "the longest page": f"limit={CHANGES}&after=0&kind=twins",
    "seconds": "wait=" + "0" * 3_800 + "." + "9" * 3_800,
    "a log": "log=" + "f" * 7_700,
    "a place": "kind=relationships&after=" + "/" * 7_700,
    "a place behind all": "kind=twins&after=" + "%F4%8F%BF%BF" * 600,
    "a kind": "kind=" + "k" * 7_700,
    "a version": "api-version=" + "9" * 7_700,
}
HOSTILE_HEADERS: Final[Mapping[str, Mapping[str, str]]] = {
    "an etag": {"If-Match": 'W/"' + "e" * 8_000 + '"', "If-None-Match": 'W/"' + "e" * 8_000 + '"'},
    "etags": {"If-Match": ",".join(['""'] * 2_700), "If-None-Match": ",".join(['""'] * 2_700)},
    "etags that end badly": {"If-Match": '"",' * 2_700 + "x", "If-None-Match": '"",' * 2_700 + "x"},
    "quotes": {"If-Match": '"' * 8_000, "If-None-Match": "W/" * 4_000},
    "spaces": {"If-Match": "x" + " " * 8_000 + "x", "max-items-per-page": "9" + " " * 8_000 + "9"},
    "digits": {"max-items-per-page": "9" * 8_000, "operation-id": "9" * 8_000, "Message-Id": "9" * 8_000},
    "a time": {"Message-Id": "1", "Telemetry-Source-Time": "2024-01-01T00:00:00." + "1" * 7_900 + "Z"},
    "fields": {f"x-{number}": "x" * 8_000 for number in range(100)},
}
# Carried out and taken back: nothing of it may be there, or gone, for the requests that follow.
DRY: Final = {"delete_model", "decommission_model", "delete_digital_twin", "delete_relationship", "post_delete_job"}


@dataclass
class Cost:
    """What a request cost the server."""

    operation: str
    shape: str
    answer: Answer
    seconds: float
    bytes: int

    def __str__(self) -> str:
        return (
            f"{self.operation}, {self.shape}: {self.answer.status} {self.answer.body[:80]!r}, "
            f"{self.seconds:.2f} s of the processor, {self.bytes / 1e6:.0f} MB"
        )


@dataclass
class Bystander:
    """Somebody else, who reads a twin again and again."""

    server: Attacked
    waits: list[float] = field(default_factory=list)
    refusals: list[int] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        if self._thread:
            self._thread.join()

    def _read(self) -> None:
        while not self._ended.wait(0.05):
            began = time.monotonic()
            status = self.server.send("GET", "/digitaltwins/x").status
            self.waits.append(time.monotonic() - began)
            if status != 404:
                self.refusals.append(status)


@dataclass(frozen=True)
class Attack:
    """An operation to attack."""

    operation: Operation
    method: str
    path: str

    def target(self, last_id: str | None = None) -> str:
        ids = list(IDS.get(self.path, ()))
        if last_id is not None and ids:
            ids[-1] = last_id
        return self.path.format(*ids)

    def headers(self) -> dict[str, str]:
        headers = {"Message-Id": "1"} if self.operation.name.startswith("publish") else {}
        return headers | ({"localtwins-validate-only": "true"} if self.operation.name in DRY else {})


ATTACKS: Final = {
    route.operation.name: Attack(route.operation, method, path)
    for path, methods in ROUTES.items()
    for method, route in methods.items()
}


costs: list[Cost] = []


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, record_testsuite_property: Callable[[str, object], None]
) -> Iterator[Attacked]:
    folder = tmp_path_factory.mktemp("server")
    endpoint = f"events=file:{folder / 'events'}"
    with attacked(folder, "--endpoint", endpoint, "--jobs-dir", str(folder), "--log-requests", "none") as server:
        assert server.send("POST", "/models", json.dumps(MODELS).encode()).status == 201
        machine = {"$metadata": {"$model": "dtmi:test:Machine;1"}}
        for twin_id, twin in {"room": {**ROOM_TWIN, "seats": 1}, "machine": machine}.items():
            assert server.send("PUT", f"/digitaltwins/{twin_id}", json.dumps(twin).encode()).status == 200
        related = {"$relationshipName": "servedBy", "$targetId": "machine"}
        assert server.send("PUT", "/digitaltwins/room/relationships/r", json.dumps(related).encode()).status == 200
        yield server
        record_testsuite_property("hostile requests", len(costs))
        record_testsuite_property("dearest", max(costs, key=lambda cost: cost.seconds, default=None))
        record_testsuite_property("largest", max(costs, key=lambda cost: cost.bytes, default=None))
        log = server.log.read_text()
        assert "Traceback" not in log, log[-5000:]
        assert "unexpected" not in log, log[-5000:]


@pytest.fixture
def bystander(server: Attacked) -> Iterator[Bystander]:
    """Somebody who has to be answered all the while that a test attacks."""
    bystander = Bystander(server)
    bystander.start()
    yield bystander
    bystander.stop()
    assert not bystander.refusals
    assert max(bystander.waits, default=0) <= PATIENCE


def attack(
    server: Attacked,
    attacked: Attack,
    shape: str,
    *,
    target: str | None = None,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
) -> Cost:
    """Send a request and see what it costs."""
    server.forget_peak()
    memory, seconds = server.resident_bytes(), server.cpu_seconds()
    answer = server.send(attacked.method, target or attacked.target(), body, {**attacked.headers(), **(headers or {})})
    cost = Cost(
        attacked.operation.name,
        shape,
        answer,
        server.cpu_seconds() - seconds,
        max(server.peak_bytes() - memory, 0),
    )
    costs.append(cost)
    return cost


def check(cost: Cost) -> None:
    assert 200 <= cost.answer.status < 500, cost
    assert cost.seconds <= (MOST_SECONDS_OF_MODELS if cost.operation == "post_models" else MOST_SECONDS), cost
    assert cost.bytes <= MOST_BYTES, cost


def test_every_operation_has_hostile_bodies_and_every_path_ids():
    assert SHAPES.keys() == OPERATIONS.keys() == ATTACKS.keys()
    assert {path for path in ROUTES if "{}" in path} == IDS.keys()


@pytest.mark.usefixtures("bystander")
@pytest.mark.parametrize("name", SHAPES)
def test_no_body_costs_much(server: Attacked, name: str):
    for shape, make in SHAPES[name].items():
        check(attack(server, ATTACKS[name], shape, body=make(SIZE)))


@pytest.mark.usefixtures("bystander")
@pytest.mark.parametrize("name", [name for name, shapes in SHAPES.items() if len(shapes) > 1])
def test_no_body_just_within_the_limits_costs_much(server: Attacked, name: str):
    limit = OPERATIONS[name].body_bytes
    if limit is None or limit > SIZE:
        pytest.skip("the bodies of the other test are within them")
    for shape, make in SHAPES[name].items():
        check(attack(server, ATTACKS[name], shape, body=make(limit - 100)[: limit - 1]))


@pytest.mark.usefixtures("bystander")
@pytest.mark.parametrize("name", ATTACKS)
def test_no_url_and_no_header_costs_much(server: Attacked, name: str):
    hostile = ATTACKS[name]
    if IDS.get(hostile.path):
        for shape, last_id in HOSTILE_IDS.items():
            check(attack(server, hostile, shape, target=hostile.target(last_id), body=b"{}"))
    for shape, query in HOSTILE_QUERIES.items():
        check(attack(server, hostile, shape, target=f"{hostile.target()}?{query}", body=b"[]"))
    for shape, headers in HOSTILE_HEADERS.items():
        check(attack(server, hostile, shape, body=b"[]", headers=headers))


@pytest.mark.parametrize(
    "name", ["post_models", "put_digital_twin", "patch_digital_twin", "put_relationship", "query_twins"]
)
def test_twice_the_body_costs_no_more_than_2_6_times_as_much(server: Attacked, name: str):
    for shape, make in SHAPES[name].items():
        size = SIZE // 4 if name == "post_models" else SIZE
        large, small = make(size), make(size // 2)
        if len(large) < 1.5 * len(small):
            continue  # the shape has one size
        seconds = half_seconds = math.inf
        for _ in range(TRIES):
            cost = attack(server, ATTACKS[name], shape, body=bodies.as_new(large))
            if cost.seconds <= NOISE:
                break
            half = attack(server, ATTACKS[name], f"{shape}, half as large", body=bodies.as_new(small))
            # The least of each: whatever else the machine does, or a collection of garbage, can only add to it.
            seconds, half_seconds = min(seconds, cost.seconds), min(half_seconds, half.seconds)
            if seconds <= MOST_GROWTH * half_seconds:
                break
        else:
            pytest.fail(f"{half}; {cost}")


@pytest.mark.usefixtures("bystander")
def test_six_at_once_are_answered_and_their_memory_is_given_back(server: Attacked):
    heavy = [
        ("put_digital_twin", bodies.TWIN["as many unknown properties as may be"]),
        ("put_digital_twin", bodies.TWIN["unknown properties"]),
        ("patch_digital_twin", bodies.PATCH["paths of escapes that are just short enough"]),
        ("post_models", bodies.MODELS["models that extend one that is missing"]),
        ("post_models", bodies.ANY_BODY["empty lists"]),
        ("publish_telemetry", bodies.ANY_BODY["members"]),
    ]
    before, seconds = server.resident_bytes(), server.cpu_seconds()
    server.forget_peak()
    for name, make in heavy:
        body, hostile = make(SIZE // 4 if make in bodies.MODELS.values() else SIZE), ATTACKS[name]
        with ThreadPoolExecutor(6) as callers:
            sent = [
                callers.submit(server.send, hostile.method, hostile.target(), body, hostile.headers()) for _ in range(6)
            ]
            statuses = {future.result().status for future in sent}
        assert all(200 <= status < 500 for status in statuses), (name, statuses)
    assert server.peak_bytes() - before <= 2 * MOST_BYTES
    end = time.monotonic() + PATIENCE
    while server.resident_bytes() - before > MOST_KEPT_BYTES:
        assert time.monotonic() < end, f"{(server.resident_bytes() - before) / 1e6} MB are kept"
        time.sleep(0.1)
    assert server.cpu_seconds() - seconds <= 6 * len(heavy) * MOST_SECONDS_OF_MODELS
