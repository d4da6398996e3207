"""The endpoint that hands out tokens, in the protocols by which the Azure SDKs ask for a managed identity.

| where a program believes to be | request | what it has to know |
| --- | --- | --- |
| App Service, Functions, Container Apps | GET, api-version 2019-08-01 | `X-IDENTITY-HEADER`, the secret |
| App Service and Functions of old, Machine Learning | GET, api-version 2017-09-01 | `Secret`, the secret |
| Cloud Shell | POST of a form | `Metadata: true` |
| a virtual machine | GET of another path, api-version 2018-02-01 | `Metadata: true` |

The secret and the header keep away what can be made to fetch a URL but not to set a header, such as a web page.
"""

import hmac
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs

import orjson
from aiohttp import ClientPayloadError, web

from localtwins.identity.tokens import issue_token
from localtwins.request_log import HTTP_LOG, Wanted, request_log
from twinfront_program.address import Address
from twinfront_program.log import Log
from twinfront_program.startup_error import StartupError

TOKEN_PATH: Final = "/msi/token"  # noqa: S105  (a path)
VIRTUAL_MACHINE_PATH: Final = "/metadata/identity/oauth2/token"

_SECRET_HEADERS: Final = {"2019-08-01": "X-IDENTITY-HEADER", "2017-09-01": "Secret"}
_LONGEST_RESOURCE: Final = 1_000
_LARGEST_FORM: Final = 16 * 1024


class IdentityServer:
    """Listens on one address, in the clear as the endpoints in Azure do, and answers with tokens.

    Args:
        address: where to listen.
        secret: known to those who may have tokens.
        wanted: selects the requests of which there are lines.
        log: takes the requests.
    """

    def __init__(self, address: Address, secret: str, wanted: Wanted, log: Log) -> None:
        self._address = address
        self._secret = secret.encode()
        application = web.Application(client_max_size=_LARGEST_FORM, middlewares=request_log(wanted, log))
        application.router.add_get(TOKEN_PATH, self._answer_app_service)
        application.router.add_post(TOKEN_PATH, self._answer_cloud_shell)
        application.router.add_get(VIRTUAL_MACHINE_PATH, self._answer_virtual_machine)
        self._runner = web.AppRunner(
            application, access_log=None, shutdown_timeout=0, auto_decompress=False, logger=HTTP_LOG
        )
        self.url = ""

    async def start(self) -> None:
        """Listens; `url` tells where tokens are, with the real port.

        Raises:
            StartupError: it cannot listen there.
        """
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._address.host, self._address.port)
        try:
            await site.start()
        except OSError as error:
            raise StartupError(
                f"Cannot listen on {self._address}: {error.strerror or error}. Choose another --identity."
            ) from error
        listening = self._address.reachable().with_port(self._runner.addresses[0][1])
        self.url = listening.url("http") + TOKEN_PATH

    async def stop(self) -> None:
        """Stops listening."""
        await self._runner.cleanup()

    async def _answer_app_service(self, request: web.Request) -> web.Response:
        version = request.query.get("api-version", "")
        if version not in _SECRET_HEADERS:
            return _app_service_error(HTTPStatus.BAD_REQUEST, f"api-version has to be {' or '.join(_SECRET_HEADERS)}.")
        header = _SECRET_HEADERS[version]
        given = request.headers.get(header, "").encode(errors="surrogateescape")
        if not hmac.compare_digest(given, self._secret):
            return _app_service_error(
                HTTPStatus.UNAUTHORIZED, f"The header {header} has not the secret that localtwins printed at its start."
            )
        return _token(request.query.get("resource", "")) or _app_service_error(HTTPStatus.BAD_REQUEST, _NO_RESOURCE)

    async def _answer_cloud_shell(self, request: web.Request) -> web.Response:
        try:
            form = parse_qs((await request.read()).decode(errors="replace"))
        except (web.RequestPayloadError, ClientPayloadError):
            return _metadata_error("The form cannot be read.")
        return _from_metadata(request, form.get("resource", [""])[0])

    async def _answer_virtual_machine(self, request: web.Request) -> web.Response:
        return _from_metadata(request, request.query.get("resource", ""))


_NO_RESOURCE: Final = (
    f"resource has to be a URI of 1 to {_LONGEST_RESOURCE} characters, such as https://digitaltwins.azure.net."
)


def _from_metadata(request: web.Request, resource: str) -> web.Response:
    if request.headers.get("Metadata", "").lower() != "true":
        return _metadata_error("Required metadata header not specified")
    return _token(resource) or _metadata_error(_NO_RESOURCE)


def _token(resource: str) -> web.Response | None:
    """Answers with a token; none for a text that is no resource."""
    if not 0 < len(resource) <= _LONGEST_RESOURCE or not resource.isprintable():
        return None
    return _json(HTTPStatus.OK, issue_token(resource).answer())


def _app_service_error(status: HTTPStatus, message: str) -> web.Response:
    return _json(status, {"statusCode": status, "message": message})


def _metadata_error(message: str) -> web.Response:
    return _json(HTTPStatus.BAD_REQUEST, {"error": "invalid_request", "error_description": message})


def _json(status: HTTPStatus, members: object) -> web.Response:
    headers = {"Cache-Control": "no-store"}
    return web.Response(
        status=status, body=orjson.dumps(members), headers=headers, content_type="application/json", charset="utf-8"
    )
