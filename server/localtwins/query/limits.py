"""The most that one query may hold, as Azure Digital Twins documents it."""

from typing import Final

QUERY_LENGTH: Final = 8_000
JOINS: Final = 5
HOPS: Final = 10
OPERATORS: Final = 50
LIST_ITEMS: Final = 100
"""The service limits page says 50, the page about operators 100; what either allows is taken."""
TOP: Final = 2**31 - 1

PROJECTIONS: Final = 1_000
"""A bound of our own, far beyond what a query needs, that keeps it within what SQLite can take."""
ESCAPED_SEGMENTS: Final = 8
"""A bound of our own for the same reason."""

DEFAULT_PAGE: Final = 100
LARGEST_PAGE: Final = 1_000
