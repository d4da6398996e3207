"""What operations of the upstream answer."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """What the upstream answered: the body as it came, and the etag of the ETag header (empty without one)."""

    body: bytes
    etag: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list: its items as parsed JSON, and the link to the next page (empty on the last one)."""

    items: list[Any]
    next_link: str
