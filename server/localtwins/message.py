"""The one shape in which requests reach the service and answers leave it, whatever carried them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

VALIDATE_ONLY: Final = "localtwins-validate-only"
"""Header of a request that is to be answered as always, and to change nothing; its value is `true`."""

VALIDATED_ONLY: Final = "localtwins-validated-only"
"""Header of every answer to such a request, so that nobody takes a service that knows nothing of it for this one."""


UNCHANGED: Final = "localtwins-unchanged"
"""Header of an error answer beyond 499 that promises that nothing was changed; its value is `true`.

Where it is missing, as it always is in the answers of Azure Digital Twins, nobody can tell.
"""


REFUSES_WRITES: Final = "localtwins-refuses-writes"
"""Header of every answer, with the value `true`, while the database takes no writes; its disk may be full."""


@dataclass(slots=True)  # neither is frozen: that would take a microsecond of every request
class Request:
    """An HTTP request.

    Attributes:
        path: as sent, percent-encoded.
        query: as sent, percent-encoded, without its question mark.
        headers: looked up with lower-case names, so either its keys are lower-case or it ignores case.
        base_url: scheme and authority as the caller sees them (`https://localhost:8443`), for the absolute links in
            answers.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    base_url: str = "https://localhost"


@dataclass(slots=True)
class Response:
    """An HTTP answer; `Content-Length` is left to its carrier."""

    status: int
    headers: dict[str, str]
    body: bytes = b""
