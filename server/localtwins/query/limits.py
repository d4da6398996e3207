"""The most that one query may hold, as Azure Digital Twins documents it."""

QUERY_LENGTH = 8_000
JOINS = 5
HOPS = 10
OPERATORS = 50
# The service limits page says 50, the page about operators 100; what either allows is taken.
LIST_ITEMS = 100
TOP = 2**31 - 1

# Bounds of our own, far beyond what a query needs, that keep it within what SQLite can take.
PROJECTIONS = 1_000
ESCAPED_SEGMENTS = 8

DEFAULT_PAGE = 100
LARGEST_PAGE = 1_000
