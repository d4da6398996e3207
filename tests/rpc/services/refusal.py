"""Calls that the server refuses."""

from collections.abc import Awaitable

import grpc
import grpc.aio
import pytest
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, ResourceInfo

from twinfront.errors import TwinfrontError, from_rpc_error

NOT_FOR_CALLERS = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN}


async def refused(call: Awaitable[object]) -> TwinfrontError:
    """What a call is refused with. Whatever a caller does, it is neither INTERNAL nor UNKNOWN, and says why."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    error = from_rpc_error(caught.value)
    assert error.code not in NOT_FOR_CALLERS, error
    (info,) = (detail for detail in error.details if isinstance(detail, ErrorInfo))
    assert (info.domain, info.reason) == ("twinfront", error.reason)
    assert error.call_id
    if error.code is grpc.StatusCode.INVALID_ARGUMENT:
        assert fields(error)
    if error.code in {grpc.StatusCode.NOT_FOUND, grpc.StatusCode.ALREADY_EXISTS}:
        assert any(isinstance(detail, ResourceInfo) and detail.resource_name for detail in error.details)
    return error


def fields(error: TwinfrontError) -> list[str]:
    """The proto paths of the fields that are wrong."""
    return [
        violation.field
        for detail in error.details
        if isinstance(detail, BadRequest)
        for violation in detail.field_violations
    ]


async def refused_field(call: Awaitable[object], reason: str = "INVALID_ARGUMENT") -> str:
    """The one field that a call is refused for."""
    error = await refused(call)
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, reason)
    (field,) = fields(error)
    return field
