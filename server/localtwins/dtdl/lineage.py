"""Contents with everything inherited, without a copy of the ancestors' contents."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

T = TypeVar("T")


class Lineage(Mapping[str, T]):
    """Finds the contents of an interface and of its ancestors by name; valid models use each name once.

    Many interfaces may extend one with thousands of contents, so each keeps a list of who has what and no more.

    Args:
        generations: the contents of its own that each one of the lineage has.
    """

    __slots__ = ("generations",)

    def __init__(self, generations: Iterable[Mapping[str, T]]) -> None:
        self.generations = tuple(generations)

    def __getitem__(self, name: str) -> T:
        for generation in self.generations:
            if name in generation:
                return generation[name]
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return any(name in generation for generation in self.generations)

    def __iter__(self) -> Iterator[str]:
        return (name for generation in self.generations for name in generation)

    def __len__(self) -> int:
        return sum(map(len, self.generations))

    def merged(self) -> dict[str, T]:
        """Gives the same contents as one dictionary."""
        return {name: content for generation in self.generations for name, content in generation.items()}


def for_lookups(contents: Mapping[str, T], count: int) -> Mapping[str, T]:
    """Gives contents for `count` look-ups: one dictionary if that costs less than to search the lineage each time.

    Each interface may have a thousand above it, and each twin thousands of names.
    """
    if type(contents) is Lineage and count * len(contents.generations) > len(contents):
        return contents.merged()
    return contents


def lineage(own: Mapping[str, T], inherited: Iterable[Mapping[str, T]]) -> Mapping[str, T]:
    """Joins the contents of an interface's parents, as this function gave them, and its own."""
    generations: dict[int, Mapping[str, T]] = {}
    for contents in (*inherited, own):
        for generation in contents.generations if isinstance(contents, Lineage) else (contents,):
            if generation:
                generations[id(generation)] = generation
    if len(generations) == 1:
        return next(iter(generations.values()))
    return Lineage(generations.values()) if generations else own
