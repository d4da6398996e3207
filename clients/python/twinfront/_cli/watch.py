"""`twinfront watch`."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping
from typing import Any, Final

from twinfront import (
    Change,
    ChangeKind,
    Checkpoint,
    DigitalTwin,
    InitialItem,
    InitialStateEnd,
    Relationship,
    Reset,
    Watch,
    WatchItem,
)
from twinfront._cli.connection import add_connection_arguments, connect
from twinfront._cli.numbers import count
from twinfront._cli.output import compact, errors, shown

EXAMPLES: Final = (
    "twinfront watch --initial twins --model dtmi:twinfront:sample:Room\\;1 --limit 3",
    "twinfront watch --prefix room- --path /temperature --initial graph -o ndjson --limit 5 | jq .digitalTwin",
)

_KINDS: Final = [str(kind) for kind in ChangeKind if kind is not ChangeKind.UNKNOWN]
_KIND_WIDTH: Final = max(map(len, _KINDS))
_TIME_WIDTH: Final = len("2026-06-01T07:30:00.1234567Z")


def add_arguments(parser: ArgumentParser) -> None:
    """Adds the command's arguments."""
    chosen = parser.add_argument_group("what is told", "Each may be given several times, and any of them has to fit.")
    for flag, name, text in (
        ("--id", "ID", "Only these digital twins, and the relationships that start from them."),
        ("--prefix", "PREFIX", "Only digital twins whose ids begin so."),
        ("--model", "MODEL", "Only digital twins of these models and of their descendants."),
        ("--path", "POINTER", "Of updates only those that change one of these (JSON Pointers)."),
        ("--relationship", "NAME", "Only relationships with these names."),
    ):
        chosen.add_argument(flag, metavar=name, action="append", default=[], help=text)
    chosen.add_argument(
        "--kind", action="append", default=[], choices=_KINDS, help="Only these; all but telemetry if not given."
    )
    parser.add_argument("--initial", choices=("twins", "graph"), help="Tell first what there is.")
    parser.add_argument("--from-token", metavar="TOKEN", default="", help="Go on where another watch has ended.")
    parser.add_argument("--since", metavar="TIME", help="Begin with the first change at or after it (ISO 8601).")
    parser.add_argument(
        "--resync", action="store_true", help="Where changes are lost, tell anew what there is (with --initial)."
    )
    parser.add_argument(
        "--after", action="store_true", help="Tell with an update what it has made of the twin or relationship."
    )
    parser.add_argument("--limit", type=count, metavar="N", help="End after so many changes, and items of --initial.")
    parser.add_argument("-o", "--output", choices=("table", "ndjson"), help="Form of what is told [table].")
    add_connection_arguments(parser)


def run(options: Namespace) -> int:
    """Prints what is told as it comes, until it is interrupted, which is its good end."""
    with connect(options) as client:
        watch = client.watch(
            resume_token=options.from_token,
            start_time=options.since,
            initial_state=options.initial or "none",
            on_expired="resync" if options.resync else "fail",
            digital_twin_ids=options.id,
            digital_twin_id_prefixes=options.prefix,
            model_ids=options.model,
            kinds=options.kind,
            paths=options.path,
            relationship_names=options.relationship,
            content="after" if options.after else "patch",
            timeout=options.timeout,
        )
        try:
            _print(watch, options.limit, line_of=_document if options.output == "ndjson" else _line)
        except KeyboardInterrupt:
            print(file=sys.stderr)
        if watch.resume_token and sys.stderr.isatty():
            errors().print(f"Go on with --from-token {watch.resume_token}", soft_wrap=True)
    return 0


def _print(watch: Watch, limit: int | None, line_of: Callable[[WatchItem], str]) -> None:
    """Prints items, and lets each be seen at once."""
    left = limit
    for item in watch:
        line = line_of(item)
        if line:
            print(line, flush=True)
        if left is not None and isinstance(item, Change | InitialItem):
            left -= 1
            if not left:
                return


def _line(item: WatchItem) -> str:
    """Writes an item as a row for people: when, what, of what, and what it is now."""
    match item:
        case Change():
            return _row(str(item.time), str(item.kind), _subject(item), _details(item))
        case InitialItem(digital_twin=DigitalTwin() as twin):
            return _row("", "state", twin.id, compact(_plain(twin)))
        case InitialItem(relationship=Relationship() as relationship):
            return _row("", "state", _arrow(relationship), compact(relationship.properties))
        case Reset():
            return _row("", "reset", str(item.reason), item.job_id)
        case InitialStateEnd():
            return _row("", "state_end")
    return ""


def _row(*cells: str) -> str:
    time, what, *rest = cells
    row = "  ".join((time.ljust(_TIME_WIDTH), what.ljust(_KIND_WIDTH), *map(shown, filter(None, rest))))
    return row.rstrip()


def _subject(change: Change) -> str:
    if change.relationship is not None:
        return _arrow(change.relationship)
    names = (change.digital_twin_id, change.component_name, change.relationship_id)
    return " ".join(filter(None, names)) or change.model_id


def _arrow(relationship: Relationship) -> str:
    return f"{relationship.source_id} ─{relationship.name}→ {relationship.target_id} {relationship.id}"


def _details(change: Change) -> str:
    """Writes what an update has done, or what was created."""
    if change.patch:
        return " ".join(
            f"{operation['path']}={compact(operation['value'])}" if "value" in operation else f"{operation['path']}∅"
            for operation in change.patch
        )
    if change.digital_twin is not None and change.kind is not ChangeKind.TWIN_DELETED:
        return compact(_plain(change.digital_twin))
    return "" if change.telemetry is None else compact(change.telemetry)


def _plain(twin: DigitalTwin) -> Mapping[str, Any]:
    components = {name: component.properties for name, component in twin.components.items()}
    return {"$model": twin.model_id, **twin.properties, **components}


def _document(item: WatchItem) -> str:
    """Writes an item as a line of JSON: its kind under `item`, and of the contract's members those that it has."""
    match item:
        case Change():
            members = {
                "item": "change",
                "id": item.id,
                "kind": item.kind,
                "time": str(item.time),
                "digitalTwinId": item.digital_twin_id,
                "relationshipId": item.relationship_id,
                "componentName": item.component_name,
                "modelId": item.model_id,
                "etag": item.etag,
                "patch": list(item.patch),
                "digitalTwin": item.digital_twin and item.digital_twin.to_dict(),
                "relationship": item.relationship and item.relationship.to_dict(),
                "telemetry": item.telemetry,
                "traceparent": item.traceparent,
            }
        case InitialItem():
            members = {
                "item": "initialItem",
                "digitalTwin": item.digital_twin and item.digital_twin.to_dict(),
                "relationship": item.relationship and item.relationship.to_dict(),
            }
        case InitialStateEnd():
            members = {"item": "initialStateEnd"}
        case Checkpoint():
            members = {"item": "checkpoint", "time": str(item.time)}
        case Reset():
            members = {"item": "reset", "reason": item.reason, "jobId": item.job_id}
    kept = {name: value for name, value in members.items() if value not in ("", [], None)}
    return compact({**kept, "resumeToken": item.resume_token})
