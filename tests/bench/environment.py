"""Makes what is measured: the wheel, in an environment of its own, as `pip install` would have it."""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

CHECKOUT: Final = Path(__file__).resolve().parents[2]
ENVIRONMENT: Final = CHECKOUT / "build" / "bench" / "venv"
_EXTRAS: Final = "server,otel,redis,native,bench"


def main() -> None:
    """Builds the wheel, and installs it with what it is measured beside."""
    python = ENVIRONMENT / "bin" / "python"
    with TemporaryDirectory() as folder:
        _run("-m", "build", "--wheel", "--outdir", folder, str(CHECKOUT))
        (wheel,) = Path(folder).glob("*.whl")
        if not python.exists():
            _run("-m", "uv", "venv", "--quiet", "--python", sys.executable, str(ENVIRONMENT))
        wanted = f"twinfront[{_EXTRAS}] @ {wheel.as_uri()}"
        options = ("--quiet", "--compile-bytecode", "--reinstall-package", "twinfront")
        _run("-m", "uv", "pip", "install", *options, "--python", str(python), wanted)


def _run(*words: str) -> None:
    ended = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
    if ended.returncode:
        raise SystemExit(f"{' '.join(words)} failed:\n{ended.stdout}{ended.stderr}")


if __name__ == "__main__":
    main()
