"""Executes the scenarios that all clients have in common, and prints a line of JSON for each step.

What a line has is told in clients/scenarios/README.md.
"""

import argparse
import asyncio
import itertools
import json
import re
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
    DigitalTwin,
    EtagMismatchError,
    InvalidArgumentError,
    Patch,
    ThrottledError,
    TlsConfig,
    TwinfrontClient,
    TwinfrontError,
    TwinHasRelationshipsError,
    UnavailableError,
    from_rpc_error,
    from_status,
    patch,
)
from twinfront._calls import Call
from twinfront.v1 import (
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

    def _do_dial(self, step: Step) -> Line:
        options = dict(step["options"])
        dial = partial(TwinfrontClient, options.pop("address"), **options)
        try:
            dial().close()
        except ValueError:
            return {"code": "REFUSED"}
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
