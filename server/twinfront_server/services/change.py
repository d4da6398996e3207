"""`ChangeService`."""

from collections.abc import AsyncIterator
from typing import Any

from twinfront.v1 import change_service_pb2 as messages
from twinfront.v1.change_service_pb2_grpc import ChangeServiceServicer
from twinfront_server.watching.watching import Watching


class ChangeService(ChangeServiceServicer):
    """Changes of the graph.

    Args:
        watching: serves watches.
    """

    def __init__(self, watching: Watching) -> None:
        self._watching = watching

    def Watch(self, request: messages.WatchRequest, context: Any) -> AsyncIterator[messages.WatchResponse]:
        return self._watching.watch(request)

    async def GetChangeLog(self, request: messages.GetChangeLogRequest, context: Any) -> messages.GetChangeLogResponse:
        return await self._watching.change_log()
