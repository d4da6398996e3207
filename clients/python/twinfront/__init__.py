"""The Python client of twinfront, a gRPC service in front of Azure Digital Twins.

    from twinfront import DigitalTwin, TwinfrontClient, patch

    with TwinfrontClient("localhost:50051") as client:
        client.create_or_replace_digital_twin(
            "room-1", DigitalTwin(model_id="dtmi:example:Room;1", properties={"temperature": 21.5})
        )
        twin = client.get_digital_twin("room-1")
        client.update_digital_twin("room-1", patch().replace("/temperature", 22.5), if_match=twin.etag)

`AsyncTwinfrontClient` is the same for asyncio, `twinfront.errors` has the errors, and `twinfront.v1` the generated
stubs.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twinfront._exports import *  # noqa: F403  (what the module below offers, for type checkers and editors)
    from twinfront._exports import __all__ as __all__
else:

    def __getattr__(name: str) -> Any:
        """Loads the client when the first of it is asked for; for the stubs `twinfront.v1` none of it is needed."""
        if name.startswith("_") and name != "__all__":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from twinfront import _exports  # noqa: PLC0415  (that is the point)

        offered = {each: getattr(_exports, each) for each in (*_exports.__all__, "__all__")}
        globals().update(offered)
        if name not in globals():
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return globals()[name]

    def __dir__() -> list[str]:
        """Gives the names that it offers, loaded or not."""
        return sorted({*globals(), *__getattr__("__all__")})
