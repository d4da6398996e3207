"""Reads the text of a policy file: YAML, with nothing in it that could be large out of little."""

import re
from pathlib import Path
from typing import Any, Final

import yaml

from twinfront_server.access.policy_document import PolicyError

MAX_BYTES: Final = 512 << 10
"""The largest policy file."""

MAX_DEPTH: Final = 20
"""How deep its values may lie within each other."""


def read_text(file: Path) -> str:
    """Reads a file of `MAX_BYTES` at the most.

    Raises:
        PolicyError: it cannot be read, or is too large.
    """
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise PolicyError(f"cannot be read: {error.strerror}") from None
    if len(content) > MAX_BYTES:
        raise PolicyError(f"is larger than {MAX_BYTES} bytes")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise PolicyError("is no UTF-8") from None


def parse_yaml(text: str) -> Any:
    """Gives the document of a text.

    Raises:
        PolicyError: it is no YAML, or more than plain lists, maps and scalars: aliases, tags of types, names twice in
            one map.
    """
    try:
        return yaml.load(text, _PlainLoader)  # noqa: S506  (a SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
        raise PolicyError(f"{where}{error.problem or error}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise PolicyError(f"is no YAML: {error}") from None


class _PlainLoader(yaml.SafeLoader):
    """Takes what a policy is made of, and refuses the rest of YAML.

    Of what has no quotes only short numbers, true, false and null are no texts, as in YAML 1.2: a group may be called
    `no` or 2026-01-01, and nothing is computed.
    """

    yaml_implicit_resolvers = {}  # noqa: RUF012  (as the library has it)

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Composes a node that is no alias and does not lie too deep."""
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]  # the stubs leave it untyped
        mark: Any = event.start_mark
        if isinstance(event, yaml.AliasEvent):
            raise yaml.composer.ComposerError(None, None, "aliases are not taken", mark)
        if event.tag is not None:
            raise yaml.composer.ComposerError(None, None, f"tags such as {event.tag[:100]} are not taken", mark)
        if self._depth > MAX_DEPTH:
            raise yaml.composer.ComposerError(None, None, f"lies more than {MAX_DEPTH} deep", mark)
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:  # noqa: FBT001, FBT002  (as the library has it)
        """Constructs a map whose names are texts, each once."""
        names: set[str] = set()
        for key, _ in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else "a value that is no text"
            if name in names or not isinstance(key, yaml.ScalarNode):
                problem = f"{name!r} is there twice" if name in names else "a name has to be a text"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            names.add(name)
        return super().construct_mapping(node, deep)


_SCALARS: Final = {
    "int": (r"-?(?:0|[1-9]\d{0,17})\Z", "-0123456789"),
    "bool": (r"(?:true|false)\Z", "tf"),
    "null": (r"(?:null|~)\Z", "n~"),
}
"""Scalars that are no texts without quotes: the form of each kind, and the characters that it begins with."""

for _name, (_form, _first) in _SCALARS.items():
    _PlainLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(_form, re.ASCII), [*_first])
_PlainLoader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"\Z"), [""])
