"""Holds what a client's runner printed against what is expected, and against what the other clients printed."""

import re
from collections.abc import Iterator
from typing import Any

from .scenarios import Line

ANY = "$any"

_ETAG = re.compile(r'W/"[0-9a-f-]{36}"')
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_IN_A_TWIN = re.compile(r"digital_twin\.(json|properties|model_id)")
_CHANGING = {"nextPageToken", "resumeToken", "newestToken", "oldestToken", "saved", "queryCharge"}
_BY_THE_CLOCK = {"DEADLINE_EXCEEDED", "CANCELLED"}


def mismatches(expected: Any, got: Any, path: str, saved: dict[str, str]) -> Iterator[str]:
    """Finds where something is not as expected: members that nobody expects may be there, and null expects none."""
    match expected:
        case dict() if isinstance(got, dict):
            for name, value in expected.items():
                yield from _member_mismatches(name, value, got, path, saved)
        case list() if isinstance(got, list) and len(got) == len(expected):
            for index, (value, item) in enumerate(zip(expected, got, strict=True)):
                yield from mismatches(value, item, f"{path}[{index}]", saved)
        case str() if expected.startswith("${"):
            # The runner knows what it saved; here a variable is bound to what it is met as first.
            if saved.setdefault(expected, got) != got:
                yield f"{path}: {got!r} is not {saved[expected]!r} as before"
        case str() if expected == ANY:
            return
        case _:
            if got != expected or isinstance(got, bool) != isinstance(expected, bool):
                yield f"{path}: {got!r} is not {expected!r}"


def _member_mismatches(
    name: str, expected: Any, got: dict[str, Any], path: str, saved: dict[str, str]
) -> Iterator[str]:
    if expected is None:
        if name in got:
            yield f"{path}.{name} is there: {got[name]!r}"
    elif name not in got:
        yield f"{path}.{name} is missing"
    else:
        yield from mismatches(expected, got[name], f"{path}.{name}", saved)


def imported(line: Line) -> dict[str, Any]:
    """Adds up what the messages of an import tell, however many they were."""
    results = [result for message in line.get("responses", []) for result in message.get("results", [])]
    failed = [
        {"index": int(result.get("index", 0)), "reason": _reason(result)}
        for result in results
        if result.get("status", {}).get("code")
    ]
    progress = line["responses"][-1].get("progress", {}) if line.get("responses") else {}
    return {
        "digitalTwins": int(progress.get("digitalTwinsImported", 0)),
        "relationships": int(progress.get("relationshipsImported", 0)),
        "failed": sorted(failed, key=lambda entry: entry["index"]),
    }


def _reason(result: dict[str, Any]) -> str:
    details = result["status"].get("details", [])
    return next((str(detail["reason"]) for detail in details if "reason" in detail), "")


def essence(line: Line, prefix: str) -> Any:
    """A line without what differs from run to run and client to client."""
    if line["code"] in _BY_THE_CLOCK:  # who was first, server or client, is chance
        return {"code": line["code"], "kind": line["error"]["kind"]}
    if any("progress" in message for message in line.get("responses", [])):
        return {"code": line["code"], "imported": imported(line)}
    return _essence(line, prefix)


def _essence(value: Any, prefix: str) -> Any:
    match value:
        case {"$double": text}:
            return float(text)
        case dict():
            return {
                name.replace(prefix, "<prefix>"): _essence(member, prefix)
                for name, member in value.items()
                if name not in _CHANGING and not (name == "attempts" and "kind" in value)
            }
        case list():
            return [_essence(item, prefix) for item in value]
        case str() if _IN_A_TWIN.match(value):
            return "digital_twin"  # whether a client sends its values typed or as JSON is its own affair
        case str():
            return _TIME.sub("<time>", _ETAG.sub("<etag>", value)).replace(prefix, "<prefix>")
        case int() | float() if not isinstance(value, bool):
            return float(value)
    return value
