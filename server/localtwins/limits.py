"""Limits of a request, checked before any work is done on it.

Azure Digital Twins documents limits on what is stored, which are settings. Those here are our own: so generous that no
use of the service meets them, and small enough that no single request holds the others up or fills the memory.
"""

from typing import Final

TWIN_BODY_BYTES: Final = 4 << 20
"""Body that writes a twin, a component or a relationship: 128 times what a twin may have."""

OTHER_BODY_BYTES: Final = 1 << 20
"""Body of any other request but an upload of models, which may have `--max-request-bytes`."""

MODEL_VALUES: Final = 1_000_000
"""Values and names in the JSON of an upload of models; in any other body they are as many as a twin may have bytes."""

NESTING: Final = 100
"""Levels of objects and arrays in JSON."""

PATCH_OPERATIONS: Final = 10_000
"""Operations of a patch."""

PATCH_PATH_LENGTH: Final = 16_384
"""Characters in the path of a patch's operation."""

PATH_LENGTH: Final = 16_384
"""Characters in the path of a URL; over HTTP the whole line has to fit into 8,190 bytes."""

QUERY_LENGTH: Final = 65_536
"""Characters behind the question mark of a URL."""

QUERY_PARAMETERS: Final = 1_000
"""Parameters in a URL, such as `dependenciesFor`."""

HEADER_LENGTH: Final = 8_190
"""Characters in a header field."""

CHANGES: Final = 500
"""Changes, or items, in one answer about the log of changes."""

WAIT_SECONDS: Final = 60
"""How long a request waits for changes."""

WAITING_REQUESTS: Final = 1_000
"""How many of them do so at once."""

BLOB_URI_LENGTH: Final = 8_192
"""Characters in the URI of a blob that a job is to use."""

PAGE_BYTES: Final = 8 << 20
"""JSON in a page of a query or of models with their definitions: 256 twins, or 8 models, of the largest size."""

PROBLEMS: Final = 100
"""Problems of a request that are told one by one; the others are counted."""

MESSAGE_LENGTH: Final = 8_192
"""Characters in a message of an error; what is longer is cut in the middle."""
