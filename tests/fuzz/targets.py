"""All targets by their names."""

from typing import Final

from . import access, documents, requests
from .target import Target

TARGETS: Final[dict[str, Target]] = {
    target.name: target for target in (*access.TARGETS, *documents.TARGETS, *requests.TARGETS)
}
