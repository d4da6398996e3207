"""Access tokens in the form of Entra ID's, signed by nobody: localtwins takes any, and nobody else takes these."""

import base64
import time
import uuid
from dataclasses import dataclass
from typing import Final

import orjson

TENANT_ID: Final = "6c6f6361-6c74-4773-a96e-730000000001"
SUBSCRIPTION_ID: Final = "6c6f6361-6c74-4773-a96e-730000000002"
PRINCIPAL_ID: Final = "6c6f6361-6c74-4773-a96e-730000000003"
CLIENT_ID: Final = "6c6f6361-6c74-4773-a96e-730000000004"

_LIFETIME: Final = 24 * 3600
_CLOCK_SKEW: Final = 300


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token for a resource, and the times from which and until which it holds, in seconds since 1970."""

    token: str
    resource: str
    not_before: int
    expires_on: int

    def answer(self) -> dict[str, str]:
        """Gives the members that any of the protocols has, numbers as text as they all have them.

        Under 2017-09-01 the first SDKs expect a date in `expires_on`, and today's the seconds. The first take these for
        a token that never ends, which does no harm here.
        """
        return {
            "access_token": self.token,
            "client_id": CLIENT_ID,
            "expires_in": str(self.expires_on - int(time.time())),
            "expires_on": str(self.expires_on),
            "ext_expires_in": str(self.expires_on - int(time.time())),
            "not_before": str(self.not_before),
            "resource": self.resource,
            "token_type": "Bearer",
        }


def issue_token(resource: str) -> IssuedToken:
    """Gives a token for a resource such as `https://digitaltwins.azure.net`."""
    now = int(time.time())
    issued = now - _CLOCK_SKEW
    claims = {
        "aud": resource,
        "iss": f"https://sts.windows.net/{TENANT_ID}/",
        "iat": issued,
        "nbf": issued,
        "exp": now + _LIFETIME,
        "appid": CLIENT_ID,
        "appidacr": "2",
        "idp": f"https://sts.windows.net/{TENANT_ID}/",
        "idtyp": "app",
        "oid": PRINCIPAL_ID,
        "sub": PRINCIPAL_ID,
        "tid": TENANT_ID,
        "uti": uuid.uuid4().hex,
        "ver": "1.0",
    }
    token = f"{_encoded({'typ': 'JWT', 'alg': 'none'})}.{_encoded(claims)}."
    return IssuedToken(token, resource, issued, now + _LIFETIME)


def _encoded(part: object) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(part)).rstrip(b"=").decode()
