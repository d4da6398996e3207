"""The settings of `localtwins`, each declared once; see `twinfront_program.settings`.

The defaults of most `max_` settings, and of the `rate_` settings, are the limits that Azure Digital Twins documents.
"""

import re
from functools import cached_property
from typing import Annotated, Any, Final, Literal

import orjson

from localtwins.allowed_storage import AllowedStorage
from localtwins.engine.validation import ValueLimits
from localtwins.events.endpoints import check_target
from localtwins.faults import parse_faults
from localtwins.query.properties import check_indexable
from twinfront_program.address import Address, as_ip
from twinfront_program.durations import PositiveSeconds, Seconds
from twinfront_program.log_options import LogFormat, LogLevel
from twinfront_program.settings import REPEATABLE, Listed, ListenAddress, ProgramSettings, listed, setting
from twinfront_program.values import After, Before, of_length, within

_HOST_NAME: Final = re.compile(r"(?:\*\.)?[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63}){0,20}")
"""The form of host names, and the wildcard that a certificate may begin with."""
_LONGEST_HOST_NAME: Final = 253


def _checked_host_names(value: str | None) -> str | None:
    for name in listed(value):
        if as_ip(name) is None and (len(name) > _LONGEST_HOST_NAME or not _HOST_NAME.fullmatch(name)):
            raise ValueError(f"{name!r} is no host name and no address")
    return value


def _checked_index_properties(value: str | None) -> str | None:
    for dotted in listed(value):
        check_indexable(dotted)
    return value


def _checked_jobs_storage(value: str | None) -> str | None:
    AllowedStorage.parse(listed(value))
    return value


def _checked_faults(value: str | None) -> str | None:
    parse_faults(value or "")
    return value


def _read_endpoints(value: Any) -> Any:
    """Reads the JSON object of a variable, or the NAME=TARGET of each flag."""
    if isinstance(value, str):
        try:
            return orjson.loads(value)
        except ValueError:
            raise ValueError("endpoints in the environment are a JSON object of targets by name") from None
    if not isinstance(value, list):
        return value
    endpoints: dict[str, str] = {}
    for item in value:
        name, equals, target = str(item).partition("=")
        if not equals or not name or name in endpoints:
            raise ValueError(f"an endpoint is NAME=TARGET, each name once, and not {item!r}")
        endpoints[name] = target
    return endpoints


def _checked_endpoints(value: dict[str, str] | None) -> dict[str, str] | None:
    for name, target in (value or {}).items():
        try:
            check_target(target)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
    return value


Endpoints = Annotated[dict[str, str] | None, Before(_read_endpoints), After(_checked_endpoints), REPEATABLE]
Rate = Annotated[float, within(gt=0)]
Amount = Annotated[int, within(gt=0)]
AmountOrNone = Annotated[int, within(ge=0)]

SERVING, IDENTITY, QUERIES, JOBS = "serving", "managed identity", "queries", "jobs"
EVENTS, FAULTS, RATES, LIMITS, LOGGING = "events", "faults on demand", "rate limits", "limits", "logging"
"""The groups, in the order in which help and docs list them."""


class Settings(ProgramSettings):
    """Holds the settings of a service. Durations are seconds, sizes are bytes."""

    prefix = "LOCALTWINS_"

    listen: ListenAddress = setting(
        "127.0.0.1:8443", SERVING, "Address to serve on; port 0 takes a free one.", takes="HOST:PORT"
    )
    data_dir: str = setting(
        "./localtwins-data", SERVING, "Folder of the database, or ':memory:' to keep nothing.", takes="FOLDER"
    )
    http: bool = setting(False, SERVING, "Serve plain HTTP instead of HTTPS.")
    tls_cert: str | None = setting(
        None, SERVING, "Certificate chain of your own, PEM, in place of the one that is made.", takes="FILE"
    )
    tls_key: str | None = setting(None, SERVING, "Private key of --tls-cert, PEM.", takes="FILE")
    tls_name: Annotated[Listed, After(_checked_host_names)] = setting(
        None,
        SERVING,
        "Host name or address that the generated certificate has besides those of this machine and that of --listen; "
        "repeatable, or with commas between.",
        takes="HOST",
    )
    shutdown_seconds: Seconds = setting(10.0, SERVING, "On SIGTERM, time for running requests to finish.")

    identity: ListenAddress | None = setting(
        None,
        IDENTITY,
        "Address to hand out tokens on, as the managed identity of the programs on this machine.",
        takes="HOST:PORT",
    )
    insecure_identity: bool = setting(False, IDENTITY, "Let other machines reach --identity, in the clear.")
    env_file: str | None = setting(
        None,
        IDENTITY,
        "File to write the environment variables to that --identity prints, for a shell to source.",
        takes="FILE",
    )

    index_property: Annotated[Listed, After(_checked_index_properties)] = setting(
        None,
        QUERIES,
        "Property of twins such as Temperature or thermostat.setpoint that gets an index, so that queries that compare "
        "it with values need not read every twin; repeatable, or with commas between.",
        takes="PATH",
    )
    query_lag: Seconds = setting(0.0, QUERIES, "Time by which queries see writes later than others do.")
    max_query_seconds: PositiveSeconds = setting(60.0, QUERIES, "Longest time of one query.")

    jobs_dir: str | None = setting(
        None, JOBS, "Folder whose files jobs may read and write as file: blobs; none by default.", takes="FOLDER"
    )
    jobs_storage: Annotated[Listed, After(_checked_jobs_storage)] = setting(
        None,
        JOBS,
        "Storage account such as mygraphs, or URL such as https://mygraphs.blob.core.windows.net/in, whose blobs jobs "
        "may read and write; repeatable, or with commas between; none by default.",
        takes="URL",
    )
    storage_connection_string: str | None = setting(
        None, JOBS, "Connection string with the key for the account in --jobs-storage.", secret=True
    )
    max_import_models: AmountOrNone = setting(10_000, JOBS, "Most models in one import job.")
    max_import_twins: AmountOrNone = setting(2_000_000, JOBS, "Most digital twins in one import job.")
    max_import_relationships: AmountOrNone = setting(10_000_000, JOBS, "Most relationships in one import job.")

    event_source: Annotated[str, of_length(1)] = setting("localtwins", EVENTS, "Source of events: the instance's name.")
    endpoint: Endpoints = setting(
        None,
        EVENTS,
        "Where event routes deliver to: a file, the URL of a webhook, or a Kafka topic; repeatable, in the environment "
        "a JSON object.",
        takes="NAME=TARGET",
        secret=True,  # the URL of a webhook may have a key in it
    )
    max_event_routes: AmountOrNone = setting(6, EVENTS, "Most event routes in the instance.")
    max_changes: Amount = setting(100_000, EVENTS, "Most changes that the log keeps.")
    max_change_bytes: Amount = setting(
        256 * 1024 * 1024, EVENTS, "Largest size of the changes that the log keeps, as JSON."
    )
    max_change_age: PositiveSeconds | None = setting(
        None, EVENTS, "Age at which changes leave the log with the next writes; none by default.", takes="TIME"
    )

    inject: Annotated[Listed, After(_checked_faults)] = setting(
        None,
        FAULTS,
        "Faults on demand: latency=20ms-2s, error=503, throttle=5, lost, each with :on=OPERATION+OPERATION, :rate=0.1, "
        ":count=3; repeatable, or with commas between.",
        takes="FAULT",
    )
    inject_seed: int | None = setting(
        None, FAULTS, "Number that makes the chances of injected faults the same each time."
    )

    rate_limits: bool = setting(False, RATES, "Answer 429 beyond the rates that follow.")
    rate_models: Rate = setting(100.0, RATES, "Requests a second for models.")
    rate_reads: Rate = setting(1_000.0, RATES, "Reads of twins and relationships a second.")
    rate_patches: Rate = setting(1_000.0, RATES, "Patches of twins and relationships a second.")
    rate_creates_and_deletes: Rate = setting(
        500.0, RATES, "Twins and relationships created, replaced and deleted a second."
    )
    rate_twin_writes: Rate = setting(10.0, RATES, "Changes a second of one twin and its relationships.")
    rate_queries: Rate = setting(500.0, RATES, "Queries a second.")
    rate_query_units: Rate = setting(4_000.0, RATES, "Query units, the query-charge, a second.")
    rate_event_routes: Rate = setting(100.0, RATES, "Requests a second for event routes.")
    rate_jobs: Rate = setting(1.0, RATES, "Requests a second for jobs.")

    max_request_bytes: Amount = setting(30_000_000, LIMITS, "Largest request body that is read.")
    max_twins: AmountOrNone = setting(2_000_000, LIMITS, "Most digital twins in the instance.")
    max_twin_bytes: Amount = setting(32 * 1024, LIMITS, "Largest size of a digital twin as JSON.")
    max_string_bytes: Amount = setting(4 * 1024, LIMITS, "Largest size of a string value of a property.")
    max_name_bytes: Amount = setting(1024, LIMITS, "Largest size of a name inside a property's value.")
    max_models: AmountOrNone = setting(10_000, LIMITS, "Most models in the instance.")
    max_models_per_request: Amount = setting(250, LIMITS, "Most models created by one request.")
    max_model_bytes: Amount = setting(1024 * 1024, LIMITS, "Largest size of a model as JSON.")
    max_relationships: AmountOrNone = setting(20_000_000, LIMITS, "Most relationships in the instance.")
    max_outgoing_relationships: AmountOrNone = setting(50_000, LIMITS, "Most relationships that leave one twin.")
    max_incoming_relationships: AmountOrNone = setting(50_000, LIMITS, "Most relationships that reach one twin.")

    log_requests: Literal["none", "refused", "all"] = setting("refused", LOGGING, "Which requests are logged.")
    log_format: LogFormat = setting(
        "auto", LOGGING, "'json' for one object a line, 'console' for people, 'auto' for console on a terminal."
    )
    log_level: LogLevel = setting("info", LOGGING, "Least level that is logged; requests are of level info.")

    def _check_together(self) -> None:
        if (self.tls_cert is None) != (self.tls_key is None):
            given, missing = ("--tls-cert", "--tls-key") if self.tls_cert else ("--tls-key", "--tls-cert")
            raise ValueError(f"{given} needs {missing}")
        if self.tls_cert is not None and self.tls_name is not None:
            raise ValueError("--tls-name is for the certificate that is made without --tls-cert")
        if self.http and (self.tls_cert is not None or self.tls_name is not None):
            raise ValueError(f"{'--tls-cert' if self.tls_cert else '--tls-name'} is for HTTPS, which --http turns off")
        if self.identity is None:
            if self.env_file is not None:
                raise ValueError("--env-file is for the variables of --identity, which is missing")
            if self.insecure_identity:
                raise ValueError("--insecure-identity is for --identity, which is missing")
        else:
            self._check_identity(Address.parse(self.identity))
        if self.storage_connection_string is not None and self.jobs_storage is None:
            raise ValueError("--storage-connection-string is for an account in --jobs-storage, which is missing")

    def _check_identity(self, address: Address) -> None:
        if self.http:
            raise ValueError("--identity needs HTTPS: the SDKs send no token over plain HTTP")
        if not address.is_loopback and not self.insecure_identity:
            raise ValueError(
                f"--identity {address} lets other machines ask for tokens, in the clear; choose an address that only "
                "this machine reaches, such as 127.0.0.1:8444, or add --insecure-identity"
            )

    @cached_property
    def value_limits(self) -> ValueLimits:
        """Gives the limits inside property values."""
        return ValueLimits(self.max_string_bytes, self.max_name_bytes)

    @property
    def endpoints(self) -> dict[str, str]:
        """Gives the targets of events by endpoint name."""
        return self.endpoint or {}

    @property
    def index_properties(self) -> frozenset[str]:
        """Gives the dotted paths of the properties of twins that have an index."""
        return frozenset(listed(self.index_property))

    @cached_property
    def allowed_storage(self) -> AllowedStorage:
        """Gives the storage whose blobs jobs may use."""
        return AllowedStorage.parse(listed(self.jobs_storage))

    @property
    def tls_names(self) -> list[str]:
        """Gives the names that the generated certificate has besides those that it has anyway."""
        return listed(self.tls_name)
