"""A lost write is told from others' by what the real service leaves in a twin's times: each recorded write is."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from twinfront_server.adt.body import Body
from twinfront_server.upstream import operation as operations
from twinfront_server.upstream.operation import Asked
from twinfront_server.upstream.settling.effects import could_have_made, written_at


def asked_of(method: str, path: str, body: object) -> Asked | None:
    """What a recorded request would have been sent by; None if it writes no twin."""
    content = Body(json.dumps(body).encode(), "")
    match method, path.split("/")[1:]:
        case "PUT", ["digitaltwins", twin]:
            return Asked(operations.PUT_DIGITAL_TWIN, {"digital_twin_id": twin}, content)
        case "PATCH", ["digitaltwins", twin]:
            return Asked(operations.PATCH_DIGITAL_TWIN, {"digital_twin_id": twin}, content)
        case "PATCH", ["digitaltwins", twin, "components", component]:
            ids = {"digital_twin_id": twin, "component_name": component}
            return Asked(operations.PATCH_COMPONENT, ids, content)
        case _:
            return None


def patches_of_others(found: dict[str, Any]) -> Iterator[Asked]:
    """Patches that would leave the same values, of properties that were written before the last time."""
    for name, entry in found["$metadata"].items():
        if isinstance(entry, dict) and entry["lastUpdateTime"] != written_at(found):
            body = json.dumps([{"op": "replace", "path": f"/{name}", "value": found[name]}]).encode()
            yield Asked(operations.PATCH_DIGITAL_TWIN, {"digital_twin_id": found["$dtId"]}, Body(body, ""))


def test_every_recorded_write_is_recognised_by_what_is_read_after_it(shared: Path):
    seen, others = set(), 0
    for file in sorted((shared / "contract" / "python-sdk").glob("*.json")):
        last, etag = None, ""
        for exchange in json.loads(file.read_text())["exchanges"]:
            asked = asked_of(exchange["method"], exchange["path"], exchange["request_body"])
            if asked is not None and exchange["status"] < 300:
                last, etag = asked, exchange["response_headers"]["ETag"]
            found = exchange["response_body"]
            if last is None or not isinstance(found, dict) or found.get("$etag") != etag or not written_at(found):
                continue
            assert could_have_made(last, found), file.name
            seen.add((last.operation.name, last.body.content if last.body else b""))
            for other in patches_of_others(found):
                assert not could_have_made(other, found), file.name
                others += 1
    assert {name for name, _ in seen} == {"put_digital_twin", "patch_digital_twin", "patch_component"}
    assert len(seen) > 10
    assert others > 5
