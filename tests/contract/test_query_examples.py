"""The numbered examples of the query language's reference, over the graph that the reference made for them."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from localtwins import dtdl
from localtwins.errors import AdtError

from ..unit.query.graph import Graph

Document = dict[str, Any]


@pytest.fixture(scope="module")
def graph(shared: Path) -> Iterator[Graph]:
    graph = Graph()
    sections: dict[str, list[Any]] = {}
    section: list[Any] = []
    for item in _lines(shared / "reference" / "query-examples-graph.ndjson"):
        if "Section" in item:
            section = sections[item["Section"]] = []
        else:
            section.append(item)
    for interface in dtdl.parse(sections["Models"], lambda _: None):
        graph.model(interface.id, *interface.bases)
    for twin in sections["Twins"]:
        graph.twin(twin.pop("$dtId"), twin.pop("$metadata")["$model"], **twin)
    for one in sections["Relationships"]:
        source, name, target = (one.pop(member) for member in ("$dtId", "$relationshipName", "$targetId"))
        graph.relate(source, name, target, relationship_id=one.pop("$relationshipId"), **one)
    yield graph
    graph.close()


@pytest.fixture(scope="module")
def examples(shared: Path) -> dict[int, list[Document]]:
    """The examples by their number, some of which stand for two."""
    numbered: dict[int, list[Document]] = {}
    for example in _lines(shared / "reference" / "query-examples.jsonl"):
        numbered.setdefault(example["n"], []).append(example)
    return numbered


def _lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("number", range(1, 102))
def test_a_published_example_of_a_query_is_answered(graph: Graph, examples: dict[int, list[Document]], number: int):
    for example in examples[number]:
        if example["status"] == 200:
            rows = graph.rows(example["query"])
            assert _counted(_seen(row, example) for row in rows) == _counted(_expected(example, len(rows)))
        else:
            with pytest.raises(AdtError) as raised:
                graph.rows(example["query"])
            assert (raised.value.status, raised.value.code) == (example["status"], "SqlQueryError")


def test_all_examples_are_tried(examples: dict[int, list[Document]]):
    assert sorted(examples) == list(range(1, 102))
    assert sum(map(len, examples.values())) == 103


def _seen(row: Document, example: Document) -> object:
    """What an example tells of a row: ids in place of documents, or all of it."""
    if "wrapped_in" in example:
        row = row[example["wrapped_in"]]
    if "ids" in example:
        return row["$dtId"]
    if "relationship_ids" in example:
        return row["$relationshipId"]
    if "tuples" in example:
        return {name: document.get("$relationshipId") or document["$dtId"] for name, document in row.items()}
    return row if "rows" in example else None


def _expected(example: Document, found: int) -> Iterable[object]:
    for form in ("ids", "relationship_ids", "tuples", "rows"):
        if form in example:
            rows: list[object] = example[form]
            return rows
    assert example["count"] == found
    return [None] * found


def _counted(rows: Iterable[object]) -> Counter[str]:
    return Counter(json.dumps(row, sort_keys=True) for row in rows)
