"""`python -m localtwins`."""

import sys

from localtwins.cli import main

sys.exit(main())
