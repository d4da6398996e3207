"""Makes a call whose request says `validate_only` a dry run."""

from collections.abc import Awaitable, Callable
from typing import Any

from twinfront_server.call import Call
from twinfront_server.interceptors.link import Behaviour, Context, Link, Method
from twinfront_server.wire.unwritten import forget_etags


def rehearse(require_validation: Callable[[], Awaitable[None]]) -> Link:
    """The link, around messages, that sets `Call.validate_only` and empties the etags of the answer.

    Args:
        require_validation: raises an error where the upstream cannot carry out dry runs.
    """

    def link(proceed: Behaviour, method: Method) -> Behaviour:
        if not method.takes("validate_only"):
            return proceed

        async def rehearsed(call: Call, request: Any, context: Context) -> Any:
            call.validate_only = True
            await require_validation()
            response = await proceed(call, request, context)
            forget_etags(response)
            return response

        def served(call: Call, request: Any, context: Context) -> Awaitable[Any]:
            return (rehearsed if request.validate_only else proceed)(call, request, context)

        return served

    return link
