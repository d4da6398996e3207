"""From a query to its SQL statement."""

from functools import lru_cache

from localtwins.query import pattern, syntax
from localtwins.query.conditions import pinned_twins, sql
from localtwins.query.errors import sql_query_error
from localtwins.query.operands import Operands
from localtwins.query.parameters import Parameters
from localtwins.query.parsing import parse
from localtwins.query.properties import locate
from localtwins.query.scope import Collection, Scope
from localtwins.query.statement import Statement
from localtwins.query.syntax import Condition, Place, Projection, Selection
from localtwins.query.traversal import Pin, Rows, Term, traverse

_START = Place(1, 0)


@lru_cache(maxsize=512)
def compile_query(text: str, indexed: frozenset[str] = frozenset()) -> Statement:
    """Compile a query; `indexed` are the properties of twins that have an index. Raises SqlQueryError."""
    query = parse(text)
    scope, parameters = Scope(), Parameters()
    found = None
    match query.source:
        case syntax.Relationships(alias):
            _declare_sole(scope, alias, Collection(0, of_twins=False))
        case syntax.DigitalTwins(alias, ()):
            _declare_sole(scope, alias, Collection(0, of_twins=True))
        case syntax.DigitalTwins():
            found = pattern.of_joins(query.source, scope)
        case syntax.Match():
            found = pattern.of_match(query.source, scope)
    members = _members(query.selection, scope, parameters)
    selected = frozenset(scope.referenced)
    terms = _terms(query.where, scope, Operands(scope, parameters, indexed))
    rows = _all(scope.sole, terms) if found is None else traverse(found, _pin(query.where, scope), terms, selected, parameters)
