"""The clients in all languages.

python -m tests.interop          builds those whose tools are there, runs them, prints a matrix for each way to serve
python -m tests.interop build    only builds and tests them
"""

import sys
import tempfile
from functools import partial
from pathlib import Path

from .kept_builds import runnable
from .languages import LANGUAGES, Language, left_out
from .matrix import RUNS, run_all, run_limited, run_odd, run_watching, table


def main() -> int:
    """Returns 1 if any client does anything else than expected, or than the others."""
    languages = build_all()
    return 0 if sys.argv[1:] == ["build"] else compare(languages)


def build_all() -> list[Language]:
    """Builds what can be built here, and says what is left out."""
    built = []
    for language in LANGUAGES:
        if reason := left_out(language):
            print(reason)
            continue
        print(f"{language.name}: building and testing", flush=True)
        built.append(runnable(language, anew=True))
    return built


def compare(languages: list[Language]) -> int:
    """Runs the clients side by side, and prints what came of it."""
    failed = False
    runs = {mode: partial(run_all, languages, mode) for mode in RUNS}
    runs |= {
        "odd server": partial(run_odd, languages),
        "limited caller": partial(run_limited, languages),
        "watching": partial(run_watching, languages),
    }
    for name, run in runs.items():
        with tempfile.TemporaryDirectory() as folder:
            problems = run(Path(folder))
        print(f"\n== {name}\n{table(problems)}", flush=True)
        for (language_name, scenario), found in problems.items():
            for problem in found:
                failed = True
                print(f"{language_name}, {scenario}, {problem}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
