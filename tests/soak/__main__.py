"""Runs the servers under a mixed load for a while, with faults and restarts: `make soak`.

The report is printed, and written to `build/soak.json`.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.interop.building import Builds
from tests.interop.languages import PYTHON

from .soaking import soak

BUILD: Final = Path(__file__).parents[2] / "build"


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=900.0)
    parser.add_argument("--seed", type=int, default=1, help="of what happens when")
    parser.add_argument("--python-only", action="store_true", help="leave out the clients that have to be built")
    arguments = parser.parse_args(words)
    with TemporaryDirectory() as folder:
        languages = [PYTHON] if arguments.python_only else Builds(Path(folder)).all_that_succeed()
    report = soak(arguments.seconds, arguments.seed, languages)
    BUILD.mkdir(exist_ok=True)
    (BUILD / "soak.json").write_text(json.dumps(report.as_json(), indent=2))
    print(report.table())
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
