"""The refusals that the real service was recorded with, and what callers get to see of them."""

import json
import re
from pathlib import Path
from typing import Any

import grpc
import grpc.aio

from twinfront.v1.error_details_pb2 import EtagConflict

from .calls import ETAG, RPCS, Rpc, refused
from .fault_server import Answer, FaultServer

Code = grpc.StatusCode
EXPECTED = {
    (400, "BadRequest"): (Code.INVALID_ARGUMENT, "INVALID_ARGUMENT"),
    (400, "DTDLParserError"): (Code.INVALID_ARGUMENT, "DTDL_INVALID"),
    (400, "InvalidArgument"): (Code.INVALID_ARGUMENT, "INVALID_ARGUMENT"),
    (400, "JsonPatchInvalid"): (Code.INVALID_ARGUMENT, "JSON_PATCH_INVALID"),
    (400, "EventRouteEndpointInvalid"): (Code.INVALID_ARGUMENT, "INVALID_ARGUMENT"),
    (400, "SqlQueryError"): (Code.INVALID_ARGUMENT, "QUERY_INVALID"),
    (400, "RelationshipsNotDeleted"): (Code.FAILED_PRECONDITION, "TWIN_HAS_RELATIONSHIPS"),
    (400, "ValidationFailed"): (Code.INVALID_ARGUMENT, "VALIDATION_FAILED"),
    (400, None): (Code.INVALID_ARGUMENT, "INVALID_ARGUMENT"),
    (404, "ComponentNotFound"): (Code.NOT_FOUND, "COMPONENT_NOT_FOUND"),
    (404, "DigitalTwinNotFound"): (Code.NOT_FOUND, "TWIN_NOT_FOUND"),
    (404, "EventRouteNotFound"): (Code.NOT_FOUND, "EVENT_ROUTE_NOT_FOUND"),
    (404, "ModelNotFound"): (Code.NOT_FOUND, "MODEL_NOT_FOUND"),
    (404, "RelationshipNotFound"): (Code.NOT_FOUND, "RELATIONSHIP_NOT_FOUND"),
    (404, "TargetDigitalTwinNotFound"): (Code.FAILED_PRECONDITION, "TARGET_TWIN_NOT_FOUND"),
    (409, "ModelIdAlreadyExists"): (Code.ALREADY_EXISTS, "MODEL_ALREADY_EXISTS"),
    (409, "ModelReferencesNotDeleted"): (Code.FAILED_PRECONDITION, "MODEL_HAS_DEPENDENTS"),
}
KINDS = [
    (r"/digitaltwins/[^/]+", "/digitaltwins/room"),
    (r"/digitaltwins/[^/]+/telemetry", "/digitaltwins/room/telemetry"),
    (r"/digitaltwins/[^/]+/components/[^/]+/telemetry", "/digitaltwins/room/components/thermostat/telemetry"),
    (r"/digitaltwins/[^/]+/components/[^/]+", "/digitaltwins/room/components/thermostat"),
    (r"/digitaltwins/[^/]+/relationships/[^/]+", "/digitaltwins/floor/relationships/r"),
    (r"/digitaltwins/[^/]+/relationships", "/digitaltwins/floor/relationships"),
    (r"/digitaltwins/[^/]+/incomingrelationships", "/digitaltwins/floor/incomingrelationships"),
    (r"/models/[^/]+", "/models/dtmi:example:Room;1"),
    (r"/models", "/models"),
    (r"/query", "/query"),
    (r"/eventroutes/[^/]+", "/eventroutes/route"),
    (r"/eventroutes", "/eventroutes"),
]
BY_REQUEST = {(rpc.method, rpc.path): rpc for rpc in RPCS}


def _rpc(exchange: dict[str, Any]) -> Rpc | None:
    """The RPC whose upstream request is of the recorded kind; None for operations that the contract does not have."""
    path = next((path for pattern, path in KINDS if re.fullmatch(pattern, exchange["path"])), "")
    rpc = BY_REQUEST.get((exchange["method"], path))
    condition = exchange["request_headers"].get("If-Match")
    if rpc is None or condition is None:
        return rpc
    return rpc.having(if_match="*" if condition == "*" else ETAG)


async def test_every_recorded_refusal_is_understood(shared: Path, upstream: FaultServer, channel: grpc.aio.Channel):
    seen = set()
    for file in sorted((shared / "contract" / "python-sdk").glob("*.json")):
        for exchange in json.loads(file.read_text())["exchanges"]:
            rpc = _rpc(exchange)
            status = exchange["status"]
            if rpc is None or status < 400:
                continue
            upstream._script.clear()
            upstream.on(
                f"{rpc.method} {re.escape(rpc.path)}",
                Answer(status, exchange["response_body"], exchange["response_headers"]),
            )
            upstream.on("GET", Answer(200, {"value": []}, {"ETag": 'W/"2"'}))
            error = await refused(rpc.call(channel))
            code = (exchange["response_body"].get("error") or {}).get("code")
            where = f"{file.name}: {exchange['method']} {exchange['path']} {status} {code}"
            if status == 412 and rpc.method == "PUT":
                assert (error.code, error.reason.endswith("_ALREADY_EXISTS")) == (Code.ALREADY_EXISTS, True), where
            elif status == 412:
                (conflict,) = (detail for detail in error.details if isinstance(detail, EtagConflict))
                assert (error.reason, conflict.current_etag) == ("ETAG_MISMATCH", 'W/"2"'), where
            else:
                assert (error.code, error.reason) == EXPECTED[status, code], where
            seen.add((status, code))
    assert len(seen) >= 12
