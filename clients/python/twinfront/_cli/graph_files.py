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
    """A model, digital twin or relationship, and where it stands."""

    document: Document
    origin: str


@dataclass(frozen=True, slots=True)
class GraphFiles:
    """What the files hold: of JSON files the items, of files in the import format the paths."""

    models: list[Item] = field(default_factory=list)
    twins: list[Item] = field(default_factory=list)
    relationships: list[Item] = field(default_factory=list)
    texts: list[Path] = field(default_factory=list)


def read_graph_files(names: Sequence[str]) -> GraphFiles:
    """Reads JSON files and finds those in the import format; of folders all that are in them, by name.

    A JSON file has a model, a digital twin or a relationship in the JSON form of Azure Digital Twins, or a list of
    such. `-` stands for stdin, in the import format.

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
    raise ValueError(f"{name} is neither a folder nor a {JSON} or {NDJSON} file")


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


def _documents(path: Path, content: object) -> Iterator[tuple[str, Any]]:
    if isinstance(content, list):
        yield from ((f"{path}[{index}]", entry) for index, entry in enumerate(content))
    else:
        yield str(path), content
