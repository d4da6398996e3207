"""A managed identity endpoint, as Azure's App Service and Container Apps have it."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

SECRET, TOKEN = "the endpoint's secret", "the-token"


@dataclass
class IdentityEndpoint:
    """Hands out one token.

    Attributes:
        status: what it answers with; 200 gives the token.
        resources: what tokens were asked for.
    """

    url: str = ""
    status: int = HTTPStatus.OK
    resources: list[str] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """How a process learns of it; of all credentials only this one is then looked at."""
        return {
            "IDENTITY_ENDPOINT": self.url,
            "IDENTITY_HEADER": SECRET,
            "AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential",
        }


@contextmanager
def identity_endpoint() -> Iterator[IdentityEndpoint]:
    """Serves on a free port, in a thread of its own, inside the block."""
    endpoint = IdentityEndpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            endpoint.resources += query.get("resource", [])
            if self.headers["X-IDENTITY-HEADER"] != SECRET:
                self._answer(HTTPStatus.UNAUTHORIZED, {"message": "no secret"})
            elif endpoint.status != HTTPStatus.OK:
                self._answer(endpoint.status, {"statusCode": endpoint.status, "message": "tenant 1234 is closed"})
            else:
                expiry = str(int(time.time()) + 24 * 3600)
                token = {"access_token": TOKEN, "expires_on": expiry, "token_type": "Bearer"}
                self._answer(HTTPStatus.OK, token | {"resource": query["resource"][0]})

        def _answer(self, status: int, body: dict[str, object] | dict[str, str]) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_args: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    endpoint.url = f"http://127.0.0.1:{server.server_port}/msi/token"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
