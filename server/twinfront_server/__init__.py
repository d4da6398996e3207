"""The twinfront server: gRPC in front of Azure Digital Twins."""

from importlib.metadata import version

__all__ = ["__version__"]

__version__ = version("twinfront")
