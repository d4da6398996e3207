"""Sends a call's figures back with its answer; an error gets them in `error_mapping`, which sends it."""

from typing import Any

from twinfront_server.call import Call
from twinfront_server.interceptors.link import Behaviour, Context, Method


def send_figures(proceed: Behaviour, _method: Method) -> Behaviour:
    """Makes the link that adds the figures to what the service itself put into the trailing metadata."""

    async def trailed(call: Call, request: Any, context: Context) -> Any:
        response = await proceed(call, request, context)
        context.set_trailing_metadata((*context.trailing_metadata(), *call.trailing_metadata()))
        return response

    return trailed
