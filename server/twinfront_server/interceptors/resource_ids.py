"""Notes which resources a call is about, for the log, where a setting wants them there."""

from typing import Any, Final

from twinfront_server.call import Call
from twinfront_server.errors import shortened
from twinfront_server.interceptors.link import Behaviour, Context, Link, Method

_NAMES: Final = ("digital_twin_id", "component_name", "relationship_id", "model_id", "event_route_id", "job_id")
"""Fields of requests that name a resource."""


def note_ids(*, wanted: bool) -> Link:
    """Makes the link around messages that notes the ids in a request."""

    def link(proceed: Behaviour, method: Method) -> Behaviour:
        names = [name for name in _NAMES if method.takes(name)]
        if not wanted or not names:
            return proceed

        async def noted(call: Call, request: Any, context: Context) -> Any:
            call.ids = {name: shortened(each) for name in names if (each := getattr(request, name))}
            return await proceed(call, request, context)

        return noted

    return link
