"""The twinfront server: gRPC in front of Azure Digital Twins."""

from typing import Final

__version__: Final = "0.1.0"
"""Stands here too, besides `pyproject.toml`: to look it up takes a good part of the time of a start."""
