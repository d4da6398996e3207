"""A token, and the file of keys by which a server knows it."""

import json
import time
from pathlib import Path
from typing import Final

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from twinfront_server.access.permissions import ROLES

_ISSUER: Final = "https://issuer.example"
_AUDIENCE: Final = "twins"


def server_options(keys: Path) -> list[str]:
    """Gives the options of a server that takes the token."""
    return ["--auth=jwt", f"--jwt-issuer={_ISSUER}", f"--jwt-audience={_AUDIENCE}", f"--jwt-jwks={keys}"]


def issue(keys: Path) -> str:
    """Writes the keys and gives a token that is good for a day, as long as those of large providers (some 1.2 KB)."""
    key = rsa.generate_private_key(65537, 2048)
    public = jwt.get_algorithm_by_name("RS256").to_jwk(key.public_key(), as_dict=True)
    keys.write_text(json.dumps({"keys": [{"kid": "bench", **public}]}))
    now = int(time.time())
    claims = {"iss": _ISSUER, "aud": _AUDIENCE, "sub": "bench", "iat": now, "exp": now + 86_400, "roles": [*ROLES]}
    return jwt.encode(claims | {"padding": "x" * 400}, key, "RS256", {"kid": "bench"})
