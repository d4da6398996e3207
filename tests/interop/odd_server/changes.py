"""Changes of one twin, whose stream ends behind each message, and which repeats what it has told already.

What becomes of a watch is named by the id of the twin that it is for: `PREFIX-rst-after-each`. `PREFIX-told-meanwhile`
does not come with the state, but with a change that is told while the state is.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

import grpc

from twinfront.v1 import change_service_pb2 as rpcs
from twinfront.v1.change_service_pb2_grpc import ChangeServiceServicer
from twinfront.v1.digital_twin_pb2 import DigitalTwin
from twinfront.v1.representation_pb2 import REPRESENTATION_JSON

from .cutting import Cut

_SECONDS_TO_ARRIVE: Final = 0.1
"""After which a message is with the caller; if it is not, it is told again, and less is tried."""

_CUTS: Final[dict[str, Cut]] = {"rst": "rst", "fin": "fin"}
_MODEL: Final = "dtmi:odd:Counter;1"


class Changes(ChangeServiceServicer):
    """A watch of nine messages; then it stays open, and nothing comes any more."""

    def __init__(self, cut: Callable[[str, Cut], None]) -> None:
        self._cut = cut

    def Watch(  # noqa: N802  (the RPC's name)
        self, request: rpcs.WatchRequest, context: grpc.ServicerContext
    ) -> Iterator[rpcs.WatchResponse]:
        twin_id = request.filter.digital_twin_ids[0]
        how = twin_id.partition("-")[2]
        if how == "never-a-message":
            return
        if how == "no-token":
            yield rpcs.WatchResponse(checkpoint=rpcs.Checkpoint())
        messages = _messages(twin_id, is_json=request.representation == REPRESENTATION_JSON)
        for number in range(int(request.resume_token or 0), len(messages)):
            yield messages[number]
            if how == "ok-after-each":
                return
            self._break(context, how)
        ended = threading.Event()
        context.add_callback(ended.set)
        ended.wait()

    def _break(self, context: grpc.ServicerContext, how: str) -> None:
        how, _, place = how.partition("-")
        if place != "after-each":
            return
        time.sleep(_SECONDS_TO_ARRIVE)
        if how == "status":
            context.abort(grpc.StatusCode.UNAVAILABLE, "The server is about to stop.")
        self._cut(context.peer(), _CUTS[how])
        context.abort(grpc.StatusCode.UNKNOWN, "Nobody is there any more.")


def _messages(twin_id: str, *, is_json: bool) -> list[rpcs.WatchResponse]:
    def twin(count: int) -> DigitalTwin:
        document = {"$dtId": twin_id, "$etag": f'W/"{count}"', "n": count, "$metadata": {"$model": _MODEL}}
        if is_json:
            return DigitalTwin(json=json.dumps(document).encode())
        made = DigitalTwin(id=twin_id, etag=f'W/"{count}"', model_id=_MODEL)
        made.properties["n"].int_value = count
        return made

    def state(count: int) -> rpcs.WatchResponse:
        return rpcs.WatchResponse(initial_items=rpcs.InitialItems(digital_twins=[twin(count)]))

    def updates(*counts: int) -> rpcs.WatchResponse:
        return rpcs.WatchResponse(
            changes=rpcs.Changes(
                changes=[
                    rpcs.Change(
                        id=f"change-{count}",
                        kind=rpcs.CHANGE_KIND_TWIN_UPDATED,
                        digital_twin_id=twin_id,
                        model_id=_MODEL,
                        etag=f'W/"{count}"',
                        digital_twin=twin(count),
                    )
                    for count in counts
                ]
            )
        )

    messages = [
        updates(0) if twin_id.endswith("-told-meanwhile") else state(0),
        rpcs.WatchResponse(initial_state_end=rpcs.InitialStateEnd()),
        updates(1),
        updates(1, 2, 3),
        rpcs.WatchResponse(checkpoint=rpcs.Checkpoint()),
        rpcs.WatchResponse(reset=rpcs.Reset(reason=rpcs.Reset.REASON_BULK_JOB, job_id="job")),
        state(2),
        rpcs.WatchResponse(initial_state_end=rpcs.InitialStateEnd()),
        updates(3, 4),
    ]
    for number, message in enumerate(messages, 1):
        message.resume_token = str(number)
    return messages
