"""Names what callers may be permitted to do, and the roles that are made of it."""

from collections.abc import Mapping
from enum import StrEnum, unique
from typing import Final


@unique
class Permission(StrEnum):
    """Names one thing that a caller may be permitted to do."""

    TWINS_READ = "twins.read"
    TWINS_WRITE = "twins.write"
    TELEMETRY_PUBLISH = "telemetry.publish"
    MODELS_READ = "models.read"
    MODELS_WRITE = "models.write"
    QUERIES_RUN = "queries.run"
    GRAPH_EXPORT = "graph.export"
    GRAPH_IMPORT = "graph.import"
    ROUTES_READ = "routes.read"
    ROUTES_WRITE = "routes.write"
    JOBS_READ = "jobs.read"
    JOBS_WRITE = "jobs.write"


_READS: Final = frozenset(
    {
        Permission.TWINS_READ,
        Permission.MODELS_READ,
        Permission.QUERIES_RUN,
        Permission.ROUTES_READ,
        Permission.JOBS_READ,
    }
)

ROLES: Final[Mapping[str, frozenset[Permission]]] = {
    "reader": _READS,
    "writer": _READS | {Permission.TWINS_WRITE, Permission.TELEMETRY_PUBLISH},
    "modeller": frozenset({Permission.MODELS_READ, Permission.MODELS_WRITE}),
    "operator": _READS
    | {Permission.GRAPH_EXPORT, Permission.GRAPH_IMPORT, Permission.ROUTES_WRITE, Permission.JOBS_WRITE},
}
"""The roles that there are without a policy. Azure has two: its Data Reader is `reader`, its Data Owner all of them."""


def roles_with(permission: Permission) -> list[str]:
    """Lists the roles that have a permission."""
    return [role for role, permissions in ROLES.items() if permission in permissions]
