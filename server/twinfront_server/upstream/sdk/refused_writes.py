"""Follows what the upstream says of its storage: that it takes writes, or that it takes none.

localtwins says with every answer when its storage takes no writes, because a disk is full, say; it still answers what
is read. Azure Digital Twins says no such thing.
"""

from typing import Final

from twinfront_server.upstream.sdk.pipeline import Policy, Request, Response

REFUSES_WRITES_HEADER: Final = "localtwins-refuses-writes"


class RefusedWritesPolicy(Policy):
    """Looks at what each answer says.

    Attributes:
        refused: whether the last answer said that writes are refused.
    """

    def __init__(self) -> None:
        super().__init__()
        self.refused = False

    async def send(self, request: Request) -> Response:
        """Sends the request, and takes note of what the answer says."""
        response = await self.next.send(request)
        self.refused = response.http_response.headers.get(REFUSES_WRITES_HEADER) == "true"
        return response
