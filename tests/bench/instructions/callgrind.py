"""Speaks with callgrind from inside the program that runs in it: counts the instructions of some part of it.

A request to valgrind is a sequence of instructions that does nothing on a processor, and that valgrind recognises
(valgrind.h). It is for x86-64; outside valgrind nothing happens, and nothing is counted.
"""

import ctypes
import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_TOOL: Final = ord("C") << 24 | ord("T") << 16
_ZERO_STATS: Final = _TOOL + 1
_DUMP_STATS_AT: Final = _TOOL + 3
_START: Final = _TOOL + 4
_STOP: Final = _TOOL + 5

_REQUEST: Final = bytes.fromhex(
    "4889f8"  # mov rax, rdi: where the request is
    "31d2"  # xor edx, edx: the answer outside valgrind
    "48c1c703 48c1c70d 48c1c73d 48c1c733"  # rol rdi by 3, 13, 61, 51: all the way round
    "4887db"  # xchg rbx, rbx
    "4889d0"  # mov rax, rdx
    "c3"  # ret
)
_WORDS: Final = 6


class Callgrind:
    """The valgrind around this program."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        self._memory.write(_REQUEST)
        address = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        self._ask = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_void_p)(address)

    @contextmanager
    def counting(self, name: str) -> Iterator[None]:
        """Counts what happens inside the block, in all threads, and writes it to a file under that name."""
        self._send(_ZERO_STATS)
        self._send(_START)
        yield
        self._send(_STOP)
        text = ctypes.create_string_buffer(name.encode())
        self._send(_DUMP_STATS_AT, ctypes.addressof(text))

    def _send(self, request: int, argument: int = 0) -> None:
        words = (ctypes.c_uint64 * _WORDS)(request, argument)
        self._ask(ctypes.addressof(words))


def counts(folder: Path) -> dict[str, int]:
    """Gives the instructions of each part, by its name, out of the files that callgrind wrote to a folder."""
    found = {}
    for file in folder.iterdir():
        name = total = ""
        for line in file.read_text().splitlines():
            if line.startswith("desc: Trigger: Client Request: "):
                name = line.removeprefix("desc: Trigger: Client Request: ")
            elif line.startswith(("totals: ", "summary: ")):
                total = line.split()[1]
        if name:
            found[name] = int(total)
    return found
