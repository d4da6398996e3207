"""The names in a query, and the collections that they stand for."""

from dataclasses import dataclass, field

from localtwins.query.collection import Collection
from localtwins.query.errors import sql_query_error
from localtwins.query.syntax import Name, Path


@dataclass(slots=True)
class Scope:
    """Knows the aliases of a query.

    Attributes:
        sole: the collection that names without an alias belong to, if there is just one.
        escaped: the aliases that were introduced as `[[…]]`.
        referenced: the tables that something in the query refers to.
    """

    aliases: dict[str, Collection] = field(default_factory=dict)
    escaped: set[str] = field(default_factory=set)
    sole: Collection | None = None
    referenced: set[str] = field(default_factory=set)

    def declare(self, name: Name | None, collection: Collection) -> None:
        """Lets an alias stand for a collection.

        Raises:
            AdtError: SqlQueryError if it stands for another one already.
        """
        if name is None:
            return
        if name.escaped:
            self.escaped.add(name.text)
        if self.aliases.setdefault(name.text, collection) != collection:
            raise sql_query_error(name.place, f"the alias '{name.text}' is used twice")

    def alias(self, path: Path) -> Collection | None:
        """Gives the collection that the first segment of a path stands for as an alias, None for a property.

        With a single collection `[[T]]` is a property even if `T` is an alias, unless that was introduced as `[[T]]`.
        """
        head = path.segments[0]
        if path.escaped and self.sole is not None and head not in self.escaped:
            return None
        return self.aliases.get(head)

    def resolve(self, path: Path) -> tuple[Collection, tuple[str, ...]]:
        """Gives the collection that a path starts from and the segments behind it, none for a whole document.

        Raises:
            AdtError: SqlQueryError if the path names no collection and there are several.
        """
        head, *rest = path.segments
        collection = self.alias(path)
        segments = tuple(rest)
        if collection is None:
            if self.sole is None:
                message = f"'{head}' is not an alias, and with JOIN and MATCH a property needs one before it"
                raise sql_query_error(path.place, message)
            collection, segments = self.sole, path.segments
        self.referenced.add(collection.table)
        return collection, segments
