"""Methods of the SDK whose requests it builds once, and that are filled in for each call.

To make a request the SDK serializes each of its parts by a schema, formats the URL twice, and makes every assignment
look through the names that fields had in older versions. So its own method is called once with marks in the place of
what differs from call to call, and what it would send is kept, cut at the marks. A call then puts in what it has, and
the request goes the SDK's way: through `send_request` of the same client, and its pipeline. A GetDigitalTwin of the
embedded service takes 74 us of processor time then, in a loop without gRPC, where it took 120.

`tests/contract/test_prepared_requests.py` holds these methods against the SDK's own: same requests, same answers, same
errors.
"""

import re
from collections.abc import Callable
from operator import attrgetter
from typing import Any, Final, NoReturn
from urllib.parse import quote

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline import PipelineContext, PipelineResponse
from azure.core.pipeline.transport import AsyncHttpTransport
from azure.core.rest import AsyncHttpResponse, HttpRequest
from azure.digitaltwins.core.aio import DigitalTwinsClient
from multidict import CIMultiDict

from twinfront_server.upstream.sdk.credential import NO_CREDENTIAL
from twinfront_server.upstream.sdk.sdk_client import UNUSED_USER_AGENT

_MARKS: Final = tuple(f"81726354{index}" for index in range(4))
"""Stand for what is filled in: as texts and as numbers, and without a character that a URL would escape."""

_MARK: Final = re.compile("|".join(_MARKS))

_NO_CONTEXT: Final = PipelineContext(None)
_OF_THE_BODY: Final = frozenset({"content-length", "transfer-encoding"})
"""Header fields that come with the body."""


class PreparedRequests:
    """Gives the methods of one client of the SDK.

    Args:
        sdk: the client.
    """

    def __init__(self, sdk: DigitalTwinsClient) -> None:
        client = sdk._client._client  # noqa: SLF001  (the SDK has no public way to send a request of one's own)
        self.send_request = client.send_request
        self._endpoint = client.format_url("")

    def method(
        self,
        name: str,
        arranged: Callable[..., tuple[Any, ...]] = lambda *texts: texts,
        *,
        status: int = 200,
        reads: str = "ETag",
    ) -> "PreparedMethod":
        """Gives a method that is called with texts where the SDK's own takes arguments.

        Args:
            name: of the SDK's method, as one says it to the client.
            arranged: makes arguments of the texts, with something in place of the body.
            status: the status with which it succeeds.
            reads: the header of the answer that the SDK's own reads; empty for none.
        """
        return PreparedMethod(self, name, arranged, status, reads)

    def build(self, name: str, args: tuple[Any, ...], options: dict[str, Any]) -> HttpRequest:
        """Has the SDK build the request of a call of one of its methods, without sending it."""
        recording = DigitalTwinsClient(
            self._endpoint, NO_CREDENTIAL, transport=_Recording(), policies=[], user_agent_policy=UNUSED_USER_AGENT
        )
        try:
            attrgetter(name)(recording)(*args, **options).send(None)
        except _BuiltError as built:
            return built.request
        raise AssertionError(name)  # pragma: no cover


class PreparedMethod:
    """A method of the SDK, with requests that have been built beforehand: one for each kind of condition."""

    def __init__(
        self, requests: PreparedRequests, name: str, arranged: Callable[..., tuple[Any, ...]], status: int, reads: str
    ) -> None:
        self._requests = requests
        self._name = name
        self._arranged = arranged
        self._status = status
        self._reads = reads
        self._stencils: dict[MatchConditions | None, _Stencil] = {}

    async def __call__(
        self,
        *texts: str,
        cls: Callable[[Any, None, Any], Any],
        match_condition: MatchConditions | None = None,
        etag: str | None = None,
        **options: Any,
    ) -> Any:
        """Sends a request and gives what `cls` makes of the answer.

        Args:
            texts: what is filled in.
            cls: the SDK's hook for raw answers.
            match_condition: the SDK's, and
            etag: what goes with it.
            options: those of the pipeline.

        Raises:
            HttpResponseError: the answer has another status than that of success.
        """
        stencil = self._stencils.get(match_condition)
        if stencil is None:
            condition: dict[str, Any] = {} if match_condition is None else {"match_condition": match_condition}
            if etag is not None:
                condition["etag"] = _MARKS[len(texts)]
            request = self._requests.build(self._name, self._arranged(*_MARKS[: len(texts)]), condition)
            stencil = self._stencils[match_condition] = _Stencil(request)
        request = stencil.filled(texts if etag is None else (*texts, etag))
        response = await self._requests.send_request(request, **options)
        if response.status_code != self._status:
            raise HttpResponseError(response=response)
        headers = {self._reads: response.headers.get(self._reads)} if self._reads else {}
        return cls(PipelineResponse(request, response, _NO_CONTEXT), None, headers)


class _Stencil:
    """A request that has been built, with gaps at the marks.

    Args:
        request: with the marks.
    """

    def __init__(self, request: HttpRequest) -> None:
        self._method = request.method
        self._first, *rest = _MARK.split(request.url)
        self._rest = [(_MARKS.index(mark), piece) for mark, piece in zip(_MARK.findall(request.url), rest, strict=True)]
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _OF_THE_BODY}
        self._headers = CIMultiDict(headers)
        self._header_gaps = [(name, _MARKS.index(value)) for name, value in headers.items() if value in _MARKS]

    def filled(self, texts: tuple[str, ...]) -> HttpRequest:
        """Gives the request with these texts in the gaps."""
        url = self._first
        for index, piece in self._rest:
            url += quote(texts[index], safe="") + piece
        headers = self._headers.copy()
        for name, index in self._header_gaps:
            headers[name] = texts[index]
        return PreparedRequest(self._method, url, headers)


class PreparedRequest(HttpRequest):
    """A request whose fields are set as they are.

    That of azure-core looks up each assignment, and each name of older versions, in lists: 9 us for every request.
    """

    multipart_mixed_info = None  # type: ignore[assignment]  # as it is of a request that does not consist of others

    def __init__(self, method: str, url: str, headers: CIMultiDict[str]) -> None:
        self.__dict__.update(method=method, url=url, headers=headers, _data=None, _files=None)

    @property
    def data(self) -> Any:
        """Gives the body."""
        return self._data

    @property
    def files(self) -> None:
        """Gives None: it has none."""

    def prepare_multipart_body(self, content_index: int = 0) -> int:
        """Does nothing."""
        return content_index

    def set_bytes_body(self, data: bytes) -> None:
        """Gives it a body."""
        self.__dict__["_data"] = data
        self.headers["Content-Length"] = str(len(data))


class _Recording(AsyncHttpTransport[HttpRequest, AsyncHttpResponse]):
    """Takes requests from the SDK and sends none."""

    async def send(self, request: HttpRequest, **_options: Any) -> NoReturn:
        """Raises the request.

        Raises:
            _BuiltError: always.
        """
        raise _BuiltError(request)

    async def open(self) -> None:
        """Has nothing to open."""

    async def close(self) -> None:
        """Has nothing to close."""

    async def __aexit__(self, *_args: object) -> None:
        """Has nothing to close."""


class _BuiltError(Exception):
    """Brings a request out of the SDK."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__()
        self.request = request
