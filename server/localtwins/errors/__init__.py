"""The service's error catalogue: every code and message it answers with, by what it is about.

The docstring of each entry says when the service answers so. Messages that recordings of Azure Digital Twins show are
exact, odd spaces and dots included; they are marked `recorded`. The others carry the code that the service's REST
reference documents, in words of our own.
"""

from localtwins.errors.changes import *  # noqa: F403  (one catalogue for those who raise)
from localtwins.errors.digital_twins import *  # noqa: F403  (as above)
from localtwins.errors.event_routes import *  # noqa: F403  (as above)
from localtwins.errors.exceptions import *  # noqa: F403  (as above)
from localtwins.errors.jobs import *  # noqa: F403  (as above)
from localtwins.errors.models import *  # noqa: F403  (as above)
from localtwins.errors.relationships import *  # noqa: F403  (as above)
from localtwins.errors.requests import *  # noqa: F403  (as above)
from localtwins.errors.service import *  # noqa: F403  (as above)
