"""A tree of assets, as the lines of an import.

It is over the models of RealEstateCore if the reference material lies beside the checkout, else over a tree of models
of the benchmark's own.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import orjson

CHILDREN = 4
"""Parts of each asset: three hops down there are 64."""
PARENT = 1
"""The asset that the MATCH starts from, near the root, so that small graphs have all of its parts."""

Models = list[dict[str, Any]]

_REC = "realestatecore/rec-v3.ndjson"
_REC_ASSET = "dtmi:digitaltwins:rec_3_3:core:Asset;1"
_ASSET = "dtmi:twinfront:bench:Asset0;1"


@dataclass(frozen=True)
class Ontology:
    """Models, those of them that twins are made of, and one that many of these inherit from."""

    name: str
    definitions: Models
    leaves: list[str]
    base: str
    below_base: list[str]

    @classmethod
    def load(cls) -> Self:
        """RealEstateCore, or if it is not there a tree of models."""
        shared = Path(os.environ.get("TWINFRONT_SHARED", Path(__file__).resolve().parents[3] / "shared"))
        file = shared / "data" / _REC
        if file.is_file():
            return cls._of("RealEstateCore", [orjson.loads(line) for line in file.open("rb")], _REC_ASSET)
        return cls._of("models of its own", list(_own_models()), _ASSET)

    @classmethod
    def _of(cls, name: str, definitions: Models, root: str) -> Self:
        with_components = [model["@id"] for model in definitions if b'"Component"' in orjson.dumps(model)]
        barred = {below for model in with_components for below in _family(definitions, model)}
        leaves = [model for model in _family(definitions, root) if model not in barred]
        branches = [model["@id"] for model in definitions if root in _extended(model)]
        base = max(branches, key=lambda branch: len(set(leaves) & set(_family(definitions, branch))))
        return cls(name, definitions, leaves, base, _family(definitions, base))


def _own_models() -> Iterator[dict[str, Any]]:
    root = {
        "@context": "dtmi:dtdl:context;3",
        "@id": _ASSET,
        "@type": "Interface",
        "contents": [
            {"@type": "Property", "name": "name", "schema": "string"},
            {"@type": "Property", "name": "weight", "schema": "double"},
            {"@type": "Relationship", "name": "hasPart"},
        ],
    }
    yield root
    for number in range(1, 200):
        base = _ASSET.replace("0", str((number - 1) // 6))
        model_id = _ASSET.replace("0", str(number))
        yield {"@context": root["@context"], "@id": model_id, "@type": "Interface", "extends": base}


def _extended(model: dict[str, Any]) -> list[str]:
    extended: str | list[str] = model.get("extends", [])
    return [extended] if isinstance(extended, str) else extended


def _family(definitions: Models, root: str) -> list[str]:
    """A model and all that inherit from it."""
    family = {root: None}
    while True:
        found = [model["@id"] for model in definitions if not family.keys().isdisjoint(_extended(model))]
        if family.keys() >= set(found):
            return list(family)
        family |= dict.fromkeys(found)


def twin_id(number: int) -> str:
    """The id of an asset."""
    return f"asset-{number}"


def lines(ontology: Ontology, twins: int) -> Iterable[dict[str, Any]]:
    """A graph in the import format."""
    yield {"Section": "Header"}
    yield {"fileVersion": "1.0.0", "author": "bench", "organization": "twinfront"}
    yield {"Section": "Models"}
    yield from ontology.definitions
    yield {"Section": "Twins"}
    for number in range(twins):
        model = ontology.leaves[number % len(ontology.leaves)]
        yield {
            "$dtId": twin_id(number),
            "$metadata": {"$model": model},
            "name": f"name {number}",
            "weight": number / 8,
        }
    yield {"Section": "Relationships"}
    for number in range(1, twins):
        yield {
            "$dtId": twin_id((number - 1) // CHILDREN),
            "$relationshipId": f"part-{number}",
            "$targetId": twin_id(number),
            "$relationshipName": "hasPart",
        }


def write(file: Path, ontology: Ontology, twins: int) -> int:
    """Writes so many of them to a file; gives how many rows those and their relationships are, models included."""
    with file.open("wb") as out:
        out.writelines(orjson.dumps(line) + b"\n" for line in lines(ontology, twins))
    return len(ontology.definitions) + 2 * twins - 1
