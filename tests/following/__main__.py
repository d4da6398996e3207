"""Has watchers follow a graph that is written to at random, at fronts that are killed, drained and cut off.

`make following` has 200,000 changes; the report is printed, and written to `build/following.json`.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from .following import Plan, follow

BUILD: Final = Path(__file__).parents[2] / "build"


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.following", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1, help="of what is written and what happens")
    parser.add_argument("--writes", type=int, default=240_000, help="how many; some of them change nothing")
    parser.add_argument("--watchers", type=int, default=100)
    parser.add_argument("--every", type=float, default=10.0, help="seconds between two things that happen")
    parser.add_argument("--max-changes", type=int, default=20_000, help="how many the log keeps")
    parser.add_argument("--delete-jobs", type=int, default=2, help="how often everything is deleted")
    parser.add_argument("--embedded", action="store_true", help="one front with the service in its process")
    report = follow(Plan(**vars(parser.parse_args(words))))
    BUILD.mkdir(exist_ok=True)
    (BUILD / "following.json").write_text(json.dumps(report.as_json(), indent=2))
    print(report.table())
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
