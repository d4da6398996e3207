"""Digital twins and their components as Python values."""

from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Self

from twinfront._timestamps import Timestamp


class Properties:
    """A dict-like holder of properties: `twin["temperature"]`, `"temperature" in twin`, `twin.get("temperature")`.

    A property that was never set is absent, and reading it raises KeyError.
    """

    __slots__ = ()

    properties: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.properties[name]

    def __contains__(self, name: object) -> bool:
        return name in self.properties

    def __iter__(self) -> Iterator[str]:
        return iter(self.properties)

    def get(self, name: str, default: Any = None) -> Any:
        """Gives the value of the property, or `default` if it has none."""
        return self.properties.get(name, default)


@dataclass(frozen=True, slots=True)
class PropertyMetadata:
    """The service's record of a property beside its value."""

    last_update_time: Timestamp | None = None
    """When the service processed the last update; set by the service."""
    source_time: Timestamp | None = None
    """When the update was observed in the real world; None unless a writer said so."""


@dataclass(frozen=True, slots=True)
class Component(Properties):
    """A component of a digital twin: `Component({"setpoint": 20})`."""

    properties: dict[str, Any] = field(default_factory=dict)
    """The values of the properties that have one, as plain Python values."""
    _: KW_ONLY
    property_metadata: dict[str, PropertyMetadata] = field(default_factory=dict, repr=False)
    """By property name. Of what is written only the source times count."""
    last_update_time: Timestamp | None = None
    """When the component was last changed; set by the service."""
    etag: str = ""
    """The etag of the component's twin, if `get_component` read it; empty inside a twin."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], *, etag: str = "") -> Self:
        """Reads the JSON form of Azure Digital Twins."""
        metadata = data.get("$metadata", {})
        return cls(
            properties={name: value for name, value in data.items() if not name.startswith("$")},
            property_metadata=_read_property_metadata(metadata),
            last_update_time=_read_timestamp(metadata.get("$lastUpdateTime")),
            etag=etag,
        )

    def to_dict(self) -> dict[str, Any]:
        """Writes the JSON form of Azure Digital Twins, with the `$metadata` that the service wants there."""
        return {
            **self.properties,
            "$metadata": _written_metadata(self.last_update_time, self.property_metadata),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class DigitalTwin(Properties):
    """A digital twin: `DigitalTwin(model_id="dtmi:example:Room;1", properties={"temperature": 21.5})`.

    Properties are read straight from it, `twin["temperature"]`, components from `components`:
    `twin.components["thermostat"]["setpoint"]`.
    """

    id: str = ""
    """The twin's id. May be left empty in what is written; else it has to equal the id of the call."""
    etag: str = ""
    """The entity tag of this state, set by the service: what `if_match` takes."""
    model_id: str = ""
    """The DTMI of the twin's model."""
    properties: dict[str, Any] = field(default_factory=dict)
    """The values of the properties that have one, as plain Python values."""
    components: dict[str, Component] = field(default_factory=dict)
    """By name. A new twin has to have every component of its model, be it empty."""
    last_update_time: Timestamp | None = None
    """When the twin was last changed; set by the service."""
    property_metadata: dict[str, PropertyMetadata] = field(default_factory=dict, repr=False)
    """By property name; empty if the twin was read with view="basic". Of what is written only source times count."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Reads the JSON form of Azure Digital Twins.

        That form has properties and components side by side; the components are the objects with a `$metadata`.
        """
        metadata = data.get("$metadata", {})
        properties: dict[str, Any] = {}
        components: dict[str, Component] = {}
        for name, value in data.items():
            if name.startswith("$"):
                continue
            if isinstance(value, Mapping) and "$metadata" in value:
                components[name] = Component.from_dict(value)
            else:
                properties[name] = value
        return cls(
            id=data.get("$dtId") or "",
            etag=data.get("$etag") or "",
            model_id=metadata.get("$model", ""),
            properties=properties,
            components=components,
            last_update_time=_read_timestamp(metadata.get("$lastUpdateTime")),
            property_metadata=_read_property_metadata(metadata),
        )

    def to_dict(self) -> dict[str, Any]:
        """Writes the JSON form of Azure Digital Twins; `$dtId` and `$etag` are left out if empty."""
        data: dict[str, Any] = {}
        if self.id:
            data["$dtId"] = self.id
        if self.etag:
            data["$etag"] = self.etag
        data.update(self.properties)
        data.update((name, component.to_dict()) for name, component in self.components.items())
        data["$metadata"] = {
            "$model": self.model_id,
            **_written_metadata(self.last_update_time, self.property_metadata),
        }
        return data


def request_form(twin: DigitalTwin | Mapping[str, Any]) -> Mapping[str, Any]:
    """Gives the twin as it is sent: a mapping untouched, a DigitalTwin without what only the service sets."""
    if not isinstance(twin, DigitalTwin):
        return twin
    components = {
        name: Component(component.properties, property_metadata=_source_times(component.property_metadata))
        for name, component in twin.components.items()
    }
    return DigitalTwin(
        id=twin.id,
        model_id=twin.model_id,
        properties=twin.properties,
        components=components,
        property_metadata=_source_times(twin.property_metadata),
    ).to_dict()


def _source_times(property_metadata: Mapping[str, PropertyMetadata]) -> dict[str, PropertyMetadata]:
    return {
        name: PropertyMetadata(source_time=entry.source_time)
        for name, entry in property_metadata.items()
        if entry.source_time is not None
    }


def _read_timestamp(text: str | None) -> Timestamp | None:
    return None if text is None else Timestamp(text)


def _read_property_metadata(metadata: Mapping[str, Any]) -> dict[str, PropertyMetadata]:
    return {
        name: PropertyMetadata(_read_timestamp(entry.get("lastUpdateTime")), _read_timestamp(entry.get("sourceTime")))
        for name, entry in metadata.items()
        if not name.startswith("$")
    }


def _written_metadata(
    last_update_time: Timestamp | None, property_metadata: Mapping[str, PropertyMetadata]
) -> dict[str, Any]:
    """Writes `$metadata` without its `$model`."""
    metadata: dict[str, Any] = {}
    if last_update_time is not None:
        metadata["$lastUpdateTime"] = last_update_time.text
    for name, entry in property_metadata.items():
        times = {"lastUpdateTime": entry.last_update_time, "sourceTime": entry.source_time}
        metadata[name] = {key: time.text for key, time in times.items() if time is not None}
    return metadata
