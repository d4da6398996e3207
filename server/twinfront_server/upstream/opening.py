"""Opening the upstream that the settings name."""

from azure.core.settings import settings as azure_settings

from twinfront_server.audit import NO_AUDIT, Audit
from twinfront_server.metrics import Metrics
from twinfront_server.settings import Settings
from twinfront_server.tracing import NO_TRACING, Tracing
from twinfront_server.upstream.client import Upstream


async def open_upstream(
    settings: Settings, metrics: Metrics, tracing: Tracing = NO_TRACING, audit: Audit = NO_AUDIT
) -> Upstream:
    """Opens the upstream of the settings: the embedded service for `local`, else Azure Digital Twins at its URL.

    Args:
        settings: the server's settings.
        metrics: where each request to the upstream is measured.
        tracing: where each is traced.
        audit: where each write is taken down.

    Raises:
        StartupError: if the embedded service cannot open its data.
    """
    azure_settings.tracing_enabled = False
    if settings.upstream == "local":
        from twinfront_server.upstream.local import open_local  # noqa: PLC0415  (opened only where it is used)

        return await open_local(settings, metrics, tracing, audit)
    from twinfront_server.upstream.azure import open_azure  # noqa: PLC0415  (opened only where it is used)

    return await open_azure(settings, metrics, tracing, audit)
