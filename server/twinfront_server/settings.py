"""The settings of `twinfront serve`, each declared once; see `twinfront_program.settings`."""

from typing import Annotated, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from twinfront_program.address import Address
from twinfront_program.durations import PositiveSeconds, Seconds
from twinfront_program.log_options import LogFormat, LogLevel
from twinfront_program.settings import Listed, ListenAddress, ProgramSettings, setting


def _address_or_none(value: str) -> str:
    return value if value == "none" else str(Address.parse(value))


def _upstream(value: str) -> str:
    if value == "local":
        return value
    if "@" in value:
        # Not repeated here: it may be a password.
        raise ValueError("the URL has credentials in it, which it must not; see --upstream-credential")
    try:
        url = urlsplit(value)
        sound = url.scheme in {"http", "https"} and bool(url.hostname)
    except ValueError:
        sound = False
    if not sound:
        raise ValueError(f"{value!r} is neither 'local' nor the URL of an Azure Digital Twins instance (https://…)")
    return value.rstrip("/")


OptionalListenAddress = Annotated[str, AfterValidator(_address_or_none)]
UpstreamName = Annotated[str, AfterValidator(_upstream)]

SERVING, LIMITS, UPSTREAM, LOGGING = "serving", "limits", "upstream", "logging"
"""The groups, in the order in which help and docs list them."""


class Settings(ProgramSettings):
    """Holds the settings of `twinfront serve`. Durations are seconds, sizes are bytes."""

    prefix = "TWINFRONT_"
    of_others: ClassVar = frozenset({"address", "token"})

    listen: ListenAddress = setting(
        "127.0.0.1:50051", SERVING, "Address to serve gRPC on; port 0 takes a free one.", takes="HOST:PORT"
    )
    metrics_listen: OptionalListenAddress = setting(
        "127.0.0.1:9464",
        SERVING,
        "Address to serve /metrics, /livez and /readyz on, in the clear; 'none' for no such port.",
        takes="HOST:PORT",
    )
    insecure: bool = setting(False, SERVING, "Allow --listen beyond loopback without TLS.")
    tls_cert: str | None = setting(
        None, SERVING, "Certificate chain of the server, PEM; read anew when it changes.", takes="FILE"
    )
    tls_key: str | None = setting(None, SERVING, "Private key of the server, PEM.", takes="FILE")
    tls_client_ca: str | None = setting(
        None,
        SERVING,
        "Authorities whose client certificates are let in, PEM; callers without one are refused (mTLS).",
        takes="FILE",
    )
    reflection: bool = setting(
        True, SERVING, "Serve gRPC reflection, which tools such as grpcurl ask for the contract."
    )
    health_interval: PositiveSeconds = setting(5.0, SERVING, "Time between two looks at the upstream's health.")
    drain_delay: Seconds = setting(
        0.0, SERVING, "On SIGTERM, time to go on serving as NOT_SERVING, for load balancers to notice."
    )
    drain_grace: Seconds = setting(30.0, SERVING, "On SIGTERM, time for calls in flight to finish.")

    default_deadline: PositiveSeconds = setting(
        60.0, LIMITS, "Deadline of a call whose caller gave none; not for streams."
    )
    max_deadline: PositiveSeconds = setting(300.0, LIMITS, "Longest deadline that a caller can give; not for streams.")
    max_request_bytes: Annotated[int, Field(ge=1024, lt=2**31)] = setting(4 << 20, LIMITS, "Largest request message.")
    max_response_bytes: Annotated[int, Field(ge=1024, lt=2**31)] = setting(
        16 << 20, LIMITS, "Largest response message."
    )
    max_metadata_size: Annotated[int, Field(ge=8192, lt=2**24)] = setting(
        32 << 10, LIMITS, "Largest metadata of a request in bytes, names included and 32 more for each entry."
    )
    max_connection_age: PositiveSeconds = setting(
        300.0, LIMITS, "Age, give or take 10 %, at which a connection is asked to be made anew, so that load spreads."
    )
    max_connection_age_grace: PositiveSeconds = setting(
        60.0, LIMITS, "Time for the calls on such an aged connection to finish."
    )
    max_unread_time: PositiveSeconds = setting(
        60.0,
        LIMITS,
        "Longest time that a message of a stream waits for its caller to read on; then the stream is ended.",
    )

    max_stall_time: PositiveSeconds = setting(
        5.0,
        LIMITS,
        "Longest time that the event loop may be held up; then the stack of what holds it is logged, and /livez fails.",
    )
    max_stream_bytes: Annotated[int, Field(ge=1 << 20)] = setting(
        256 << 20,
        LIMITS,
        "Memory for streams: 1 MB for each, 8 MB for an import. If it is used up, the one that has not been read for "
        "longest makes room, or a new one is refused.",
    )

    import_concurrency: Annotated[int, Field(ge=1, le=1000)] = setting(
        16, LIMITS, "Most writes of one ImportGraph stream that are under way at a time; fewer while it is throttled."
    )
    batch_concurrency: Annotated[int, Field(ge=1, le=1000)] = setting(
        16, LIMITS, "Most reads or writes of one batch, or deletions of one detaching delete, under way at a time."
    )

    upstream: UpstreamName = setting(
        "local",
        UPSTREAM,
        "'local' for the embedded service, or the URL of an Azure Digital Twins instance.",
        takes="URL",
    )
    data_dir: Annotated[str, Field(min_length=1)] = setting(
        "./twinfront-data",
        UPSTREAM,
        "Folder of the embedded service's data, or ':memory:' to keep nothing.",
        takes="FOLDER",
    )
    jobs_storage: Listed = setting(
        None,
        UPSTREAM,
        "Storage account or URL whose blobs jobs of the embedded service may read and write; repeatable, or with "
        "commas between.",
        takes="URL",
    )
    sample: bool = setting(False, UPSTREAM, "Load the sample building at start if the upstream is empty.")
    upstream_credential: Literal["default", "none"] = setting(
        "default", UPSTREAM, "'default' for DefaultAzureCredential, 'none' for a localtwins that asks for no token."
    )
    upstream_ca: str | None = setting(
        None, UPSTREAM, "Authorities to check the upstream's certificate against, PEM.", takes="FILE"
    )
    upstream_use_env_proxy: bool = setting(
        False, UPSTREAM, "Reach the upstream through HTTPS_PROXY and .netrc; each request then costs a look-up."
    )
    upstream_timeout: PositiveSeconds = setting(
        30.0, UPSTREAM, "Longest time of one request to the upstream, that for a connection (5s) aside."
    )
    max_upstream_answer_bytes: Annotated[int, Field(ge=1 << 20, lt=2**31)] = setting(
        32 << 20, UPSTREAM, "Largest answer of the upstream, inflated; 1,000 digital twins of 32 KiB have room."
    )
    read_retries: Annotated[int, Field(ge=0, le=10)] = setting(
        2, UPSTREAM, "How often a read that failed is sent again; writes never are."
    )
    page_token_key: Annotated[str, Field(min_length=16)] | None = setting(
        None,
        UPSTREAM,
        "Secret that page tokens are sealed with, the same for all replicas; a random one per process without it.",
        secret=True,
        takes="TEXT",
    )

    log_format: LogFormat = setting(
        "auto", LOGGING, "'json' for one object a line, 'console' for people, 'auto' for console on a terminal."
    )
    log_level: LogLevel = setting("info", LOGGING, "Least level that is logged.")

    greeting: bool = setting(
        True, LOGGING, "Print where the server is, and lines to try next, on stdout; off where stdout is a log."
    )

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            given, missing = ("--tls-cert", "--tls-key") if self.tls_cert else ("--tls-key", "--tls-cert")
            raise ValueError(f"{given} needs {missing}")
        if self.tls_client_ca is not None and self.tls_cert is None:
            raise ValueError("--tls-client-ca needs --tls-cert and --tls-key")
        if not self.insecure and self.tls_cert is None and not Address.parse(self.listen).is_loopback:
            raise ValueError(
                f"--listen {self.listen} would serve other machines in the clear: "
                "give --tls-cert and --tls-key, or allow it with --insecure"
            )
        if self.default_deadline > self.max_deadline:
            raise ValueError("--default-deadline is longer than --max-deadline")
        if self.upstream.startswith("http:") and self.upstream_credential != "none":
            raise ValueError("--upstream needs https:// to send a token; without one give --upstream-credential none")
        return self
