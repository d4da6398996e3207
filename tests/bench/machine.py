"""The machine and the programs that figures belong to."""

import os
import platform
import sqlite3
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Final

_PACKAGES: Final = (
    "grpcio",
    "pygrpc-native",
    "protobuf",
    "azure-digitaltwins-core",
    "aiohttp",
    "uvloop",
    "orjson",
    "fastapi",
    "uvicorn",
)


def describe() -> dict[str, str]:
    """Tells what it is."""
    packages = {name: version for name in _PACKAGES if (version := _version(name))}
    return {
        "processor": f"{os.cpu_count()} of {_processor()}",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / (1 << 30):.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "Python": f"{platform.python_version()} ({platform.python_compiler()})",
        "SQLite": sqlite3.sqlite_version,
        **packages,
    }


def busy() -> float:
    """Tells how many processes ran or waited for a processor in the last minute."""
    return os.getloadavg()[0]


def commit() -> str:
    """Tells which commit is measured; empty outside a checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
