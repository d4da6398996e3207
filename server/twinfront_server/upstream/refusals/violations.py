"""Finds the field of the caller's request that an upstream's complaint is about.

The service answers in sentences; those whose form is recorded name what they mean. A complaint that names nothing
known is laid to the field that the body came from, or to the first id.

An example: a patch of `/temperature` and `/address/zip` is refused with "The target location specified by path segment
'zip' was not found." Callers cannot act on that text, but on `patch[1].path`, which is what they get: of all operations
only that one has the segment.

Complaints have words of the caller in them, so they are read with string methods, whose time grows as the text does,
and by nothing that tries a text in several ways.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from string import Formatter
from typing import Any, Final

import orjson

from twinfront_server.adt.body import Body
from twinfront_server.adt.json_pointer import tokens_of, unescaped
from twinfront_server.adt.twin_json import METADATA, MODEL
from twinfront_server.errors import MAX_LISTED, entry
from twinfront_server.reasons import InvalidReason, Reason
from twinfront_server.upstream.operation import Asked

_MOST_SEARCHED: Final = 1000
"""How many operations of a patch, or models, are searched for what a complaint is about: the first ones. A request may
have some hundred thousand, and nobody else is served in the meantime."""

_LONGEST_PATH: Final = 4096
"""The longest path that is searched for; no complaint names a longer one whole."""

_INDEX_DIGITS: Final = 6
"""The digits that the index of a model never has."""

_TWIN: Final = "Twin"
"""The words by which a complaint means the twin itself; a component or a relationship it would name."""

_PREFIX: Final = "ValidationFailed: "
_ABOUT_ID: Final = re.compile(r"\b(?P<kind>digital twin|relationship|model|event route|job) id\b", re.IGNORECASE)
_ABOUT_MODEL: Final = "or one of its dependencies does not exist"
_NO_MODEL_CREATED: Final = (
    "None of the models in this request could be created due to a problem with one or more models: "
)
_MODEL_PATH: Final = [METADATA, MODEL]
_COMPLAINTS: Final = tuple(
    [(literal, hole) for literal, hole, *_ in Formatter().parse(form)]
    for form in (
        "{name} does not appear on the DTDL for {owner}",
        "Expected value of type {type} for {name} on {owner}",
        "The string value of {name} on {owner} is longer than {limit}",
        "A name in {name} on {owner} is longer than {limit}",
        "Twin is missing component {component}",
        "Twin is missing $metadata of component {component}",
        "The target location specified by path segment '{segment}' was not found.{advice}",
        "/{path} was not found.{advice}",
        "/{path} cannot be changed.{advice}",
    )
)
"""The forms of complaints: what stands before each thing that they name, with the name of that."""


def violated_fields(reason: InvalidReason, complaints: Sequence[str], asked: Asked) -> list[tuple[str, str]]:
    """Names the field that each complaint is about, by its proto path.

    Args:
        reason: the reason of the error, which decides where in the request to look.
        complaints: the messages, one for each thing that is wrong; a status lists no more than `MAX_LISTED` of them.
        asked: what the call asked for.

    Returns:
        The fields, each with its complaint, in the order of the complaints. Several may be about one field.
    """
    if asked.body is not None and asked.body.field == "dtdl_models":
        return [_model_field(complaint, asked.body) for complaint in complaints[:MAX_LISTED]]
    operations = list(_operations(asked.body)) if asked.body is not None else []
    return [(_field(reason, complaint, asked, operations), complaint) for complaint in complaints[:MAX_LISTED]]


Operation = tuple[int, list[str]]
"""An operation of a patch: its index, and the segments of its path, escaped as they came."""


def _operations(body: Body) -> Iterator[Operation]:
    for index, path in enumerate(body.items[:_MOST_SEARCHED]):
        if len(path) <= _LONGEST_PATH:
            yield index, path.strip("/").split("/")


def _field(reason: InvalidReason, complaint: str, asked: Asked, operations: Sequence[Operation]) -> str:
    if reason is Reason.INVALID_ARGUMENT:
        field = _id_field(complaint, asked)
        if field is not None:
            return field
    if asked.body is None:
        return next(iter((*asked.ids, *asked.origin.listed)), "request")
    if asked.body.items:
        return _operation_field(complaint, asked.body, operations, asked.ids)
    return _member_field(complaint, asked.body)


def _id_field(complaint: str, asked: Asked) -> str | None:
    """Finds the id that a complaint is about: the one that it calls by its kind, else the longest one that it quotes.

    The longest, because an id may be part of another: a complaint about `hall-1` quotes `hall` as well.
    """
    about = _ABOUT_ID.search(complaint)
    field = f"{about['kind'].lower().replace(' ', '_')}_id" if about else ""
    if field in asked.ids:
        return field
    ids = {**asked.ids, **asked.origin.listed}
    quoted = [field for field, value in ids.items() if value and _quotes(complaint, value)]
    if not quoted:
        return None
    field = max(reversed(quoted), key=lambda field: len(ids[field]))
    # The target stands inside the relationship of the request; the other ids are fields of their own.
    return f"{asked.body.field}.{field}" if field == "target_id" and asked.body is not None else field


def _quotes(complaint: str, value: str) -> bool:
    """Tells whether a complaint has a value in it that is no part of a longer word."""
    start = complaint.find(value)
    while start >= 0:
        end = start + len(value)
        if not (_is_of_word(complaint[start - 1 : start]) or _is_of_word(complaint[end : end + 1])):
            return True
        start = complaint.find(value, end)
    return False


def _is_of_word(character: str) -> bool:
    return character == "_" or character.isalnum()


def _model_field(complaint: str, body: Body) -> tuple[str, str]:
    """Finds the model that a complaint is about, and what it says of it.

    Where the place is known the complaint begins with it: `models[3]: it has no name`. A complaint about a single model
    begins with what becomes of the whole request, which is no news of the model.
    """
    complaint = complaint.removeprefix(_NO_MODEL_CREATED)
    complaint = f"{complaint.rstrip('.')}." if complaint.endswith("..") else complaint
    place, separator, told = complaint.partition("]: ")
    index = place.removeprefix("models[")
    if separator and place.startswith("models[") and index.isdecimal() and len(index) < _INDEX_DIGITS:
        return f"{body.field}[{int(index)}]", told
    for number, model_id in enumerate(body.items[:_MOST_SEARCHED]):
        # Elements without an id of their own have one made from their interface's: dtmi:a:Room:_contents:__name;1
        if model_id and (_quotes(complaint, model_id) or f"{model_id.partition(';')[0]}:_" in complaint):
            return f"{body.field}[{number}]", complaint
    return (f"{body.field}[0]" if len(body.items) == 1 else body.field), complaint


def _operation_field(complaint: str, body: Body, operations: Sequence[Operation], ids: Mapping[str, str]) -> str:
    """Finds the operation of a patch that a complaint is about: the last one that touches what it names.

    What no operation touches and is wrong all the same is so by the new model: `replace /$metadata/$model` makes
    properties wrong that the patch leaves as they are. For example, with the operations

        0  replace /$metadata/$model  1  replace /temperature  2  replace /temperature

    a complaint about `temperature` is about `patch[2].value`, and one about `humidity` about `patch[0].value`.
    """
    about_model = _is_about_model(complaint)
    finding = _finding(complaint)
    by_new_model = body.field
    named = _named(finding, ids)
    for index, segments in reversed(operations):
        # Complaints name properties unescaped: one of the name `a/b` looks like the member `b` of `a`.
        if named and any("~" in segment for segment in segments) and _unescaped(_whole(segments, ids)) == named:
            return _place(body, index, "value")
    for index, segments in reversed(operations):
        if segments == _MODEL_PATH:
            member = "value" if about_model else None
            if finding.keys() & {"name", "component"}:
                by_new_model = _place(body, index, "value")
        else:
            member = _member_of_operation(finding, segments, ids)
        if member is not None:
            return _place(body, index, member)
    return by_new_model


def _place(body: Body, index: int, member: str) -> str:
    return body.item_field(index) if body.item_field else f"{body.field}[{index}].{member}"


def _member_of_operation(finding: Mapping[str, str], segments: list[str], ids: Mapping[str, str]) -> str | None:
    """Tells whether a complaint names the `path` or the `value` of the operation with this path, or neither."""
    whole = _whole(segments, ids)
    match finding:
        case {"path": path}:
            return "path" if path == "/".join(whole) else None
        case {"segment": segment}:
            # Of all that complaints name, this alone comes unescaped.
            return "path" if segment in map(unescaped, segments) else None
        case {"component": component}:
            return "path" if whole[0] == component else None
        case {"name": _, "owner": _}:
            return "value" if _is_on_the_way(_named(finding, ids), "/".join(whole)) else None
    return None


def _whole(segments: list[str], ids: Mapping[str, str]) -> list[str]:
    """Gives the path of an operation from the twin on: that of a component's begins at the component."""
    return [ids["component_name"], *segments] if "component_name" in ids else segments


def _unescaped(segments: Sequence[str]) -> str:
    return "/".join(map(unescaped, segments))


def _named(finding: Mapping[str, str], ids: Mapping[str, str]) -> str:
    """Gives the path of the property that a complaint names, from the twin on; empty if it names none."""
    match finding:
        case {"name": name, "owner": owner}:
            return name if owner == _TWIN or "relationship_id" in ids else f"{owner}/{name}"
    return ""


def _is_on_the_way(one: str, other: str) -> bool:
    """Tells whether two paths are the same, or one of them leads through the other."""
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")


def _member_field(complaint: str, body: Body) -> str:
    """Finds the member of a whole twin or relationship that a complaint is about; JSON is one field."""
    field = body.field
    if field.endswith(".json"):
        return field
    if _is_about_model(complaint):
        return f"{field}.model_id" if field == "digital_twin" else field
    match _finding(complaint):
        case {"component": component}:
            return entry(f"{field}.components", component)
        case {"name": name, "owner": owner}:
            is_own = owner == _TWIN or field == "relationship"
            inside = field if is_own else entry(f"{field}.components", owner)
            return entry(f"{inside}.properties", _property_of(name, body, None if is_own else owner))
    return field


def _property_of(path: str, body: Body, component: str | None) -> str:
    """Gives the property that a path begins with, which may have slashes in its name: the longest one that was sent."""
    name, slash, _ = path.partition("/")
    if not slash:
        return name
    sent = _sent_names(orjson.loads(body.content), component)
    cuts = [len(path), *(index for index in range(len(path) - 1, -1, -1) if path[index] == "/")]
    return next((path[:cut] for cut in cuts if path[:cut] in sent), name)


def _sent_names(sent: Any, component: str | None) -> Collection[str]:
    """Gives the names of the properties that a twin or a component was sent with, be it as a patch that makes it so."""
    if not isinstance(sent, list):
        return _names_in(sent if component is None else sent.get(component))
    names: set[str] = set()
    for operation in sent:
        first, *others = tokens_of(operation["path"])
        if component is None:
            names.add(first)
        elif first == component:
            names.update(others[:1] or _names_in(operation.get("value")))
    return names


def _names_in(value: Any) -> Collection[str]:
    return value.keys() if isinstance(value, dict) else ()


def _is_about_model(complaint: str) -> bool:
    model_id, _, rest = complaint.removeprefix(_PREFIX).partition(" ")
    return model_id.startswith("dtmi:") and rest.removesuffix(".") == _ABOUT_MODEL


def _finding(complaint: str) -> dict[str, str]:
    """Gives the things that a complaint names; a member of a property by its path, `address/city`."""
    text = complaint.removeprefix(_PREFIX)
    for form in _COMPLAINTS:
        found = _read(text, form)
        if found is not None:
            return found
    return {}


def _read(text: str, form: Sequence[tuple[str, str | None]]) -> dict[str, str] | None:
    """Reads what a text of a form names; None for a text of another form."""
    (start, hole), *others = form
    if not text.startswith(start):
        return None
    rest = text[len(start) :]
    found = {}
    for literal, next_hole in others:
        value, literal_found, rest = rest.partition(literal)
        if not (hole and value and literal_found):
            return None
        found[hole], hole = value, next_hole
    if hole:
        found[hole] = rest.removesuffix(".")
    return found
