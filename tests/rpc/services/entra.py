"""An issuer of tokens as Entra ID is one, over TLS: for a secret, for a federated token, and on behalf of callers."""

import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT = "99999999-8888-7777-6666-555555555555"
CLIENT_SECRET = "the secret of the server"
FEDERATED = "the token that the cluster projects"


@dataclass
class Entra:
    """Hands out a token to the server, and one for each caller.

    Attributes:
        url: where it is.
        authority: vouches for its certificate.
        asked: the forms that came.
        refusal: the error that it answers with; empty for a token.
        status: the HTTP status of that.
        claims: what it wants to see in the next token of the caller.
        lifetime: seconds of each token.
    """

    url: str
    authority: Path
    asked: list[dict[str, str]] = field(default_factory=list)
    refusal: str = ""
    status: int = 400
    claims: str = ""
    lifetime: int = 3600

    @property
    def variables(self) -> dict[str, str]:
        """How a process finds it and trusts it, and who it is there."""
        return {
            "AZURE_AUTHORITY_HOST": self.url,
            "AZURE_TENANT_ID": TENANT,
            "AZURE_CLIENT_ID": CLIENT,
            "SSL_CERT_FILE": str(self.authority),
        }

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, dict[str, object]]:
        self.asked.append(form)
        proven = CLIENT_SECRET in form.get("client_secret", "") or form.get("client_assertion") == FEDERATED
        if path != f"/{TENANT}/oauth2/v2.0/token" or form.get("client_id") != CLIENT or not proven:
            return 401, {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret."}
        if self.refusal:
            claims = {"claims": self.claims} if self.claims else {}
            return self.status, {"error": self.refusal, "error_description": "AADSTS50013: not this one", **claims}
        name = "server" if form["grant_type"] == "client_credentials" else f"on behalf of {form['assertion'][-8:]}"
        return 200, {"access_token": token_of(name), "expires_in": self.lifetime, "token_type": "Bearer"}


def token_of(name: str) -> str:
    return f"token-{name.replace(' ', '-')}"


@contextmanager
def entra(chain: Path, key: Path, authority: Path) -> Iterator[Entra]:
    """Serves on a free port, in a thread of its own, inside the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status, body = issuer.answer(self.path, {name: values[0] for name, values in parse_qs(text).items()})
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Date", self.date_time_string(int(time.time())))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_args: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(chain, key)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    issuer = Entra(f"https://localhost:{server.server_port}", authority)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
