"""Permissions: their calls."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from twinfront._calls import Call
from twinfront.v1 import permission_service_pb2 as rpcs

_PACKAGE: Final = "twinfront.v1."


@dataclass(frozen=True)
class PermissionDecision:
    """The answer for one call: may the caller make it?

    Attributes:
        permitted: Whether the caller may make it.
        limited: Whether the caller is limited to a part of the graph in it.
    """

    permitted: bool
    limited: bool


def check_permissions(
    checks: Iterable[str | tuple[str, str]],
) -> Call[rpcs.CheckPermissionsRequest, rpcs.CheckPermissionsResponse, list[PermissionDecision]]:
    pairs = [(check, "") if isinstance(check, str) else check for check in checks]
    return Call(
        rpcs.CheckPermissionsRequest(
            checks=[
                rpcs.PermissionCheck(method=_PACKAGE + method.removeprefix(_PACKAGE), digital_twin_id=digital_twin_id)
                for method, digital_twin_id in pairs
            ]
        ),
        lambda response: [PermissionDecision(each.permitted, each.limited) for each in response.decisions],
    )
