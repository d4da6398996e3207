"""All targets by their names."""

from typing import Final

from . import documents, requests
from .target import Target

TARGETS: Final[dict[str, Target]] = {target.name: target for target in (*documents.TARGETS, *requests.TARGETS)}
