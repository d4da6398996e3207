"""The twinfront server: gRPC in front of Azure Digital Twins."""

from typing import TYPE_CHECKING, Any

__all__ = ["__version__"]

if TYPE_CHECKING:
    __version__: str
else:

    def __getattr__(name: str) -> Any:
        """Looks the version up when it is asked for, which takes longer than all else that most commands load."""
        if name != "__version__":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib.metadata import version  # noqa: PLC0415  (that is the point)

        return version("twinfront")
