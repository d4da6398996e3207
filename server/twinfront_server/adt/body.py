"""The body of a write to the upstream, and the field of the request that it comes from."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence


@dataclasses.dataclass(slots=True)  # not frozen, which takes longer to make: each write has one
class Body:
    """The JSON that a write sends.

    Attributes:
        content: the JSON text.
        field: the proto path of the request's field that it was made of, for example `digital_twin` or
            `digital_twin.json`.
        items: of a patch the paths of its operations, of models their ids, in the order of the field; else empty.
        item_field: the proto path that an item of a patch was made of, by its index; None if the field is the patch.
        ids: ids that the body names beside those of the request, by their name in error metadata.
    """

    content: bytes
    field: str
    items: Sequence[str] = ()
    item_field: Callable[[int], str] | None = None
    ids: Mapping[str, str] = dataclasses.field(default_factory=dict)
