"""Real model sets are accepted whole."""

import json
from pathlib import Path
from typing import Any

import pytest

from localtwins.dtdl import load, parse


def models_of(file: Any):
    text = file.read_text("utf-8-sig")
    if file.suffix == ".ndjson":
        return [json.loads(line) for line in text.splitlines() if line]
    found = json.loads(text)
    return found if isinstance(found, list) else [found]


@pytest.mark.parametrize(
    ("file", "count"),
    [
        ("realestatecore/rec-v2.ndjson", 767),
        ("realestatecore/rec-v3.ndjson", 767),
        ("willow/willow-v3.ndjson", 3700),
        ("smartcities/smartcities-v2.ndjson", 63),
    ],
)
def test_published_ontologies_are_accepted(shared: Path, file: Any, count: int):
    documents = {model["@id"]: model for model in models_of(shared / "data" / file)}

    interfaces = parse(list(documents.values()))

    assert len(interfaces) == count
    assert [load(document, documents.get) for document in documents.values()] == interfaces


SAMPLES = [
    "advanced-home-example",
    "basic-home-example",
    "cli-models",
    "client-app",
    "energy-grid-example",
    "explorer-building",
]


@pytest.mark.parametrize("folder", SAMPLES)
def test_published_samples_are_accepted(shared: Path, folder: str):
    files = sorted((shared / "data" / "samples" / folder).glob("*.json"))
    documents = [model for file in files for model in models_of(file) if "@context" in model]

    assert len(parse(documents)) == len(documents) > 0


def test_samples_of_the_documentation_are_accepted(shared: Path):
    """They repeat each other's ids, so each file is a batch of its own, which the others are stored for."""
    files = sorted((shared / "data" / "samples" / "docs-code").glob("*.json"))
    batches = [
        [model for model in models_of(file) if "@context" in model]
        for file in files
        if file.name != "tags.json"  # is not JSON: narrow no-break spaces
    ]
    stored = {model["@id"]: model for batch in batches for model in batch}

    assert sum(len(parse(batch, stored.get)) for batch in batches) == sum(map(len, batches)) > 10


def test_models_of_published_graphs_are_accepted(shared: Path):
    graphs = shared / "data" / "graphs"
    for file in ("building-scenario", "national-grid", "distribution-grid", "cli-bulk-valid"):
        lines = models_of(graphs / f"{file}.ndjson")
        models = [line for line in lines if line.get("@type") == "Interface"]
        assert len(parse(models)) == len(models) > 0
