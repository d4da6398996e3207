"""Where tests keep what they fetch and build: beside the user's other caches, for the runs of every checkout."""

import os
from pathlib import Path

CACHES = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "twinfront-tests"
