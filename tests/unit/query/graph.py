"""A graph in a database of its own, and queries over it."""

import sqlite3
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import orjson

from localtwins.engine.clock import Clock
from localtwins.engine.model_versions import name_and_version
from localtwins.query import Page, Position, compile_query, run
from localtwins.store import schema
from localtwins.store.transaction import Transaction

_PLAIN = "dtmi:test:Plain;1"


class Graph:
    """Twins, relationships and the inheritance of models; nothing is validated."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        schema.migrate(self.connection)
        self.tx = Transaction(self.connection, Clock())
        self._relationships = 0

    def close(self) -> None:
        self.connection.close()

    def model(self, model_id: str, *bases: str) -> None:
        """Add a model with everything that it inherits from."""
        rows = [(*name_and_version(base), model_id) for base in (model_id, *bases)]
        self.connection.executemany("INSERT OR IGNORE INTO model_bases VALUES (?, ?, ?)", rows)

    def twin(self, twin_id: str, model_id: str = _PLAIN, **properties: Any) -> None:
        document = {
            "$dtId": twin_id,
            "$etag": f'W/"{twin_id}"',
            **properties,
            "$metadata": {"$model": model_id, **{name: {"lastUpdateTime": "2024-05-06"} for name in properties}},
        }
        self.tx.put_digital_twin(twin_id, model_id, document["$etag"], orjson.dumps(document))

    def twins(self, *twin_ids: str) -> None:
        for twin_id in twin_ids:
            self.twin(twin_id)

    def relate(self, source: str, name: str, target: str, *, relationship_id: str = "", **properties: Any) -> str:
        self._relationships += 1
        relationship_id = relationship_id or f"rel-{self._relationships}"
        document = {
            "$relationshipId": relationship_id,
            "$etag": f'W/"{relationship_id}"',
            "$sourceId": source,
            "$relationshipName": name,
            "$targetId": target,
            **properties,
        }
        self.tx.put_relationship(
            source,
            relationship_id,
            target_id=target,
            name=name,
            etag=document["$etag"],
            document=orjson.dumps(document),
        )
        return relationship_id

    def chain(self, *twin_ids: str, name: str = "to") -> None:
        """Add twins, each related to the next."""
        self.twins(*twin_ids)
        for source, target in pairwise(twin_ids):
            self.relate(source, name, target)

    def page(self, query: str, size: int = 1000, position: Position | None = None, **options: Any) -> Page:
        statement = compile_query(query, options.pop("indexed", frozenset()))
        return run(statement, self.connection, size=size, position=position)

    def rows(self, query: str, **options: Any) -> list[Any]:
        page = self.page(query, **options)
        assert page.next is None
        return [orjson.loads(row) for row in page.rows]

    def ids(self, query: str, **options: Any) -> list[str]:
        """The ids of the twins that a query selects, bare or under one alias, in alphabetical order."""
        return sorted(map(twin_id, self.rows(query, **options)))

    def where(self, condition: str, **options: Any) -> list[str]:
        """The ids of the twins that meet a condition."""
        return self.ids(f"SELECT * FROM DIGITALTWINS T WHERE {condition}", **options)

    def match(self, pattern: str, **options: Any) -> list[str]:
        """The ids of the twins `x` in the matches of a pattern with its condition."""
        return self.ids(f"SELECT x FROM DIGITALTWINS MATCH {pattern}", **options)

    def pages(self, query: str, size: int) -> Iterable[list[Any]]:
        position = None
        while True:
            page = self.page(query, size, position)
            yield [orjson.loads(row) for row in page.rows]
            position = page.next
            if position is None:
                return


def twin_id(row: dict[str, Any]) -> str:
    if "$dtId" in row:
        return str(row["$dtId"])
    (document,) = row.values()
    return str(document["$dtId"])
