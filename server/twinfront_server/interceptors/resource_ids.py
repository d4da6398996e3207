"""Notes which resources a call is about, for the log, where a setting wants them there."""

from collections.abc import Awaitable
from typing import Any

from twinfront_server.call import Call
from twinfront_server.errors import shortened
from twinfront_server.interceptors.link import Behaviour, Context, Link, Method
from twinfront_server.wire.resource import ID_FIELDS


def note_ids(*, wanted: bool) -> Link:
    """Makes the link around messages that notes the ids in a request."""

    def link(proceed: Behaviour, method: Method) -> Behaviour:
        names = [name for name in ID_FIELDS if method.takes(name)]
        if not wanted or not names:
            return proceed

        def noted(call: Call, request: Any, context: Context) -> Awaitable[Any]:
            ids = call.ids = {}
            for name in names:
                if each := getattr(request, name):
                    ids[name] = shortened(each)
            return proceed(call, request, context)

        return noted

    return link
