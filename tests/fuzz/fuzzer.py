"""Fuzzes one target with atheris, which follows what of the code an input reaches.

`python -m tests.fuzz.fuzzer MODULE NAME …`: the module that has the target, and its name; the rest is for libFuzzer.
"""

import random
import sys
from importlib import import_module

import atheris

from .target import Target


def main(module: str, name: str, *words: str) -> None:
    with atheris.instrument_imports(include=["localtwins", "twinfront_server"]):
        targets: list[Target] = import_module(module).TARGETS
    (target,) = (target for target in targets if target.name == name)

    def mutated(data: bytes, most: int, seed: int) -> bytes:
        """Changes an input, and keeps the line that chooses who reads it."""
        chance = random.Random(seed)
        head, _, rest = data.partition(b"\n")
        if head not in target.heads or chance.random() < 0.05:
            head = chance.choice(target.heads)
        changed: bytes = atheris.Mutate(rest, max(most - len(head) - 1, 1))
        return head + b"\n" + changed

    own = {"custom_mutator": mutated} if target.heads else {}
    atheris.Setup([sys.argv[0], *words], target.read, **own)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
