"""Which field of the caller's request an upstream's complaint is about.

The service answers in sentences; those whose form is recorded name what they mean. A complaint that names nothing
known is laid to the field that the body came from, or to the first id.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from twinfront_server.errors import MAX_LISTED
from twinfront_server.upstream.operation import Asked
from twinfront_server.wire.body import Body
from twinfront_server.wire.value import entry

_MOST_SEARCHED: Final = 1000
"""How many operations of a patch, or models, are searched for what a complaint is about: the first ones. A request may
have some hundred thousand, and nobody else is served in the meantime."""

_TWIN: Final = "Twin"
"""What complaints call the twin itself, as against a component or a relationship, which they name."""

_ABOUT_ID: Final = re.compile(r"\b(?P<kind>digital twin|relationship|model|event route|job) id\b", re.IGNORECASE)
_ABOUT_MODEL: Final = re.compile(r"(?:ValidationFailed: )?dtmi:\S+ or one of its dependencies does not exist\.?")
_MODEL_PATH: Final = ["$metadata", "$model"]
_COMPLAINTS: Final = (
    re.compile(r"(?:ValidationFailed: )?(?P<name>\S+) does not appear on the DTDL for (?P<owner>.+?)\.?"),
    re.compile(r"(?:ValidationFailed: )?Expected value of type .+ for (?P<name>\S+) on (?P<owner>.+?)\.?"),
    re.compile(r"The string value of (?P<name>\S+) on (?P<owner>.+?) is longer than .+"),
    re.compile(r"Twin is missing (?:\$metadata of )?component (?P<component>\S+?)\.?"),
    re.compile(r"The target location specified by path segment '(?P<segment>.+?)' was not found\..*", re.DOTALL),
    re.compile(r"(?P<path>/\S*) (?:was not found|cannot be changed)\..*", re.DOTALL),
)


def violated_fields(reason: str, complaints: Sequence[str], asked: Asked) -> dict[str, str]:
    """The proto paths of the fields that the complaints are about, each with the complaint.

    Args:
        reason: the reason of the error, which decides where in the request to look.
        complaints: the messages, one for each thing that is wrong; a status lists no more than `MAX_LISTED` of them.
        asked: what the call asked for.
    """
    fields: dict[str, str] = {}
    for complaint in complaints[:MAX_LISTED]:
        field = _field(reason, complaint, asked)
        fields[field] = f"{fields[field]} {complaint}" if field in fields else complaint
    return fields


def _field(reason: str, complaint: str, asked: Asked) -> str:
    if reason == "INVALID_ARGUMENT":
        field = _id_field(complaint, asked)
        if field is not None:
            return field
    if asked.body is None:
        return next(iter((*asked.ids, *asked.listed)), "request")
    if asked.body.items:
        return _item_field(complaint, asked.body, asked.ids)
    return _member_field(complaint, asked.body.field)


def _id_field(complaint: str, asked: Asked) -> str | None:
    """The id that a complaint is about: the one that it calls by its kind, else the longest one that it quotes."""
    about = _ABOUT_ID.search(complaint)
    field = f"{about['kind'].lower().replace(' ', '_')}_id" if about else ""
    if field in asked.ids:
        return field
    ids = {**asked.ids, **asked.listed}
    quoted = [field for field, value in ids.items() if value and _quotes(complaint, value)]
    if not quoted:
        return None
    field = max(reversed(quoted), key=lambda field: len(ids[field]))
    # The target stands inside the relationship of the request; the other ids are fields of their own.
    return f"{asked.body.field}.{field}" if field == "target_id" and asked.body is not None else field


def _quotes(complaint: str, value: str) -> bool:
    return value in complaint and re.search(rf"(?<!\w){re.escape(value)}(?!\w)", complaint) is not None


def _item_field(complaint: str, body: Body, ids: Mapping[str, str]) -> str:
    """The operation of a patch, or the model, that a complaint is about."""
    searched = range(min(len(body.items), _MOST_SEARCHED))
    if body.field == "dtdl_models":
        for index in searched:
            item = body.items[index]
            # Elements without an id of their own have one made from their interface's: dtmi:a:Room:_contents:__name;1
            if item and (_quotes(complaint, item) or f"{item.partition(';')[0]}:_" in complaint):
                return f"{body.field}[{index}]"
        return body.field
    about_model = _ABOUT_MODEL.fullmatch(complaint) is not None
    finding = _finding(complaint)
    for index in reversed(searched):
        segments = body.items[index].strip("/").split("/")
        if about_model:
            member = "value" if segments == _MODEL_PATH else None
        else:
            member = _member_of_operation(finding, segments, ids)
        if member is not None:
            return body.item_field(index) if body.item_field else f"{body.field}[{index}].{member}"
    return body.field


def _member_of_operation(finding: Mapping[str, str], segments: list[str], ids: Mapping[str, str]) -> str | None:
    """Whether what a complaint names is the `path` or the `value` of the operation with this path, or neither."""
    whole = [ids["component_name"], *segments] if "component_name" in ids else segments
    match finding:
        case {"path": path}:
            return "path" if path == "/" + "/".join(whole) else None
        case {"segment": segment}:
            return "path" if segment in segments else None
        case {"component": component}:
            return "path" if whole[0] == component else None
        case {"name": name, "owner": owner}:
            named = name if owner == _TWIN or "relationship_id" in ids else f"{owner}/{name}"
            return "value" if _is_on_the_way(named, "/".join(whole)) else None
    return None


def _is_on_the_way(one: str, other: str) -> bool:
    """Whether one of the paths leads to, or through, what the other leads to."""
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")


def _member_field(complaint: str, field: str) -> str:
    """The member of a whole twin or relationship that a complaint is about; JSON is one field."""
    if field.endswith(".json"):
        return field
    if _ABOUT_MODEL.fullmatch(complaint):
        return f"{field}.model_id" if field == "digital_twin" else field
    match _finding(complaint):
        case {"component": component}:
            return entry(f"{field}.components", component)
        case {"name": name, "owner": owner}:
            inside = field if owner == _TWIN or field == "relationship" else entry(f"{field}.components", owner)
            return entry(f"{inside}.properties", name.partition("/")[0])
    return field


def _finding(complaint: str) -> dict[str, str]:
    """What a complaint names; a member of a property by its path, `address/city`."""
    for pattern in _COMPLAINTS:
        match = pattern.fullmatch(complaint)
        if match:
            return match.groupdict()
    return {}
