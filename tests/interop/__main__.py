"""`python -m tests.interop`: builds every client whose tools are there, and prints the matrix for each way to serve."""

import sys
import tempfile
from pathlib import Path

from .languages import LANGUAGES
from .matrix import run_all, table
from .serving import MODES


def main() -> int:
    """Returns 1 if any client does anything else than expected, or than the others."""
    failed = False
    languages = []
    for language in LANGUAGES:
        missing = language.missing_tools()
        if missing:
            print(f"{language.name} is left out: {', '.join(missing)} not installed")
            continue
        language.build()
        languages.append(language)
    with tempfile.TemporaryDirectory() as folder:
        for mode in MODES:
            problems = run_all(languages, mode, Path(folder) / mode)
            print(f"\n== {mode}\n{table(problems)}")
            for (language_name, scenario), found in problems.items():
                for problem in found:
                    failed = True
                    print(f"{language_name}, {scenario}, {problem}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
