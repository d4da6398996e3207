"""A digital twin as parsed JSON: its components, its metadata, and the times in there.

The form is on the page "Digital twin JSON format":

    {"$dtId": "room", "$etag": "W/…", "temperature": 21, "lamp": {"$metadata": {…}, "on": true},
     "$metadata": {"$model": "dtmi:…;1", "$lastUpdateTime": "2022-…",
                   "temperature": {"lastUpdateTime": "2022-…", "sourceTime": "2022-…"}}}
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeGuard

METADATA: Final = "$metadata"
MODEL: Final = "$model"
SOURCE_TIME: Final = "sourceTime"
LAST_UPDATE_TIME: Final = "lastUpdateTime"
TWIN_LAST_UPDATE_TIME: Final = "$lastUpdateTime"

_OF_RELATIONSHIPS: Final = ("$relationshipId", "$sourceId", "$targetId", "$relationshipName")

Document = dict[str, Any]


def is_digital_twin(value: object) -> TypeGuard[Document]:
    """Tells whether a row of a query is a digital twin: a query may give any value the name of any member."""
    if type(value) is not dict:
        return False
    metadata = value.get(METADATA)
    return type(value.get("$dtId")) is str and type(metadata) is dict and type(metadata.get(MODEL, "")) is str


def is_relationship(value: Document) -> bool:
    """Tells whether a row of a query is a relationship."""
    return all(type(value.get(name)) is str for name in _OF_RELATIONSHIPS)


def is_component(value: object) -> TypeGuard[Document]:
    """Tells whether a member of a twin is a component: nothing else has metadata of its own."""
    return type(value) is dict and METADATA in value


def metadata_of(owner: Mapping[str, Any]) -> Document:
    """Gives the metadata of a twin or a component; of what has none, or none that is an object, nothing."""
    metadata = owner.get(METADATA)
    return metadata if type(metadata) is dict else {}


def source_times(owner: Mapping[str, Any]) -> Document:
    """Gives the source times of a twin or a component, by property."""
    return _times(owner, SOURCE_TIME)


def update_times(twin: Document) -> Iterator[tuple[tuple[str, str], Any]]:
    """Gives the update times of all properties, by component (empty for the twin's own) and name."""
    for name, time in _times(twin, LAST_UPDATE_TIME).items():
        yield ("", name), time
    for component, value in twin.items():
        if is_component(value):
            for name, time in _times(value, LAST_UPDATE_TIME).items():
                yield (component, name), time


def _times(owner: Mapping[str, Any], name: str) -> Document:
    return {
        property_name: entry[name]
        for property_name, entry in metadata_of(owner).items()
        if type(entry) is dict and entry.get(name) is not None
    }


def source_time_metadata(owner: Mapping[str, Any]) -> Document:
    """Gives metadata that says the source times of a twin or a component and nothing else."""
    return {name: {SOURCE_TIME: time} for name, time in source_times(owner).items()}


def is_same(one: Any, other: Any) -> bool:
    """Tells whether two JSON values are the same.

    Numbers are if their values are, so 1 is 1.0 (RFC 8259 has one kind); true is not 1.
    """
    if type(one) is dict and type(other) is dict:
        return one.keys() == other.keys() and all(is_same(value, other[name]) for name, value in one.items())
    if type(one) is list and type(other) is list:
        return len(one) == len(other) and all(map(is_same, one, other))
    # Python compares integers and doubles exactly; but to Python true is 1.
    return (type(one) is bool) == (type(other) is bool) and bool(one == other)
