"""Has a policy system decide about calls, besides what the roles of callers permit."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from twinfront_server.access.authorizer import Authorizer
from twinfront_server.access.rules import BY_ITEM, RULES
from twinfront_server.call import Call
from twinfront_server.interceptors.link import INFRASTRUCTURE, UNREGISTERED, Behaviour, Context, Link, Method
from twinfront_server.large_requests import is_large, work
from twinfront_server.wire.resource import ID_FIELDS, ids_in, model_of, target_of

_OTHER_PARTS: Final[Mapping[str, Callable[[Any], dict[str, str]]]] = {
    "digital_twin": model_of,
    "relationship": target_of,
}
"""Fields of requests that have what else is decided by."""


def ask_authorizer(authorizer: Authorizer | None) -> Link:
    """Makes the link that sets `Call.permits`, and asks about a stream as it begins: once, whatever it will be about.

    Args:
        authorizer: asks the policy system; None without one.
    """

    def link(proceed: Behaviour, method: Method) -> Behaviour:
        if authorizer is None or method == UNREGISTERED or method.service in INFRASTRUCTURE:
            return proceed
        name, is_stream = method.full_name, method.request_streaming or method.response_streaming

        async def asked(call: Call, request: Any, context: Context) -> Any:
            call.permits = partial(authorizer.require, call)
            if is_stream:
                await call.permits(name, {})
            return await proceed(call, request, context)

        return asked

    return link


def ask_about_request(*, wanted: bool) -> Link:
    """Makes the link, around messages, that asks about the resource in a request.

    Who serves a batch asks about its items one by one.
    """

    def link(proceed: Behaviour, method: Method) -> Behaviour:
        name = method.full_name
        if not wanted or method.service in INFRASTRUCTURE or name in BY_ITEM or RULES[name].permission is None:
            return proceed
        ids = [field for field in ID_FIELDS if method.takes(field)]
        parts = {field: read for field, read in _OTHER_PARTS.items() if method.takes(field)}

        async def asked(call: Call, request: Any, context: Context) -> Any:
            resource = ids_in(request, ids)
            for field, read in parts.items():
                resource |= await work(partial(read, getattr(request, field)), large=is_large())
            await call.permits(name, resource)
            return await proceed(call, request, context)

        return asked

    return link
