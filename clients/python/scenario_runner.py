"""Executes the scenarios that all clients have in common, and prints a line of JSON for each step.

What a line has is told in clients/scenarios/README.md.
"""

import argparse
import asyncio
import base64
import itertools
import json
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import grpc
from google.protobuf import json_format
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from twinfront import (
    AsyncTwinfrontClient,
    Change,
    Checkpoint,
    DigitalTwin,
    EtagMismatchError,
    InitialItem,
    InitialStateEnd,
    InvalidArgumentError,
    Patch,
    Relationship,
    Reset,
    ThrottledError,
    TlsConfig,
    TwinCache,
    TwinfrontClient,
    TwinfrontError,
    TwinHasRelationshipsError,
    UnavailableError,
    WatchItem,
    from_rpc_error,
    from_status,
    patch,
)
from twinfront._calls import Call
from twinfront.v1 import (
    change_service_pb2,
    digital_twin_service_pb2,
    event_route_service_pb2,
    graph_service_pb2,
    job_service_pb2,
    model_service_pb2,
    permission_service_pb2,
    query_service_pb2,
    relationship_service_pb2,
    telemetry_service_pb2,
)

Step = dict[str, Any]
Line = dict[str, Any]

_SERVICES: Final = {
    service.name: service
    for file in (
        digital_twin_service_pb2,
        relationship_service_pb2,
        model_service_pb2,
        query_service_pb2,
        telemetry_service_pb2,
        event_route_service_pb2,
        job_service_pb2,
        graph_service_pb2,
        permission_service_pb2,
        change_service_pb2,
    )
    for service in file.DESCRIPTOR.services_by_name.values()
}
_VARIABLE: Final = re.compile(r"\$\{(\w+)\}")


def main() -> None:
    """Runs the program."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("address", "ca", "cert", "key", "server-name", "token"):
        parser.add_argument(f"--{name}")
    parser.add_argument("file", type=Path)
    options = parser.parse_args()
    tls = TlsConfig(options.ca, options.cert, options.key, options.server_name) if options.ca else False
    insecure = not tls and options.token is not None
    how = {"target": options.address, "tls": tls, "token": options.token, "insecure": insecure}
    with TwinfrontClient(**how) as client:
        for scenario in json.loads(options.file.read_text())["scenarios"]:
            scene = Scene(client, partial(AsyncTwinfrontClient, **how))
            for number, step in enumerate(scenario["steps"]):
                line = scene.line(step)
                print(json.dumps({"scenario": scenario["name"], "step": number, **line}), flush=True)


class Scene:
    """One scenario, and what its steps have saved."""

    def __init__(self, client: TwinfrontClient, dial_async: Callable[[], AsyncTwinfrontClient]) -> None:
        self._client = client
        self._dial_async = dial_async
        self._saved: dict[str, str] = {}

    def line(self, raw: Step) -> Line:
        """Executes a step; what is to be printed of it."""
        try:
            step = self._filled_in(raw)
            line: Line = {"code": "OK"}
            action = getattr(self, f"_do_{step['do']}") if "do" in step else self._call
            try:
                line |= action(step)
            except grpc.RpcError as error:
                line |= _failure(from_rpc_error(error)) | getattr(error, "line", {})
            except TwinfrontError as error:
                line |= _failure(error)
            for name, path in step.get("save", {}).items():
                self._saved[name] = _at(line, path)
        except Exception as error:  # noqa: BLE001  (whatever is wrong with the step, the others go on)
            return {"code": "RUNNER_ERROR", "message": repr(error)}
        return line

    def _filled_in(self, value: Any) -> Any:
        match value:
            case str():
                return _VARIABLE.sub(lambda found: self._saved[found[1]], value)
            case list():
                return [self._filled_in(item) for item in value]
            case dict():
                return {name: self._filled_in(member) for name, member in value.items()}
        return value

    def _call(self, step: Step) -> Line:
        service, name = step["call"].split("/")
        method = _SERVICES[service].methods_by_name[name]
        requests = [
            json_format.ParseDict(request, GetMessageClass(method.input_type)())
            for request in step.get("requests", [step.get("request", {})])
        ]
        timeout = step["timeoutMs"] / 1000 if "timeoutMs" in step else None
        metadata = tuple(step.get("metadata", {}).items())
        if "cancelAfterMs" in step:
            return asyncio.run(self._call_and_cancel(method, requests[0], step["cancelAfterMs"] / 1000))
        if not method.server_streaming and "trailers" not in step:
            call = Call(requests[0], json_format.MessageToDict)
            return {"response": self._client._send(_stub(self._client, method), call, timeout, metadata)}  # noqa: SLF001  (no public method sends just this)
        with_token = self._client._with_token(metadata)  # noqa: SLF001  (as above)
        called = _stub(self._client, method)
        called = called if method.server_streaming else called.future
        rpc = called(iter(requests) if method.client_streaming else requests[0], timeout=timeout, metadata=with_token)
        line: Line = {}
        try:
            if method.server_streaming:
                line["responses"] = []
                for answer in itertools.islice(rpc, step.get("take")):
                    line["responses"].append(json_format.MessageToDict(answer))
                if len(line["responses"]) == step.get("take"):
                    rpc.cancel()
            else:
                line["response"] = json_format.MessageToDict(rpc.result())
        except grpc.RpcError as error:
            error.line = line | _trailers(step, rpc)  # type: ignore[attr-defined]  # carried to the report
            raise
        return line | _trailers(step, rpc)

    async def _call_and_cancel(self, method: MethodDescriptor, request: Message, seconds: float) -> Line:
        """Cancels a call as programs do, which takes a client for asyncio."""
        async with self._dial_async() as client:
            sent = client._send(_stub(client, method), Call(request, json_format.MessageToDict), None, ())  # noqa: SLF001  (as above)
            try:
                return {"response": await asyncio.wait_for(sent, seconds)}
            except TimeoutError:
                return {"code": "CANCELLED", "error": {"kind": "CallCancelled", "reason": "", "metadata": {}}}

    def _do_values(self, step: Step) -> Line:
        twin = DigitalTwin(model_id=step["modelId"], properties=_untagged(step["values"]))
        self._client.create_or_replace_digital_twin(step["digitalTwinId"], twin)
        return {"response": _tagged(self._client.get_digital_twin(step["digitalTwinId"]).properties)}

    def _do_patch(self, step: Step) -> Line:
        made = patch()
        for op, *words in step["operations"]:
            if op == "sourceTime":
                made.source_time(*words)
            else:
                getattr(made, op)(*map(_untagged, words))
        return {"response": {"etag": self._client.update_digital_twin(step["digitalTwinId"], made)}}

    def _do_updateWithRetry(self, step: Step) -> Line:  # noqa: N802  (the step's name)
        path, invocations = (step["property"],), 0

        def change(twin: DigitalTwin) -> Patch:
            nonlocal invocations
            invocations += 1
            count = twin[step["property"]]
            if invocations <= step["interfere"]:
                self._client.update_digital_twin(twin.id, patch().replace(path, count + 10))
            return patch().replace(path, count + 1)

        self._client.update_with_retry(step["digitalTwinId"], change, attempts=step["attempts"])
        value = self._client.get_digital_twin(step["digitalTwinId"])[step["property"]]
        return {"response": {"invocations": invocations, "value": value}}

    def _do_listAll(self, step: Step) -> Line:  # noqa: N802  (the step's name)
        request = step["request"]
        size = request.get("pageSize")
        lists: Mapping[str, Callable[[], Iterable[Any]]] = {
            "ListRelationships": lambda: self._client.list_relationships(request["digitalTwinId"], page_size=size),
            "ListIncomingRelationships": lambda: self._client.list_incoming_relationships(
                request["digitalTwinId"], page_size=size
            ),
            "ListModels": lambda: self._client.list_models(request.get("dependenciesFor", ()), page_size=size),
            "ListEventRoutes": lambda: self._client.list_event_routes(page_size=size),
            "ListImportJobs": lambda: self._client.list_import_jobs(page_size=size),
            "ListDeleteJobs": lambda: self._client.list_delete_jobs(page_size=size),
            "QueryTwins": lambda: self._client.query(request["query"], page_size=size),
        }
        return {"response": {"ids": [_id(item, step["id"]) for item in lists[step["call"].split("/")[1]]()]}}

    def _do_batchWrite(self, step: Step) -> Line:  # noqa: N802  (the step's name)
        request = json_format.ParseDict(step["request"], digital_twin_service_pb2.BatchWriteDigitalTwinsRequest())
        answer = self._client._digital_twin_service.BatchWriteDigitalTwins(request)  # noqa: SLF001  (no public method sends just this)
        errors = [from_status(result.status) for result in answer.results]
        return {"response": {"errors": [None if error is None else _failure(error) for error in errors]}}

    def _do_streamQuery(self, step: Step) -> Line:  # noqa: N802  (the step's name)
        return {"response": {"rows": [_tagged(row) for row in self._client.stream_query(step["query"])]}}

    def _do_importGraph(self, step: Step) -> Line:  # noqa: N802  (the step's name)
        request = json_format.ParseDict(step["request"], graph_service_pb2.ImportGraphRequest())
        twins = [DigitalTwin(id=item.digital_twin.id, model_id=item.digital_twin.model_id) for item in request.items]
        imported = self._client.import_graph(twins, resume_from=request.options.resume_from).run().progress
        done = {"acknowledged": imported.acknowledged_count, "digitalTwins": imported.digital_twins_imported}
        return {"response": done}

    def _do_watch(self, step: Step) -> Line:
        request = json_format.ParseDict(step["request"], change_service_pb2.WatchRequest())
        how = _watch_arguments(request)
        items: list[Line] = []
        with self._client.watch(**how) as watch:
            for item in watch:
                if not isinstance(item, Checkpoint):
                    items.append(_item(item))
                if len(items) >= step["take"]:
                    break
        return {"response": {"items": items, "resumeToken": watch.resume_token}}

    def _do_cache(self, step: Step) -> Line:
        wanted, told = step["cache"], _Told(step.get("told", 0))
        how = {re.sub("(?<!^)(?=[A-Z])", "_", name).lower(): value for name, value in wanted.items()}
        how["saved"] = base64.b64decode(wanted["saved"]) if "saved" in wanted else None
        with TwinCache(
            self._client,
            **how,
            added=lambda after: told.add(f"+{_name(after)}"),
            changed=lambda before, after: told.add(f"{_name(after)} {before.get('n')}>{after.get('n')}"),
            removed=lambda before: told.add(f"-{_name(before)}"),
        ) as cache:
            cache.synced(20)
            told.wait()
        response: dict[str, Any] = {
            "told": told.lines,
            "ids": [twin.id for twin in cache.list()],
            "relationships": [one.id for twin in cache.list() for one in cache.relationships(twin.id)],
            "saved": base64.b64encode(cache.save()).decode(),
        }
        if "model" in step:
            response["ofModel"] = [twin.id for twin in cache.list(model_id=step["model"])]
        if "find" in step:
            response["found"] = [twin.id for twin in cache.find(*step["find"])]
        return {"response": response}

    def _do_dial(self, step: Step) -> Line:
        options = dict(step["options"])
        dial = partial(TwinfrontClient, options.pop("address"), **options)
        try:
            dial().close()
        except ValueError:
            return {"code": "REFUSED"}
        return {}


class _Told:
    """Keeps what a cache tells its callbacks, and waits for so many of it."""

    def __init__(self, count: int) -> None:
        self.lines: list[str] = []
        self._count = count
        self._all = threading.Event()

    def add(self, line: str) -> None:
        self.lines.append(line)
        if len(self.lines) >= self._count:
            self._all.set()

    def wait(self) -> None:
        if self._count and not self._all.wait(20):
            raise TimeoutError(f"no more was told than {self.lines}")


def _name(resource: DigitalTwin | Relationship) -> str:
    """Gives the id of a twin, and of a relationship both."""
    return resource.id if isinstance(resource, DigitalTwin) else f"{resource.source_id}/{resource.id}"


def _watch_arguments(request: change_service_pb2.WatchRequest) -> dict[str, Any]:
    """Gives the arguments of `watch` for a request of the contract."""
    arguments: dict[str, Any] = {field.name: list(value) for field, value in request.filter.ListFields()}
    if "kinds" in arguments:
        names = map(change_service_pb2.ChangeKind.Name, request.filter.kinds)
        arguments["kinds"] = [name.removeprefix("CHANGE_KIND_").lower() for name in names]
    for name, enum in (
        ("initial_state", change_service_pb2.InitialState),
        ("on_expired", change_service_pb2.OnExpired),
        ("content", change_service_pb2.ChangeContent),
    ):
        number = getattr(request, name)
        if number:
            arguments[name] = enum.Name(number).rpartition("_")[2].lower()
    if request.HasField("start_time"):
        arguments["start_time"] = request.start_time.ToJsonString()
    return {**arguments, "resume_token": request.resume_token}


def _item(item: WatchItem) -> Line:
    match item:
        case Change():
            told = {
                "item": "change",
                "kind": f"CHANGE_KIND_{item.kind.upper()}",
                "digitalTwinId": item.digital_twin_id,
                "relationshipId": item.relationship_id,
                "modelId": item.model_id,
                "patch": [[each["op"], each["path"], _tagged(each.get("value"))] for each in item.patch],
                **_resource(item),
            }
        case InitialItem():
            told = {"item": "initialItem", **_resource(item)}
        case InitialStateEnd():
            told = {"item": "initialStateEnd"}
        case Reset():
            told = {"item": "reset", "reason": f"REASON_{item.reason.upper()}", "jobId": item.job_id}
        case Checkpoint():
            told = {"item": "checkpoint"}
    return {name: value for name, value in told.items() if value not in ("", [])}


def _resource(item: Change | InitialItem) -> Line:
    if item.digital_twin is not None:
        return {"digitalTwin": {"id": item.digital_twin.id, "properties": _tagged(item.digital_twin.properties)}}
    if item.relationship is not None:
        return {"relationship": {"id": item.relationship.id, "targetId": item.relationship.target_id}}
    return {}


def _stub(client: TwinfrontClient | AsyncTwinfrontClient, method: MethodDescriptor) -> Any:
    """Gives the method of the client's stub."""
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", method.containing_service.name).lower()
    return getattr(getattr(client, f"_{name}"), method.name)


def _failure(error: TwinfrontError) -> Line:
    described: dict[str, Any] = {
        "kind": type(error).__name__.removesuffix("Error"),
        "attempts": error.attempts,
        "reason": error.reason,
        "metadata": dict(error.metadata),
    }
    match error:
        case EtagMismatchError():
            described |= {
                "resource": error.resource,
                "expectedEtag": error.expected_etag,
                "currentEtag": error.current_etag,
            }
        case TwinHasRelationshipsError():
            for name in ("outgoing", "incoming"):
                described[name] = [
                    {
                        "relationshipId": blocker.relationship_id,
                        "sourceId": blocker.source_id,
                        "targetId": blocker.target_id,
                        "name": blocker.name,
                    }
                    for blocker in getattr(error, name)
                ]
                described[f"{name}Total"] = getattr(error, f"{name}_total")
        case ThrottledError() | UnavailableError() if error.retry_after is not None:
            described["retryAfterMs"] = round(error.retry_after.total_seconds() * 1000)
        case InvalidArgumentError():
            described["fieldViolations"] = [
                {"field": violation.field, "reason": violation.reason} for violation in error.field_violations
            ]
    return {"code": error.code.name, "error": described}


def _trailers(step: Step, rpc: Any) -> Line:
    if "trailers" not in step:
        return {}
    came = {name for name, _ in rpc.trailing_metadata() or ()}
    return {"trailers": {name: name in came for name in step["trailers"]}}


def _at(line: Line, path: str) -> str:
    value: Any = line if path.startswith("error.") else line.get("response", line)
    for name in path.split("."):
        value = value[int(name)] if isinstance(value, list) else value[name]
    return str(value)


def _id(item: Any, path: str) -> str:
    """Gives the id of an item of the client's, which has names of Python; a query's row is in the form of Azure."""
    if isinstance(item, dict):
        return str(item["$dtId"])
    return str(getattr(item, re.sub(r"(?<!^)(?=[A-Z])", "_", path).lower()))


def _untagged(value: Any) -> Any:
    match value:
        case {"$int": text}:
            return int(text)
        case {"$double": text}:
            return float(text)
        case dict():
            return {name: _untagged(member) for name, member in value.items()}
        case list():
            return [_untagged(item) for item in value]
    return value


def _tagged(value: Any) -> Any:
    match value:
        case bool():
            return value
        case int():
            return {"$int": str(value)}
        case float():
            return {"$double": repr(value)}
        case dict():
            return {name: _tagged(member) for name, member in value.items()}
        case list():
            return [_tagged(item) for item in value]
    return value


if __name__ == "__main__":
    main()
