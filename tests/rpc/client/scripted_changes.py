"""Messages of a watch, and streams of them that break as a test says."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import grpc
from google.protobuf.message import Message

from twinfront.v1 import change_service_pb2 as rpcs
from twinfront.v1.digital_twin_pb2 import DigitalTwin
from twinfront.v1.json_patch_pb2 import JsonPatchOperation
from twinfront.v1.relationship_pb2 import Relationship

from .scripted_server import Answer, failing

MODEL = "dtmi:example:Room;1"
TIME = "2026-06-01T07:30:00.0000000Z"


def twin(twin_id: str, version: int = 1, model_id: str = MODEL, time: str = TIME, **properties: Any) -> DigitalTwin:
    metadata = {"$model": model_id, "$lastUpdateTime": time}
    document = {"$dtId": twin_id, "$etag": f'W/"{version}"', **properties, "$metadata": metadata}
    return DigitalTwin(json=json.dumps(document).encode())


def relationship(source: str, relationship_id: str, target: str, version: int = 1) -> Relationship:
    document = {
        "$relationshipId": relationship_id,
        "$etag": f'W/"{version}"',
        "$sourceId": source,
        "$targetId": target,
        "$relationshipName": "contains",
    }
    return Relationship(json=json.dumps(document).encode())


def created(change_id: str, resource: DigitalTwin, **more: Any) -> rpcs.Change:
    return _change(change_id, rpcs.CHANGE_KIND_TWIN_CREATED, resource, **more)


def updated(change_id: str, resource: DigitalTwin, **more: Any) -> rpcs.Change:
    patch = [JsonPatchOperation(op=JsonPatchOperation.OP_REPLACE, path="/n", value_json=b"2")]
    return _change(change_id, rpcs.CHANGE_KIND_TWIN_UPDATED, resource, patch=patch, **more)


def deleted(change_id: str, resource: DigitalTwin, **more: Any) -> rpcs.Change:
    return _change(change_id, rpcs.CHANGE_KIND_TWIN_DELETED, resource, **more)


def _change(change_id: str, kind: Any, resource: DigitalTwin, time: str = TIME, **more: Any) -> rpcs.Change:
    document = json.loads(resource.json)
    change = rpcs.Change(
        id=change_id,
        kind=kind,
        digital_twin_id=document["$dtId"],
        model_id=document["$metadata"]["$model"],
        digital_twin=resource,
        **{"etag": document["$etag"], **more},
    )
    change.time.FromJsonString(time)
    return change


def related(change_id: str, kind: Any, resource: Relationship, **more: Any) -> rpcs.Change:
    document = json.loads(resource.json)
    change = rpcs.Change(
        id=change_id,
        kind=kind,
        digital_twin_id=document["$sourceId"],
        relationship_id=document["$relationshipId"],
        relationship=resource,
        **{"etag": document["$etag"], **more},
    )
    change.time.FromJsonString(TIME)
    return change


def changes(token: str, *each: rpcs.Change) -> rpcs.WatchResponse:
    return rpcs.WatchResponse(resume_token=token, changes=rpcs.Changes(changes=each))


def items(token: str, *each: DigitalTwin | Relationship) -> rpcs.WatchResponse:
    made = rpcs.InitialItems(
        digital_twins=[one for one in each if isinstance(one, DigitalTwin)],
        relationships=[one for one in each if isinstance(one, Relationship)],
    )
    return rpcs.WatchResponse(resume_token=token, initial_items=made)


def end_of_state(token: str) -> rpcs.WatchResponse:
    return rpcs.WatchResponse(resume_token=token, initial_state_end=rpcs.InitialStateEnd())


def checkpoint(token: str, time: str = TIME) -> rpcs.WatchResponse:
    message = rpcs.WatchResponse(resume_token=token, checkpoint=rpcs.Checkpoint())
    message.checkpoint.time.FromJsonString(time)
    return message


def reset(token: str, reason: Any = rpcs.Reset.REASON_BULK_JOB, job_id: str = "") -> rpcs.WatchResponse:
    return rpcs.WatchResponse(resume_token=token, reset=rpcs.Reset(reason=reason, job_id=job_id))


DRAINING = failing(grpc.StatusCode.UNAVAILABLE, "SERVER_DRAINING")
NOT_READ = failing(grpc.StatusCode.UNAVAILABLE, "STREAM_NOT_READ")
BROKEN = failing(grpc.StatusCode.UNAVAILABLE)


class Streams:
    """Answers each watch with the messages of the next stream, and how it ends; one more than there are stays open."""

    def __init__(self, *streams: tuple[Message | Answer, ...]) -> None:
        self._streams = iter(streams)
        self._more = threading.Condition()
        self._sent: list[Message] = []

    def send(self, message: Message) -> None:
        """Sends a message on the stream that stays open."""
        with self._more:
            self._sent.append(message)
            self._more.notify_all()

    def __call__(self, request: Any, context: grpc.ServicerContext) -> Iterator[Message]:
        stream = next(self._streams, None)
        for message in stream or ():
            if isinstance(message, Message):
                yield message
            else:
                message(request, context)
        if stream is None:
            context.add_callback(self._wake)
            yield from self._as_they_come(context)

    def _as_they_come(self, context: grpc.ServicerContext) -> Iterator[Message]:
        while context.is_active():
            with self._more:
                while not self._sent and context.is_active():
                    self._more.wait()
                sent, self._sent = self._sent, []
            yield from sent

    def _wake(self) -> None:
        with self._more:
            self._more.notify_all()
