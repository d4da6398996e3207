"""Says of each RPC what a caller needs to be permitted: the one table of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from twinfront_server.access.permissions import Permission


@dataclass(frozen=True, slots=True)
class Rule:
    """Says what an RPC takes.

    Attributes:
        permission: that the caller has to have; None for whoever is known.
        whole: whether it takes the permission for the whole graph: what the RPC touches cannot be told, or be cut to
            the part that a caller is limited to.
    """

    permission: Permission | None
    whole: bool = False


_READ: Final = Rule(Permission.TWINS_READ)
_WRITE: Final = Rule(Permission.TWINS_WRITE)
_PUBLISH: Final = Rule(Permission.TELEMETRY_PUBLISH)
_READ_MODELS: Final = Rule(Permission.MODELS_READ)
_WRITE_MODELS: Final = Rule(Permission.MODELS_WRITE, whole=True)
_QUERY: Final = Rule(Permission.QUERIES_RUN, whole=True)
_READ_ROUTES: Final = Rule(Permission.ROUTES_READ, whole=True)
_WRITE_ROUTES: Final = Rule(Permission.ROUTES_WRITE, whole=True)
_READ_JOBS: Final = Rule(Permission.JOBS_READ, whole=True)
_WRITE_JOBS: Final = Rule(Permission.JOBS_WRITE, whole=True)

_BY_SERVICE: Final[Mapping[str, Mapping[str, Rule]]] = {
    "twinfront.v1.DigitalTwinService": {
        "CreateOrReplaceDigitalTwin": _WRITE,
        "GetDigitalTwin": _READ,
        "UpdateDigitalTwin": _WRITE,
        "MergeDigitalTwin": _WRITE,
        "DeleteDigitalTwin": _WRITE,
        "GetComponent": _READ,
        "UpdateComponent": _WRITE,
        "BatchGetDigitalTwins": _READ,
        "BatchWriteDigitalTwins": _WRITE,
    },
    "twinfront.v1.RelationshipService": {
        "CreateOrReplaceRelationship": _WRITE,
        "GetRelationship": _READ,
        "UpdateRelationship": _WRITE,
        "DeleteRelationship": _WRITE,
        "ListRelationships": _READ,
        "ListIncomingRelationships": _READ,
    },
    "twinfront.v1.TelemetryService": {
        "PublishTelemetry": _PUBLISH,
        "PublishComponentTelemetry": _PUBLISH,
    },
    "twinfront.v1.ModelService": {
        "CreateModels": _WRITE_MODELS,
        "GetModel": _READ_MODELS,
        "ListModels": _READ_MODELS,
        "DecommissionModel": _WRITE_MODELS,
        "DeleteModel": _WRITE_MODELS,
    },
    "twinfront.v1.QueryService": {
        "QueryTwins": _QUERY,
        "StreamQueryTwins": _QUERY,
    },
    "twinfront.v1.EventRouteService": {
        "CreateOrReplaceEventRoute": _WRITE_ROUTES,
        "GetEventRoute": _READ_ROUTES,
        "ListEventRoutes": _READ_ROUTES,
        "DeleteEventRoute": _WRITE_ROUTES,
    },
    "twinfront.v1.JobService": {
        "CreateImportJob": _WRITE_JOBS,
        "GetImportJob": _READ_JOBS,
        "ListImportJobs": _READ_JOBS,
        "CancelImportJob": _WRITE_JOBS,
        "DeleteImportJob": _WRITE_JOBS,
        "CreateDeleteJob": _WRITE_JOBS,
        "GetDeleteJob": _READ_JOBS,
        "ListDeleteJobs": _READ_JOBS,
    },
    "twinfront.v1.ChangeService": {
        "Watch": _READ,
        "GetChangeLog": _READ,
    },
    "twinfront.v1.PermissionService": {
        "CheckPermissions": Rule(None),
    },
    "twinfront.v1.GraphService": {
        "ImportGraph": Rule(Permission.GRAPH_IMPORT),
        "ExportGraph": Rule(Permission.GRAPH_EXPORT),
    },
}

RULES: Final[Mapping[str, Rule]] = {
    f"{service}/{method}": rule for service, methods in _BY_SERVICE.items() for method, rule in methods.items()
}
"""The rules by the RPC's full name, `twinfront.v1.DigitalTwinService/GetDigitalTwin`."""


_TWINS: Final = "twinfront.v1.DigitalTwinService"

READ_OF_MODEL: Final = "twinfront.v1.ModelService/GetModel"
"""The RPC that a change of a model stands for: who may not make it is not told."""

READ_OF_BATCH: Final = f"{_TWINS}/GetDigitalTwin"
"""The RPC that an item of a batch of reads stands for."""

WRITES_OF_BATCH: Final[Mapping[str, str]] = {
    "create_or_replace": f"{_TWINS}/CreateOrReplaceDigitalTwin",
    "patch": f"{_TWINS}/UpdateDigitalTwin",
    "merge": f"{_TWINS}/MergeDigitalTwin",
    "delete": f"{_TWINS}/DeleteDigitalTwin",
}
"""Those that items of a batch of writes stand for, by the field that makes them one."""

BY_ITEM: Final[Mapping[str, tuple[str, ...]]] = {
    f"{_TWINS}/BatchGetDigitalTwins": (READ_OF_BATCH,),
    f"{_TWINS}/BatchWriteDigitalTwins": tuple(WRITES_OF_BATCH.values()),
}
"""The RPCs about which a policy system is asked item by item, as about the RPCs that the items stand for: whoever may
not delete a twin may not have a batch delete it either."""


def require_rules(methods: Iterable[str]) -> None:
    """Checks that each of these RPCs has a rule.

    Raises:
        LookupError: one has none, which is a fault of this program: nobody could say who may call it.
    """
    if missing := sorted(set(methods) - RULES.keys()):
        raise LookupError(f"These RPCs have no rule in {__name__}: {', '.join(missing)}")
