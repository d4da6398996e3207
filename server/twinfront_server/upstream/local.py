"""The embedded service as upstream: the SDK over an in-process transport."""

from typing import Final

from localtwins.service import LocalTwins
from localtwins.settings import Settings as LocalSettings
from localtwins.transport import LocalTransport
from twinfront_program.log import get_logger
from twinfront_server.audit import Audit
from twinfront_server.metrics import Metrics
from twinfront_server.settings import Settings
from twinfront_server.tracing import Tracing
from twinfront_server.upstream.changes.local import LocalChanges
from twinfront_server.upstream.changes.opening import open_followed, open_log
from twinfront_server.upstream.client import Upstream
from twinfront_server.upstream.sdk.credential import NO_CREDENTIAL
from twinfront_server.upstream.sdk.policies import Policies
from twinfront_server.upstream.sdk.sdk_client import open_sdk_client
from twinfront_server.upstream.shaping import open_shaper

_ENDPOINT: Final = "https://localtwins"


async def open_local(settings: Settings, metrics: Metrics, tracing: Tracing, audit: Audit) -> Upstream:
    """Opens the embedded service on the data directory of the settings.

    Raises:
        StartupError: if the data cannot be opened, for example because another process has it, or if a variable of
            localtwins makes no sense.
    """
    log = open_log(settings) if settings.changes is not None else None
    given = {} if settings.jobs_storage is None else {"jobs_storage": settings.jobs_storage}
    for line in LocalSettings.unknown_variables():
        get_logger().warning(line)
    service = await LocalTwins.open(settings.data_dir, LocalSettings.load(given))
    policies = Policies(settings, metrics, tracing, {})
    sdk = open_sdk_client(_ENDPOINT, NO_CREDENTIAL, LocalTransport(service), policies)
    return Upstream(
        sdk,
        policies.dry_runs,
        policies.refused_writes,
        on_close=service.close,
        on_settled=metrics.settled_write,
        audit=audit,
        shaper=open_shaper(settings, metrics),
        changes=LocalChanges(service.changes) if log is None else open_followed(metrics, sdk, log),
    )
