"""localtwins: an embedded service that answers as Azure Digital Twins does."""

from localtwins.errors import StartupError
from localtwins.message import Request, Response
from localtwins.service import LocalTwins
from localtwins.settings import Settings

__all__ = ["LocalTwins", "Request", "Response", "Settings", "StartupError"]
