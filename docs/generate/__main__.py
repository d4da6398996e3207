"""The command."""

import sys

from docs.generate.pages import files
from docs.generate.protos import ROOT


def main() -> int:
    """Writes the files, or only looks whether they are as they would be written."""
    old = {path: path.read_text() if path.exists() else "" for path in files()}
    made = {path: make(old[path]) for path, make in files().items()}
    stale = [path for path in made if old[path] != made[path]]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is stale: run make docs", file=sys.stderr)  # noqa: T201
        return 1 if stale else 0
    for path in stale:
        path.write_text(made[path])
    return 0


if __name__ == "__main__":
    sys.exit(main())
