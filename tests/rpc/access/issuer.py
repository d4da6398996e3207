"""An issuer of tokens, as providers of identities are: a discovery document, a set of keys, and what they sign."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

AUDIENCE = "twins"
DISCOVERY = "/.well-known/openid-configuration"
KEYS = "/keys"

Answer = tuple[int, dict[str, str], bytes]

GENERATE: dict[str, Callable[[], Any]] = {
    "RS256": lambda: rsa.generate_private_key(65537, 2048),
    "RS384": lambda: rsa.generate_private_key(65537, 2048),
    "RS512": lambda: rsa.generate_private_key(65537, 2048),
    "PS256": lambda: rsa.generate_private_key(65537, 2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ES384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ES512": lambda: ec.generate_private_key(ec.SECP521R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}


@dataclass
class SigningKey:
    """A key of the issuer's.

    Attributes:
        members: what its JSON Web Key has beside what it is made of; None takes one out.
    """

    key_id: str
    algorithm: str = "ES256"
    members: dict[str, Any] = field(default_factory=dict)
    private: Any = None

    def __post_init__(self) -> None:
        self.private = self.private or GENERATE[self.algorithm]()

    def jwk(self) -> dict[str, Any]:
        public = jwt.get_algorithm_by_name(self.algorithm).to_jwk(self.private.public_key(), as_dict=True)
        members = {"kid": self.key_id, "use": "sig", "alg": self.algorithm, **public, **self.members}
        return {name: value for name, value in members.items() if value is not None}

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        headers = {"kid": self.key_id, **header}
        return jwt.encode(
            claims, self.private, self.algorithm, {name: value for name, value in headers.items() if value is not None}
        )


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing of those who do not wait for an answer."""


@dataclass
class Issuer:
    """The issuer, served on this machine.

    Attributes:
        keys: what it signs with, and publishes.
        answers: what it answers instead, by path.
        asked: the paths that were asked for.
        released: while it is not set, it answers nothing.
    url: its name, and where it is once it is served.
    """

    keys: list[SigningKey] = field(default_factory=lambda: [SigningKey("first")])
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def __enter__(self) -> Self:
        self.released.set()
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked.append(self.path)
                issuer.released.wait(30)
                status, headers, body = issuer.answer(self.path)
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the base class names it so)
                """Nobody wants to read it."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True, kwargs={"poll_interval": 0.02}).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str) -> Answer:
        if path in self.answers:
            return self.answers[path]
        documents = {
            DISCOVERY: {"issuer": self.url, "jwks_uri": self.url + KEYS},
            KEYS: {"keys": [key.jwk() for key in self.keys]},
        }
        return (200, {}, json.dumps(documents[path]).encode()) if path in documents else (404, {}, b"")

    def claims(self, **claims: Any) -> dict[str, Any]:
        """The claims of a good token, with some set anew; None takes one out."""
        now = int(time.time())
        usual = {"iss": self.url, "aud": AUDIENCE, "sub": "alice", "iat": now, "exp": now + 600}
        return {name: value for name, value in {**usual, **claims}.items() if value is not None}

    def token(self, **claims: Any) -> str:
        """A good token of the newest key, with some claims set anew; None takes one out."""
        return self.keys[-1].sign(self.claims(**claims))

    def settings(self, **others: Any) -> dict[str, Any]:
        """The settings of a server that takes its tokens."""
        return {"auth": "jwt", "jwt_issuer": self.url, "jwt_audience": AUDIENCE, **others}
