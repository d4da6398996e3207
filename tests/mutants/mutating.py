"""Makes mutants of a source: the same text with one small fault in it.

Annotations, decorators, docstrings, messages (texts with a space in them) and f-strings stay as they are: whether tests
pin those says little of whether they would notice wrong code. So does what says when a module is loaded, which is when
it is needed at the latest, and what is the same in another way: the smaller of b and a, and None for a false that has
its opposite among the faults anyway.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

_COMPARISONS: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_OPERATORS: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
_SKIPPED_FIELDS: Final = frozenset({"annotation", "returns", "decorator_list", "type_comment", "bases"})
_DECLARATIONS: Final = frozenset({"cast", "getLogger", "load_later", "NewType", "ParamSpec", "TypeVar", "NamedTuple"})


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault.

    Attributes:
        line: where it is, counted from 1.
        start: offset of its first byte in the source.
        end: offset behind its last byte.
        before: what the source has there.
        after: what the mutant has.
    """

    line: int
    start: int
    end: int
    before: str
    after: str

    def applied(self, source: str) -> str:
        """Gives the source with the fault in it."""
        data = source.encode()
        return (data[: self.start] + self.after.encode() + data[self.end :]).decode()


def mutants_of(source: str) -> list[Mutant]:
    """Gives all mutants of a source, in the order of the text."""
    starts = [0]
    for text in source.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(text))
    found = []
    for node, after in _faults(ast.parse(source)):
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        before = source.encode()[start:end].decode()
        mutant = Mutant(node.lineno, start, end, before, after)
        if before != after and _is_python(mutant.applied(source)):
            found.append(mutant)
    return sorted(found, key=lambda mutant: (mutant.start, mutant.end, mutant.after))


def _is_python(source: str) -> bool:
    try:
        compile(source, "mutant", "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True


def _faults(parent: ast.AST) -> Iterator[tuple[Any, str]]:
    """Gives the nodes below one, each with a text to stand in its place."""
    for name, value in ast.iter_fields(parent):
        if name in _SKIPPED_FIELDS:
            continue
        for node in value if isinstance(value, list) else [value]:
            if not isinstance(node, ast.AST) or _says_nothing_of_behaviour(node):
                continue
            yield from _faults_of(node)
            yield from _faults(node)


def _says_nothing_of_behaviour(node: ast.AST) -> bool:
    match node:
        case ast.Expr(value=ast.Call() as call):
            return _says_nothing_of_behaviour(call)
        case ast.Expr(value=ast.Constant()) | ast.JoinedStr() | ast.Import() | ast.ImportFrom():
            return True
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name in _DECLARATIONS
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case _:
            return False


def _faults_of(node: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    match node:
        case ast.Constant():
            yield from _other_values(node)
        case ast.expr():
            yield from _other_expressions(node)
        case ast.stmt():
            yield from _other_statements(node)
    if isinstance(node, ast.If | ast.While | ast.IfExp) and not _has_its_opposite(node.test):
        yield node.test, f"(not ({ast.unparse(node.test)}))"


def _other_values(node: ast.Constant) -> Iterator[tuple[ast.AST, str]]:
    match node.value:
        case bool(value):
            yield node, repr(not value)
        case int(value) | float(value):
            yield node, repr(value + 1)
        case str(value) if value and not any(each.isspace() for each in value):
            yield node, "''"
        case _:
            pass


def _other_expressions(node: ast.expr) -> Iterator[tuple[ast.AST, str]]:
    match node:
        case ast.Compare(ops=[op, *_]) if type(op) in _COMPARISONS:
            other = _COMPARISONS[type(op)]()
            yield node, _text(ast.Compare(node.left, [other, *node.ops[1:]], node.comparators))
        case ast.BoolOp(op=op, values=values):
            yield node, _text(ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield node, _text(operand)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            yield node, _text(ast.BinOp(left, _OPERATORS[type(op)](), right))
        case ast.Call(func=ast.Name(id="min" | "max")):
            pass
        case ast.Call(args=[first, second, *rest]) if not isinstance(first, ast.Starred | ast.JoinedStr):
            if not isinstance(second, ast.Starred):
                yield node, _text(ast.Call(node.func, [second, first, *rest], node.keywords))
        case _:
            pass


def _other_statements(node: ast.stmt) -> Iterator[tuple[ast.AST, str]]:
    match node:
        case ast.AugAssign(target=target, op=op, value=value) if type(op) in _OPERATORS:
            yield node, ast.unparse(ast.AugAssign(target, _OPERATORS[type(op)](), value))
        case ast.Break():
            yield node, "continue"
        case ast.Continue():
            yield node, "break"
        case ast.Return(value=ast.expr() as value) if not _is_none_or_false(value):
            yield node, "return None"
        case ast.Raise() | ast.Expr(value=ast.Call() | ast.Await()):
            yield node, "pass"
        case _:
            pass


def _is_none_or_false(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and (value.value is None or value.value is False)


def _has_its_opposite(test: ast.expr) -> bool:
    """Tells whether the faults of a condition itself include its negation."""
    match test:
        case ast.UnaryOp(op=ast.Not()):
            return True
        case ast.Compare(ops=[ast.Eq() | ast.NotEq() | ast.In() | ast.NotIn() | ast.Is() | ast.IsNot()]):
            return True
        case _:
            return False


def _text(node: ast.expr) -> str:
    return f"({ast.unparse(node)})"
