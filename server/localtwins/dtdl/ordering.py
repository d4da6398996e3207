"""Order among things that depend on each other, found without recursion."""

from collections.abc import Iterable, Mapping


def dependencies_first(dependencies: Mapping[str, Iterable[str]]) -> list[str]:
    """Puts the keys of `dependencies` in order, each after those it depends on.

    Left out are those in a cycle, and those that depend on one. Dependencies that are no keys themselves count as met:
    `{"a": ["b"], "b": ["x"], "c": ["c"]}` gives `["b", "a"]`.
    """
    unmet = {key: len({needed for needed in needs if needed in dependencies}) for key, needs in dependencies.items()}
    dependents: dict[str, list[str]] = {}
    for key, needs in dependencies.items():
        for needed in set(needs):
            dependents.setdefault(needed, []).append(key)
    ordered = [key for key, count in unmet.items() if count == 0]
    for key in ordered:
        for dependent in dependents.get(key, ()):
            unmet[dependent] -= 1
            if unmet[dependent] == 0:
                ordered.append(dependent)
    return ordered
