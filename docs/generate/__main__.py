"""The command."""

import sys

from docs.generate.pages import filled_in, pages
from docs.generate.protos import ROOT


def main() -> int:
    """Writes the pages, or only looks whether they are as they would be written."""
    stale = [path for path in pages() if path.read_text() != filled_in(path.read_text())]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is stale: run make docs", file=sys.stderr)  # noqa: T201
        return 1 if stale else 0
    for path in stale:
        path.write_text(filled_in(path.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
