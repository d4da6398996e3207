"""Finds the resource that a path names. Fixed segments match in any case, ids are percent-decoded one by one."""

from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import unquote

from localtwins import errors
from localtwins.message import Response
from localtwins.rest import (
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

# Called with the Call and then one str for each {} of the path.
Handler = Callable[..., Awaitable[Response]]

ROUTES: Final[dict[str, dict[str, Handler]]] = {
    "/models": {"GET": models.list_all, "POST": models.create},
    "/models/{}": {"GET": models.get, "PATCH": models.decommission, "DELETE": models.delete},
    "/digitaltwins/{}": {
        "GET": digital_twins.get,
        "PUT": digital_twins.put,
        "PATCH": digital_twins.patch,
        "DELETE": digital_twins.delete,
    },
    "/digitaltwins/{}/components/{}": {"GET": components.get, "PATCH": components.patch},
    "/digitaltwins/{}/relationships": {"GET": relationships.list_outgoing},
    "/digitaltwins/{}/relationships/{}": {
        "GET": relationships.get,
        "PUT": relationships.put,
        "PATCH": relationships.patch,
        "DELETE": relationships.delete,
    },
    "/digitaltwins/{}/incomingrelationships": {"GET": relationships.list_incoming},
    "/digitaltwins/{}/telemetry": {"POST": telemetry.publish},
    "/digitaltwins/{}/components/{}/telemetry": {"POST": telemetry.publish_from_component},
    "/query": {"POST": queries.query},
    "/eventroutes": {"GET": event_routes.list_all},
    "/eventroutes/{}": {"GET": event_routes.get, "PUT": event_routes.put, "DELETE": event_routes.delete},
    "/jobs/imports": {"GET": import_jobs.list_all},
    "/jobs/imports/{}": {"GET": import_jobs.get, "PUT": import_jobs.create, "DELETE": import_jobs.delete},
    "/jobs/imports/{}/cancel": {"POST": import_jobs.cancel},
    "/jobs/deletions": {"GET": delete_jobs.list_all, "POST": delete_jobs.create},
    "/jobs/deletions/{}": {"GET": delete_jobs.get},
}

_PARAMETER: Final = "{}"


class _Node:
    __slots__ = ("children", "methods")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.methods: dict[str, Handler] = {}


class Router:
    """Holds the routes as a tree of path segments."""

    def __init__(self, routes: dict[str, dict[str, Handler]]) -> None:
        self._root = _Node()
        for path, methods in routes.items():
            node = self._root
            for segment in path[1:].split("/"):
                node = node.children.setdefault(segment, _Node())
            node.methods = methods

    def find(self, path: str) -> tuple[dict[str, Handler], list[str]] | None:
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
