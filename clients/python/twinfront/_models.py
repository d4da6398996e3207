"""Models as Python values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from twinfront import _json
from twinfront._timestamps import Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A DTDL interface that is stored in the instance."""

    id: str
    """The DTMI, for example `dtmi:example:Room;1`."""
    display_name: dict[str, str] = field(default_factory=dict)
    """By language tag; a name without a language counts as `en`."""
    description: dict[str, str] = field(default_factory=dict)
    """By language tag."""
    decommissioned: bool = False
    """Whether new twins of the model are refused."""
    upload_time: Timestamp | None = None
    """When the model was uploaded."""
    dtdl_model: dict[str, Any] | None = None
    """The DTDL interface as it was uploaded; None unless it was asked for."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Reads the JSON form of Azure Digital Twins."""
        upload_time = data.get("uploadTime")
        return cls(
            id=data["id"],
            display_name=data.get("displayName") or {},
            description=data.get("description") or {},
            decommissioned=data.get("decommissioned", False),
            upload_time=None if upload_time is None else Timestamp(upload_time),
            dtdl_model=data.get("model"),
        )


def dtdl_texts(models: Iterable[Mapping[str, Any] | str]) -> list[str]:
    """Writes DTDL interfaces as JSON texts; what is text already is sent as it is."""
    if isinstance(models, str | Mapping):
        raise TypeError("models is a list of DTDL interfaces, and not one of them: put it in brackets")
    return [
        model if isinstance(model, str) else _json.dump(model, f"models[{index}]").decode()
        for index, model in enumerate(models)
    ]
