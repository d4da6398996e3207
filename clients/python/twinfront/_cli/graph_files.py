"""Files of models, digital twins and relationships."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

JSON: Final = ".json"
NDJSON: Final = ".ndjson"
STDIN: Final = "-"

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Item:
    """Holds a model, digital twin or relationship, and where it stands."""

    document: Document
    origin: str


@dataclass(frozen=True, slots=True)
class GraphFiles:
    """Holds the content of the files: of JSON files the items, of files in the import format the paths."""

    models: list[Item] = field(default_factory=list)
    twins: list[Item] = field(default_factory=list)
    relationships: list[Item] = field(default_factory=list)
    texts: list[Path] = field(default_factory=list)


def read_graph_files(names: Sequence[str]) -> GraphFiles:
    """Reads JSON files and finds those in the import format; of folders all that are in them, by name.

    A JSON file has a model, a digital twin or a relationship in the JSON form of Azure Digital Twins, or a list of
    such; or it is an export of Azure Digital Twins Explorer, which has a list of each. `-` stands for stdin, in the
    import format.

    Raises:
        OSError: A file cannot be read.
        ValueError: A file is neither, or has something else in it; the message names it.
    """
    files = GraphFiles()
    for path in (found for name in names for found in _files(name)):
        if path.suffix == NDJSON or str(path) == STDIN:
            files.texts.append(path)
        else:
            _read_json(path, files)
    return files


def _files(name: str) -> list[Path]:
    path = Path(name)
    if path.is_dir():
        found = sorted(file for file in path.rglob("*") if file.suffix in {JSON, NDJSON} and file.is_file())
        if not found:
            raise ValueError(f"{name} has no {JSON} and no {NDJSON} files in it")
        return found
    if path.suffix in {JSON, NDJSON} or name == STDIN:
        return [path]
    hint = "; the Explorer exports its graphs as JSON too" if path.suffix == ".xlsx" else ""
    raise ValueError(f"{name} is neither a folder nor a {JSON} or {NDJSON} file{hint}")


def _read_json(path: Path, files: GraphFiles) -> None:
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not JSON: {error}") from None
    for origin, document in _documents(path, content):
        match document:
            case {"$relationshipId": _}:
                files.relationships.append(Item(document, origin))
            case {"$dtId": _}:
                files.twins.append(Item(document, origin))
            case {"@id": _} | {"@type": _}:
                files.models.append(Item(document, origin))
            case _:
                raise ValueError(f"{origin} is no model (@id), no twin ($dtId) and no relationship ($relationshipId)")


def _documents(path: Path, content: Any) -> Iterator[tuple[str, Any]]:
    """Gives what a file holds, each with its place."""
    match content:
        case list():
            yield from _entries(str(path), content)
        case {"digitalTwinsFileInfo": _} | {"digitalTwinsGraph": _} | {"digitalTwinsModels": _}:
            yield from _of_explorer(path, content)
        case _:
            yield str(path), content


def _of_explorer(path: Path, export: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Gives what an export of Azure Digital Twins Explorer holds.

    Models and relationships may be absent: `{"digitalTwinsFileInfo": …, "digitalTwinsGraph": {"digitalTwins": […],
    "relationships": […]}, "digitalTwinsModels": […]}`.
    """
    graph = export.get("digitalTwinsGraph", {})
    if not isinstance(graph, Mapping):
        raise ValueError(f"{path} digitalTwinsGraph is no object")  # noqa: TRY004  (the file is wrong, not the call)
    lists = {
        "digitalTwinsModels": export.get("digitalTwinsModels", []),
        "digitalTwinsGraph.digitalTwins": graph.get("digitalTwins", []),
        "digitalTwinsGraph.relationships": graph.get("relationships", []),
    }
    for name, entries in lists.items():
        if not isinstance(entries, list):
            raise ValueError(f"{path} {name} is no list")  # noqa: TRY004  (as above)
        yield from _entries(f"{path} {name}", entries)


def _entries(origin: str, entries: list[Any]) -> Iterator[tuple[str, Any]]:
    yield from ((f"{origin}[{index}]", entry) for index, entry in enumerate(entries))
