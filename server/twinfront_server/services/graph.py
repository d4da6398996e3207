"""`GraphService`."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from twinfront.v1 import graph_service_pb2 as messages
from twinfront.v1.graph_service_pb2_grpc import GraphServiceServicer
from twinfront_program.light_start import load_later
from twinfront_server.settings import Settings
from twinfront_server.upstream import Upstream
from twinfront_server.wire.page_token import PageTokens
from twinfront_server.writes.replacement import put_digital_twin

load_later("twinfront_server.graph.importing")
load_later("twinfront_server.graph.exporting")


class GraphService(GraphServiceServicer):
    """Whole graphs.

    Args:
        upstream: where the twins are.
        tokens: seals the places from which exports go on.
        settings: the server's settings.
    """

    def __init__(self, upstream: Upstream, tokens: PageTokens, settings: Settings) -> None:
        self._upstream = upstream
        self._tokens = tokens
        self._import_concurrency = settings.import_concurrency
        self._max_response_bytes = settings.max_response_bytes

    def ImportGraph(
        self, requests: AsyncIterator[messages.ImportGraphRequest], context: Any
    ) -> AsyncIterator[messages.ImportGraphResponse]:
        from twinfront_server.graph.importing import import_graph  # noqa: PLC0415  (left for later by the start)

        put_twin = partial(put_digital_twin, self._upstream)
        return import_graph(self._upstream, put_twin, self._import_concurrency, requests)

    def ExportGraph(
        self, request: messages.ExportGraphRequest, context: Any
    ) -> AsyncIterator[messages.ExportGraphResponse]:
        from twinfront_server.graph.exporting import export_graph  # noqa: PLC0415  (left for later by the start)
        from twinfront_server.graph.walk import Place  # noqa: PLC0415  (as above)

        return export_graph(
            self._upstream,
            request,
            Place.read(self._tokens.open(request, request.resume_token, "resume_token")),
            lambda place: self._tokens.seal(request, place.write()),
            max_response_bytes=self._max_response_bytes,
        )
