"""The services. What a call is to meet is named by its twin's id, or its query, after the client's own prefix."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NoReturn

import grpc
from google.rpc.status_pb2 import Status

from twinfront.v1 import digital_twin_service_pb2 as twin_rpcs
from twinfront.v1 import graph_service_pb2 as graph_rpcs
from twinfront.v1 import model_service_pb2 as model_rpcs
from twinfront.v1 import query_service_pb2 as query_rpcs
from twinfront.v1.digital_twin_pb2 import DigitalTwin
from twinfront.v1.digital_twin_service_pb2_grpc import DigitalTwinServiceServicer
from twinfront.v1.graph_service_pb2_grpc import GraphServiceServicer
from twinfront.v1.model_service_pb2_grpc import ModelServiceServicer
from twinfront.v1.query_service_pb2_grpc import QueryServiceServicer
from twinfront.v1.representation_pb2 import REPRESENTATION_JSON
from twinfront.v1.value_pb2 import Value

from .attempts import ENDINGS, Attempts, Refusal, trailing_metadata
from .cutting import Cut
from .errors import ERRORS, RAW_DETAILS

Context = grpc.ServicerContext
Cutter = Callable[[str, Cut], None]

_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}
_SECONDS_TO_ARRIVE: Final = 0.3
"""After which what was sent before is with the caller; if it is not, nothing goes wrong, but less is tried."""
_TOO_LARGE: Final = "x" * (20 << 20)
"""More than the 16 MiB that clients take."""
_CUTS: Final[dict[str, Cut]] = {"rst": "rst", "fin": "fin"}
_LOOK: Final = "noticed-"
"""Before the name of a call whose attempts are asked about."""


class Twins(DigitalTwinServiceServicer):
    """Twins that count how often they were written, or what attempts at their reads and writes there were.

    The id `PREFIX-away-then-done` has attempts end as it says, and `PREFIX-noticed-away-then-done` tells of them. What
    is behind a dot makes another twin of it.
    """

    def __init__(self, cut: Cutter) -> None:
        self._cut = cut
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._written: set[str] = set()
        self._attempts = Attempts()

    def write(self, digital_twin_id: str, request_id: str) -> None:
        """Counts a write, the attempts with one `request_id` once."""
        if request_id not in self._written:
            self.count(digital_twin_id)
        if request_id:
            self._written.add(request_id)

    def count(self, digital_twin_id: str) -> int:
        """Counts one more of what a twin stands for; gives how many there were."""
        with self._lock:
            self._counts[digital_twin_id] += 1
            return self._counts[digital_twin_id]

    def GetDigitalTwin(  # noqa: N802  (the RPC's name)
        self, request: twin_rpcs.GetDigitalTwinRequest, context: Context
    ) -> twin_rpcs.GetDigitalTwinResponse:
        name = _name(request.digital_twin_id)
        self._attempt(request.digital_twin_id, "", context)
        if name in ERRORS:
            _fail(context, ERRORS[name])
        if name in RAW_DETAILS:
            context.set_trailing_metadata((("grpc-status-details-bin", RAW_DETAILS[name]),))
            context.abort(grpc.StatusCode.NOT_FOUND, "Not there.")
        if name.startswith("break-") and self.count(request.digital_twin_id) == 1:
            self._cut(context.peer(), _CUTS[name.removeprefix("break-")])
        match name:
            case "no-twin":
                return twin_rpcs.GetDigitalTwinResponse(etag="e")
            case "odd-trailers":
                context.set_trailing_metadata(
                    (("twinfront-upstream-ms", "abc"), ("twinfront-upstream-attempts", "-1.5"))
                )
        twin = self._twin(request.digital_twin_id, is_json=request.representation == REPRESENTATION_JSON)
        if name == "too-large":
            twin.properties["text"].string_value = _TOO_LARGE
        return twin_rpcs.GetDigitalTwinResponse(digital_twin=twin, etag=twin.etag)

    def UpdateDigitalTwin(  # noqa: N802  (the RPC's name)
        self, request: twin_rpcs.UpdateDigitalTwinRequest, context: Context
    ) -> twin_rpcs.UpdateDigitalTwinResponse:
        name = _name(request.digital_twin_id)
        if self._attempt(request.digital_twin_id, request.request_id, context):
            # An id that the caller made can be told from one that the client did.
            etag = request.request_id if request.request_id.startswith("order-") else "written"
            return twin_rpcs.UpdateDigitalTwinResponse(etag=etag)
        self.write(request.digital_twin_id, request.request_id)
        if name.startswith("lost-answer-"):
            self._cut(context.peer(), _CUTS[name.removeprefix("lost-answer-")])
        if name == "conflict-without-reason":
            context.abort(grpc.StatusCode.ABORTED, "No.")
        if name.startswith("conflict-of-"):
            _fail(context, ERRORS["reason-of-another-code"])
        if name in ERRORS:
            _fail(context, ERRORS[name])
        return twin_rpcs.UpdateDigitalTwinResponse(etag="written")

    def BatchWriteDigitalTwins(  # noqa: N802  (the RPC's name)
        self, request: twin_rpcs.BatchWriteDigitalTwinsRequest, context: Context
    ) -> twin_rpcs.BatchWriteDigitalTwinsResponse:
        for write in request.writes:
            self._attempt(write.digital_twin_id, request.request_id, context)
        statuses = (ERRORS.get(_name(write.digital_twin_id)) for write in request.writes)
        results = [twin_rpcs.DigitalTwinWriteResult(status=status) for status in statuses]
        return twin_rpcs.BatchWriteDigitalTwinsResponse(results=results)

    def _attempt(self, digital_twin_id: str, request_id: str, context: Context) -> bool:
        """Ends an attempt as the name in the id says; tells whether that is one, which succeeds."""
        name = _name(digital_twin_id).partition(".")[0]
        if name not in ENDINGS:
            return False
        match self._attempts.next(name, digital_twin_id, request_id):
            case Refusal() as refusal:
                context.set_trailing_metadata(trailing_metadata(refusal))
                context.abort(_CODES[refusal.status.code], refusal.status.message)
            case "lost":
                self._cut(context.peer(), "rst")
        return True

    def _twin(self, digital_twin_id: str, *, is_json: bool) -> DigitalTwin:
        name = _name(digital_twin_id)
        etag = "" if name == "no-etag" else "e"
        values: dict[str, int | bool] = {"count": self._counts[digital_twin_id]}
        if name.startswith(_LOOK):
            noticed = self._attempts.noticed(digital_twin_id.replace(_LOOK, "", 1))
            ids = len(noticed.request_ids - {""})
            values = {"attempts": noticed.count, "requestIds": ids, "isTooSoon": noticed.is_too_soon}
        if not is_json:
            return DigitalTwin(
                id=digital_twin_id, etag=etag, properties={key: _value(value) for key, value in values.items()}
            )
        document = {"$dtId": digital_twin_id, "$etag": etag, "$metadata": {"$model": "dtmi:a;1"}, **values}
        return DigitalTwin(json=json.dumps(document).encode())


class Queries(QueryServiceServicer):
    """Queries of some rows, each in a message or on a page of its own.

    How many streams there were of a query is what a twin tells whose id is the query.
    """

    def __init__(self, cut: Cutter, twins: Twins) -> None:
        self._cut = cut
        self._twins = twins

    def QueryTwins(  # noqa: N802  (the RPC's name)
        self, request: query_rpcs.QueryTwinsRequest, _: Context
    ) -> query_rpcs.QueryTwinsResponse:
        number = int(request.page_token or 0)
        following = {"same-page": [1, 1], "circle-of-pages": [1, 2, 1], "pages": range(1, 100)}[_name(request.query)]
        token = str(following[number]) if number < len(following) else ""
        return query_rpcs.QueryTwinsResponse(rows=[_row(number, request.representation)], next_page_token=token)

    def StreamQueryTwins(  # noqa: N802  (the RPC's name)
        self, request: query_rpcs.StreamQueryTwinsRequest, context: Context
    ) -> Iterator[query_rpcs.StreamQueryTwinsResponse]:
        name = _name(request.query)
        stream = self._twins.count(request.query)
        if name == "too-large":
            yield query_rpcs.StreamQueryTwinsResponse(rows=[query_rpcs.QueryRow(json=_TOO_LARGE.encode())])
            return
        if name in {"never-a-row", "same-row"}:
            rows = [_row(1, request.representation)] if name == "same-row" else []
            token = "1" if name == "same-row" else str(stream)
            yield query_rpcs.StreamQueryTwinsResponse(rows=rows, resume_token=token)
            context.abort(grpc.StatusCode.UNAVAILABLE, "The server is about to stop.")
        first = int(request.resume_token or 0)
        if first == 0 and stream == 1:
            self._break(context, name, "before-first")
        for number in range(first + 1, 4):
            token = "" if number == 3 else str(number)
            yield query_rpcs.StreamQueryTwinsResponse(rows=[_row(number, request.representation)], resume_token=token)
            self._break(context, name, "after-each")
        self._break(context, name, "after-last")

    def _break(self, context: Context, name: str, where: str) -> None:
        how, _, place = name.partition("-")
        if place != where:
            return
        time.sleep(_SECONDS_TO_ARRIVE)
        match how:
            case "status":
                context.abort(grpc.StatusCode.UNAVAILABLE, "The server is about to stop.")
            case "internal":
                context.abort(grpc.StatusCode.INTERNAL, "No.")
        self._cut(context.peer(), _CUTS[how])
        context.abort(grpc.StatusCode.UNKNOWN, "Nobody is there any more.")


class Models(ModelServiceServicer):
    """There are none, whichever are asked for."""

    def ListModels(  # noqa: N802  (the RPC's name)
        self, _request: model_rpcs.ListModelsRequest, _: Context
    ) -> model_rpcs.ListModelsResponse:
        return model_rpcs.ListModelsResponse()


class Graphs(GraphServiceServicer):
    """An export of four chunks, and imports; what is begun breaks in the middle, what is gone on with does not."""

    def __init__(self, cut: Cutter) -> None:
        self._cut = cut

    def ExportGraph(  # noqa: N802  (the RPC's name)
        self, request: graph_rpcs.ExportGraphRequest, context: Context
    ) -> Iterator[graph_rpcs.ExportGraphResponse]:
        first = int(request.resume_token or 0)
        for number in range(first + 1, 5):
            token = "" if number == 4 else str(number)
            yield graph_rpcs.ExportGraphResponse(chunk=f"{number}\n".encode(), resume_token=token)
            if first == 0 and number == 2:
                self._break(context, _name(request.query))

    def ImportGraph(  # noqa: N802  (the RPC's name)
        self, requests: Iterable[graph_rpcs.ImportGraphRequest], context: Context
    ) -> Iterator[graph_rpcs.ImportGraphResponse]:
        count = resume_from = 0
        for request in requests:
            resume_from = request.options.resume_from or resume_from
            for item in request.items:
                count += 1
                progress = graph_rpcs.ImportProgress(
                    acknowledged_count=count, digital_twins_imported=max(0, count - resume_from)
                )
                yield graph_rpcs.ImportGraphResponse(progress=progress)
                if resume_from == 0 and count == 2:
                    self._break(context, _name(_twin_id(item.digital_twin)))

    def _break(self, context: Context, how: str) -> NoReturn:
        time.sleep(_SECONDS_TO_ARRIVE)
        self._cut(context.peer(), _CUTS[how])
        context.abort(grpc.StatusCode.UNKNOWN, "Nobody is there any more.")


def _name(text: str) -> str:
    """Gives what stands behind the client's own prefix, which has no hyphen."""
    return text.partition("-")[2]


def _twin_id(twin: DigitalTwin) -> str:
    return str(json.loads(twin.json)["$dtId"]) if twin.json else twin.id


def _value(value: int | bool) -> Value:
    return Value(bool_value=value) if isinstance(value, bool) else Value(int_value=value)


def _row(number: int, representation: int) -> query_rpcs.QueryRow:
    if representation == REPRESENTATION_JSON:
        return query_rpcs.QueryRow(json=json.dumps({"$dtId": str(number), "n": number}).encode())
    fields = {"$dtId": Value(string_value=str(number)), "n": Value(int_value=number)}
    return query_rpcs.QueryRow(fields=fields)


def _fail(context: Context, status: Status) -> NoReturn:
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(_CODES[status.code], status.message)
