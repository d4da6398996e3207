"""The upstream: Azure Digital Twins, or localtwins in its place, always through the official SDK.

`Upstream` offers one method for each operation; what goes wrong comes out as a `TwinfrontError`. Nothing beyond this
package knows which upstream answers.
"""

from twinfront_server.adt.answer import Answer, Page
from twinfront_server.upstream.client import Upstream
from twinfront_server.upstream.opening import open_upstream

__all__ = ["Answer", "Page", "Upstream", "open_upstream"]
