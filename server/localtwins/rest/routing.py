"""Finds the resource that a path names. Fixed segments match in any case, ids are percent-decoded one by one."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from localtwins import errors
from localtwins.message import Response
from localtwins.rest import (
    changes,
    components,
    delete_jobs,
    digital_twins,
    event_routes,
    import_jobs,
    models,
    queries,
    relationships,
    telemetry,
)
from localtwins.rest_api import OPERATIONS, Operation

# Called with the Call and then one str for each {} of the path.
Handler = Callable[..., Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Route:
    """Leads to an operation.

    Attributes:
        operation: what is asked for.
        handler: answers it.
    """

    operation: Operation
    handler: Handler


def _route(operation: str, handler: Handler) -> Route:
    return Route(OPERATIONS[operation], handler)


ROUTES: Final[dict[str, dict[str, Route]]] = {
    "/models": {
        "GET": _route("list_models", models.list_all),
        "POST": _route("post_models", models.create),
    },
    "/models/{}": {
        "GET": _route("get_model", models.get),
        "PATCH": _route("decommission_model", models.decommission),
        "DELETE": _route("delete_model", models.delete),
    },
    "/digitaltwins/{}": {
        "GET": _route("get_digital_twin", digital_twins.get),
        "PUT": _route("put_digital_twin", digital_twins.put),
        "PATCH": _route("patch_digital_twin", digital_twins.patch),
        "DELETE": _route("delete_digital_twin", digital_twins.delete),
    },
    "/digitaltwins/{}/components/{}": {
        "GET": _route("get_component", components.get),
        "PATCH": _route("patch_component", components.patch),
    },
    "/digitaltwins/{}/relationships": {
        "GET": _route("list_relationships", relationships.list_outgoing),
    },
    "/digitaltwins/{}/relationships/{}": {
        "GET": _route("get_relationship", relationships.get),
        "PUT": _route("put_relationship", relationships.put),
        "PATCH": _route("patch_relationship", relationships.patch),
        "DELETE": _route("delete_relationship", relationships.delete),
    },
    "/digitaltwins/{}/incomingrelationships": {
        "GET": _route("list_incoming_relationships", relationships.list_incoming),
    },
    "/digitaltwins/{}/telemetry": {
        "POST": _route("publish_telemetry", telemetry.publish),
    },
    "/digitaltwins/{}/components/{}/telemetry": {
        "POST": _route("publish_component_telemetry", telemetry.publish_from_component),
    },
    "/query": {
        "POST": _route("query_twins", queries.query),
    },
    "/eventroutes": {
        "GET": _route("list_event_routes", event_routes.list_all),
    },
    "/eventroutes/{}": {
        "GET": _route("get_event_route", event_routes.get),
        "PUT": _route("put_event_route", event_routes.put),
        "DELETE": _route("delete_event_route", event_routes.delete),
    },
    "/jobs/imports": {
        "GET": _route("list_import_jobs", import_jobs.list_all),
    },
    "/jobs/imports/{}": {
        "GET": _route("get_import_job", import_jobs.get),
        "PUT": _route("put_import_job", import_jobs.create),
        "DELETE": _route("delete_import_job", import_jobs.delete),
    },
    "/jobs/imports/{}/cancel": {
        "POST": _route("cancel_import_job", import_jobs.cancel),
    },
    "/jobs/deletions": {
        "GET": _route("list_delete_jobs", delete_jobs.list_all),
        "POST": _route("post_delete_job", delete_jobs.create),
    },
    "/jobs/deletions/{}": {
        "GET": _route("get_delete_job", delete_jobs.get),
    },
    "/localtwins/changes": {
        "GET": _route("list_changes", changes.list_all),
    },
    "/localtwins/changes/items": {
        "GET": _route("list_change_items", changes.list_items),
    },
}

_PARAMETER: Final = "{}"


class _Node:
    __slots__ = ("children", "methods")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.methods: dict[str, Route] = {}


class Router:
    """Holds the routes as a tree of path segments."""

    def __init__(self, routes: dict[str, dict[str, Route]]) -> None:
        self._root = _Node()
        for path, methods in routes.items():
            node = self._root
            for segment in path[1:].split("/"):
                node = node.children.setdefault(segment, _Node())
            node.methods = methods

    def find(self, path: str) -> tuple[dict[str, Route], list[str]] | None:
        """Gives the methods of the resource that `path` names and the ids in the path, or None.

        Raises:
            AdtError: InvalidArgument for an id that is not UTF-8.
        """
        node = self._root
        ids: list[str] = []
        for segment in path[1:].split("/"):
            child = node.children.get(segment) or node.children.get(segment.lower())
            if child is None or segment == _PARAMETER:
                child = node.children.get(_PARAMETER)
                if child is None:
                    return None
                ids.append(_decoded(segment) if "%" in segment else segment)
            node = child
        return (node.methods, ids) if node.methods else None


def _decoded(segment: str) -> str:
    try:
        return unquote(segment, errors="strict")
    except UnicodeDecodeError as error:
        raise errors.invalid_argument(f"The path segment {segment[:128]!r} is not percent-encoded UTF-8.") from error
