"""Writes outcomes down for other processes, and reads theirs."""

from dataclasses import dataclass
from typing import Final

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import DecodeError, Message
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from twinfront_server.errors import TwinfrontError, outcome_unknown
from twinfront_server.outcomes.outcome import Outcome
from twinfront_server.reasons import Reason

MAX_ENCODED_BYTES: Final = 1 << 20
"""The largest outcome that is written down whole; of a larger one it is said that there was one."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """An outcome as bytes.

    Attributes:
        type: full name of the message: a response, or `google.rpc.Status`.
        data: the message.
        pushback: of an error, `grpc-retry-pushback-ms` in digits; empty for none.
    """

    type: bytes
    data: bytes
    pushback: bytes


def encoded(outcome: Outcome) -> Encoded:
    """Gives an outcome as bytes, `MAX_ENCODED_BYTES` of them at the most."""
    if isinstance(outcome.end, TwinfrontError):
        return _encoded_error(outcome.end)
    kind, data = outcome.end
    if len(data) > MAX_ENCODED_BYTES:
        return _encoded_error(
            outcome_unknown(
                "This write has ended at another replica, and its answer is too large to be kept: "
                "read what it writes to before writing again."
            )
        )
    return Encoded(kind.DESCRIPTOR.full_name.encode(), data, b"")


def decoded(fingerprint: bytes, written: Encoded) -> Outcome:
    """Reads an outcome.

    Raises:
        ValueError: if it cannot be read; another version of the server may have written it.
    """
    try:
        message = _message_type(written.type.decode()).FromString(written.data)
        if isinstance(message, Status):
            return Outcome.of_error(fingerprint, _error(message, written.pushback))
        return Outcome.of_response(fingerprint, message)
    except (DecodeError, KeyError, StopIteration) as error:
        raise ValueError("the outcome cannot be read") from error


def _encoded_error(error: TwinfrontError) -> Encoded:
    pushback = b"" if error.pushback_ms is None else str(error.pushback_ms).encode()
    return Encoded(Status.DESCRIPTOR.full_name.encode(), error.status().SerializeToString(), pushback)


def _error(status: Status, pushback: bytes) -> TwinfrontError:
    details = [_unpacked(detail) for detail in status.details]
    info = next(detail for detail in details if isinstance(detail, ErrorInfo))
    return TwinfrontError(
        Reason[info.reason],
        status.message,
        metadata=info.metadata,
        details=[detail for detail in details if detail is not info],
        pushback_ms=int(pushback) if pushback else None,
    )


def _unpacked(packed: AnyMessage) -> Message:
    return _message_type(packed.TypeName()).FromString(packed.value)


def _message_type(name: str) -> type[Message]:
    return message_factory.GetMessageClass(descriptor_pool.Default().FindMessageTypeByName(name))
