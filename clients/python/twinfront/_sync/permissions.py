# Generated from twinfront/_aio by make_sync.py: edit it there, and run `make format`.
"""Permissions."""

from collections.abc import Iterable

from twinfront import _permissions
from twinfront._calls import CallMetadata
from twinfront._permissions import PermissionDecision
from twinfront._sync.connection import Connection


class PermissionMethods(Connection):
    """The methods that call the PermissionService."""

    def check_permissions(
        self,
        checks: Iterable[str | tuple[str, str]],
        *,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> list[PermissionDecision]:
        """Tells which of some calls the caller may make.

        Args:
            checks: RPCs, `DigitalTwinService/GetDigitalTwin`, or pairs of one and the id of the twin that it would be
                about; at most 1,000.
            timeout: Seconds; 30 by default.
            metadata: Further request metadata.

        Returns:
            A decision for each check, in their order.

        Raises:
            InvalidArgumentError: There is no such RPC.
        """
        return self._send(
            self._permission_service.CheckPermissions, _permissions.check_permissions(checks), timeout, metadata
        )
