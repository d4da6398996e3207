"""The six geospatial schemas: GeoJSON geometries (RFC 7946), `type` and `coordinates` and nothing else."""

from typing import Final

_POINT: Final = 0
_LIST_OF_POINTS: Final = 1
_LIST_OF_LINES: Final = 2
_LIST_OF_POLYGONS: Final = 3

GEOMETRIES: Final = {
    "point": ("Point", _POINT),
    "multiPoint": ("MultiPoint", _LIST_OF_POINTS),
    "lineString": ("LineString", _LIST_OF_POINTS),
    "multiLineString": ("MultiLineString", _LIST_OF_LINES),
    "polygon": ("Polygon", _LIST_OF_LINES),
    "multiPolygon": ("MultiPolygon", _LIST_OF_POLYGONS),
}
"""Schema term -> ("type" of the geometry, how many lists stand around a position in "coordinates")."""


def is_geometry(schema: str, value: object) -> bool:
    """Tells whether `value` is a GeoJSON geometry of the type that a schema term names."""
    if type(value) is not dict or len(value) != 2:  # noqa: PLR2004  (exactly "type" and "coordinates")
        return False
    kind, nesting = GEOMETRIES[schema]
    return value.get("type") == kind and _are_coordinates(value.get("coordinates"), nesting)


def _are_coordinates(value: object, nesting: int) -> bool:
    if type(value) is not list:
        return False
    if nesting:
        return all(_are_coordinates(element, nesting - 1) for element in value)
    return len(value) >= 2 and all(type(number) in {int, float} for number in value)  # noqa: PLR2004  (longitude, latitude)
