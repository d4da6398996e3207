"""Which field of the caller's request an upstream's complaint is about.

The service answers in sentences; those whose form is recorded name what they mean. A complaint that names nothing
known is laid to the field that the body came from, or to the id.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from twinfront_server.upstream.operation import Asked
from twinfront_server.wire.body import Body
from twinfront_server.wire.value import entry

_COMPLAINTS: Final = (
    re.compile(r"(?:ValidationFailed: )?(?P<name>\S+) does not appear on the DTDL for (?P<owner>.+?)\.?"),
    re.compile(r"(?:ValidationFailed: )?Expected value of type .+ for (?P<name>\S+) on (?P<owner>.+?)\.?"),
    re.compile(r"The target location specified by path segment '(?P<name>.+?)' was not found\..*", re.DOTALL),
    re.compile(r"(?P<path>/\S*) was not found\..*", re.DOTALL),
)


def violated_fields(reason: str, complaints: Sequence[str], asked: Asked) -> dict[str, str]:
    """The proto paths of the fields that the complaints are about, each with the complaint.

    Args:
        reason: the reason of the error, which decides where in the body to look.
        complaints: the messages, one for each thing that is wrong.
        asked: what the call asked for.
    """
    fields: dict[str, str] = {}
    for complaint in complaints:
        field = _field(reason, complaint, asked)
        fields[field] = f"{fields[field]} {complaint}" if field in fields else complaint
    return fields


def _field(reason: str, complaint: str, asked: Asked) -> str:
    if reason == "INVALID_ARGUMENT":
        quoted = [field for field, value in asked.ids.items() if value and value in complaint]
        if quoted:
            return _request_field(quoted[-1], asked)
    if asked.body is None:
        return _request_field(next(iter(asked.ids), "request"), asked)
    if asked.body.items:
        return _item_field(complaint, asked.body, asked.ids)
    return _member_field(complaint, asked.body.field)


def _request_field(field: str, asked: Asked) -> str:
    """`target_id` stands inside the relationship of the request; the other ids are fields of their own."""
    return f"{asked.body.field}.target_id" if field == "target_id" and asked.body is not None else field


def _item_field(complaint: str, body: Body, ids: Mapping[str, str]) -> str:
    """The operation of a patch, or the model, that a complaint is about."""
    for index, item in enumerate(body.items):
        if body.field == "dtdl_models" and item and item in complaint:
            return f"{body.field}[{index}]"
    for found in _findings(complaint):
        for index in reversed(range(len(body.items))):
            segments = body.items[index].strip("/").split("/")
            whole = [ids["component_name"], *segments] if "component_name" in ids else segments
            if found.get("path") is not None:
                if "/" + "/".join(whole) == found["path"]:
                    return f"{body.field}[{index}].path"
            elif "owner" not in found:
                if found["name"] in segments:
                    return f"{body.field}[{index}].path"
            elif found["name"] in whole[:2] and (found["owner"] == "Twin" or found["owner"] == whole[0]):
                return f"{body.field}[{index}].value"
    return body.field


def _member_field(complaint: str, field: str) -> str:
    """The property of a whole twin or relationship that a complaint is about; JSON is one field."""
    if field.endswith(".json"):
        return field
    for found in _findings(complaint):
        if found.get("name") is None:
            continue
        owner = found.get("owner") or "Twin"
        inside = field if owner == "Twin" or field == "relationship" else entry(f"{field}.components", owner)
        return entry(f"{inside}.properties", found["name"])
    return field


def _findings(complaint: str) -> Iterator[dict[str, str]]:
    for pattern in _COMPLAINTS:
        match = pattern.fullmatch(complaint)
        if match:
            yield match.groupdict()
