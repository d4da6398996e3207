"""`PermissionService`."""

from collections import defaultdict
from typing import Any, Final

from twinfront.v1 import permission_service_pb2 as messages
from twinfront.v1.permission_service_pb2_grpc import PermissionServiceServicer
from twinfront_server.access.rules import BY_ITEM, RULES
from twinfront_server.access.scope import Scope
from twinfront_server.call import current_call
from twinfront_server.concurrency import for_each
from twinfront_server.errors import TwinfrontError, invalid_argument
from twinfront_server.reasons import Reason
from twinfront_server.upstream import Upstream
from twinfront_server.wire.identifier import required_id
from twinfront_server.wire.limits import require_batch

_QUESTIONS_AT_A_TIME: Final = 16
"""How many questions about one call's checks a policy system is asked at a time."""


class PermissionService(PermissionServiceServicer):
    """`PermissionService`."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    async def CheckPermissions(
        self, request: messages.CheckPermissionsRequest, context: Any
    ) -> messages.CheckPermissionsResponse:
        require_batch(len(request.checks), "checks")
        grant = current_call().grant
        response = messages.CheckPermissionsResponse()
        asked: defaultdict[Scope, list[tuple[str, messages.PermissionDecision]]] = defaultdict(list)
        for index, check in enumerate(request.checks):
            rule = RULES.get(check.method)
            if rule is None:
                raise invalid_argument(f"checks[{index}].method", "is no RPC of this server")
            scope, decision = grant.get(check.method), response.decisions.add()
            if scope is None:
                continue
            decision.limited = scope.is_limited
            decision.permitted = not (rule.whole and scope.is_limited)
            if check.digital_twin_id and decision.permitted:
                twin_id = required_id(check.digital_twin_id, f"checks[{index}].digital_twin_id")
                asked[scope].append((twin_id, decision))
        for scope, decisions in asked.items():
            inside = await self._upstream.inside([twin_id for twin_id, _ in decisions], scope)
            for twin_id, decision in decisions:
                decision.permitted = twin_id in inside
        await for_each(
            list(zip(request.checks, response.decisions, strict=True)), _QUESTIONS_AT_A_TIME, _ask_policy_system
        )
        return response


async def _ask_policy_system(
    asked: tuple[messages.PermissionCheck, messages.PermissionDecision],
) -> None:
    """Takes back what a policy system does not permit."""
    check, decision = asked
    if not decision.permitted or RULES[check.method].permission is None:
        return
    resource = {"digital_twin_id": check.digital_twin_id} if check.digital_twin_id else {}
    try:
        for method in BY_ITEM.get(check.method, (check.method,)):
            await current_call().permits(method, resource)
    except TwinfrontError as error:
        if error.reason is not Reason.CALLER_NOT_PERMITTED:
            raise
        decision.permitted = False
