"""Every setting in one place: its flag, environment variable, default and line of help.

A field `max_twins` is the flag `--max-twins` and the environment variable `LOCALTWINS_MAX_TWINS`. The defaults of the
`max_` settings but the first two, and of the `rate_` settings, are the limits that Azure Digital Twins documents.
"""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from localtwins.address import as_ip
from localtwins.durations import Seconds
from localtwins.engine.validation import ValueLimits
from localtwins.errors import StartupError
from localtwins.events.endpoints import check_target
from localtwins.faults import parse_faults
from localtwins.jobs.allowed_storage import AllowedStorage
from localtwins.query.properties import check_indexable

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

REPEATABLE: Final = frozenset({"endpoint", "index_property", "inject", "jobs_storage", "tls_name"})
"""The settings whose flags can be given several times."""

_HOST_NAME: Final = re.compile(r"(?:\*\.)?[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63}){0,20}")
"""The form of host names, and the wildcard that a certificate may begin with."""
_LONGEST_HOST_NAME: Final = 253


class Settings(BaseSettings):
    """Holds every setting of a service, read from the environment where nothing is given."""

    model_config = SettingsConfigDict(env_prefix="LOCALTWINS_", frozen=True, extra="forbid")

    listen: str = Field(default="127.0.0.1:8443", description="host:port to serve on; port 0 takes any free port")
    data_dir: str = Field(default="./localtwins-data", description="directory of the database; :memory: keeps nothing")
    http: bool = Field(default=False, description="serve plain HTTP instead of HTTPS")
    tls_cert: str | None = Field(default=None, description="PEM file of your own certificate chain, with --tls-key")
    tls_key: str | None = Field(default=None, description="PEM file of the private key of --tls-cert")
    tls_name: str | None = Field(
        default=None,
        description="host name or address that the generated certificate has besides those of this machine and that of "
        "--listen; repeatable, or with commas between",
    )
    identity: str | None = Field(
        default=None,
        description="host:port to hand out tokens on, as the managed identity of the programs on this machine",
    )
    insecure_identity: bool = Field(default=False, description="let other machines reach --identity, in the clear")
    env_file: str | None = Field(
        default=None,
        description="file to write the environment variables to that --identity prints, for a shell to source",
    )
    log_requests: Literal["none", "refused", "all"] = Field(
        default="refused", description="which requests get a line on standard error: none, those refused, or all"
    )
    shutdown_seconds: Seconds = Field(default=10, ge=0, description="how long running requests may go on after SIGTERM")

    index_property: str | None = Field(
        default=None,
        description="property of twins such as Temperature or thermostat.setpoint that gets an index, so that queries "
        "that compare it with values need not read every twin; repeatable, or with commas between",
    )
    query_lag: Seconds = Field(default=0, ge=0, description="how much later queries see writes than others do")

    jobs_dir: str | None = Field(
        default=None, description="directory whose files jobs may read and write as file: blobs; none by default"
    )
    jobs_storage: str | None = Field(
        default=None,
        description="storage account such as mygraphs, or URL such as https://mygraphs.blob.core.windows.net/in, whose "
        "blobs jobs may read and write; repeatable, or with commas between; none by default",
    )
    storage_connection_string: str | None = Field(
        default=None, repr=False, description="connection string with the key for the account in --jobs-storage"
    )

    event_source: str = Field(default="localtwins", min_length=1, description="source of events: the instance's name")
    endpoint: dict[str, str] | None = Field(
        default=None,
        description="NAME=file:PATH or NAME=URL of a webhook, where event routes deliver to; repeatable, "
        "in the environment a JSON object",
    )
    inject: str | None = Field(
        default=None,
        description="faults on demand: latency=20ms-2s, error=503, throttle=5, lost, each with "
        ":on=OPERATION+OPERATION, :rate=0.1, :count=3; repeatable, or with commas between",
    )
    inject_seed: int | None = Field(default=None, description="makes the chances of injected faults the same each time")
    rate_limits: bool = Field(default=False, description="answer 429 beyond the rates that follow")
    rate_models: float = Field(default=100, gt=0, description="requests a second for models")
    rate_reads: float = Field(default=1_000, gt=0, description="reads of twins and relationships a second")
    rate_patches: float = Field(default=1_000, gt=0, description="patches of twins and relationships a second")
    rate_creates_and_deletes: float = Field(
        default=500, gt=0, description="twins and relationships created, replaced and deleted a second"
    )
    rate_twin_writes: float = Field(default=10, gt=0, description="changes a second of one twin and its relationships")
    rate_queries: float = Field(default=500, gt=0, description="queries a second")
    rate_query_units: float = Field(default=4_000, gt=0, description="query units, the query-charge, a second")
    rate_event_routes: float = Field(default=100, gt=0, description="requests a second for event routes")
    rate_jobs: float = Field(default=1, gt=0, description="requests a second for jobs")

    max_request_bytes: int = Field(default=30_000_000, gt=0, description="largest request body that is read")
    max_changes: int = Field(default=100_000, gt=0, description="changes that the log keeps for event routes")
    max_change_bytes: int = Field(
        default=256 * 1024 * 1024, gt=0, description="size of the changes that the log keeps, as JSON"
    )
    max_twins: int = Field(default=2_000_000, ge=0, description="digital twins in the instance")
    max_twin_bytes: int = Field(default=32 * 1024, gt=0, description="size of a digital twin as JSON")
    max_string_bytes: int = Field(default=4 * 1024, gt=0, description="size of a string value of a property")
    max_name_bytes: int = Field(default=1024, gt=0, description="size of a name inside a property's value")
    max_models: int = Field(default=10_000, ge=0, description="models in the instance")
    max_models_per_request: int = Field(default=250, gt=0, description="models created by one request")
    max_model_bytes: int = Field(default=1024 * 1024, gt=0, description="size of a model as JSON")
    max_relationships: int = Field(default=20_000_000, ge=0, description="relationships in the instance")
    max_outgoing_relationships: int = Field(default=50_000, ge=0, description="relationships that leave one twin")
    max_incoming_relationships: int = Field(default=50_000, ge=0, description="relationships that reach one twin")
    max_event_routes: int = Field(default=6, ge=0, description="event routes in the instance")
    max_query_seconds: Seconds = Field(default=60, gt=0, description="how long one query may run")
    max_import_models: int = Field(default=10_000, ge=0, description="models in one import job")
    max_import_twins: int = Field(default=2_000_000, ge=0, description="digital twins in one import job")
    max_import_relationships: int = Field(default=10_000_000, ge=0, description="relationships in one import job")

    @cached_property
    def value_limits(self) -> ValueLimits:
        """Gives the limits inside property values."""
        return ValueLimits(self.max_string_bytes, self.max_name_bytes)

    @property
    def endpoints(self) -> dict[str, str]:
        """Gives the targets of events by endpoint name."""
        return self.endpoint or {}

    @field_validator("endpoint", mode="before")
    @classmethod
    def _read_endpoints(cls, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        endpoints: dict[str, str] = {}
        for item in value:
            name, equals, target = str(item).partition("=")
            if not equals or not name or name in endpoints:
                raise ValueError(f"an endpoint is NAME=TARGET, each name once, and not {item!r}")
            endpoints[name] = target
        return endpoints

    @field_validator("endpoint")
    @classmethod
    def _check_endpoints(cls, value: dict[str, str] | None) -> dict[str, str] | None:
        for name, target in (value or {}).items():
            try:
                check_target(target)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from error
        return value

    @property
    def index_properties(self) -> frozenset[str]:
        """Gives the dotted paths of the properties of twins that have an index."""
        return frozenset(_listed(self.index_property))

    @field_validator("index_property")
    @classmethod
    def _check_index_properties(cls, value: str | None) -> str | None:
        for dotted in _listed(value):
            check_indexable(dotted)
        return value

    @cached_property
    def allowed_storage(self) -> AllowedStorage:
        """Gives the storage whose blobs jobs may use."""
        return AllowedStorage.parse(_listed(self.jobs_storage))

    @field_validator("jobs_storage")
    @classmethod
    def _check_jobs_storage(cls, value: str | None) -> str | None:
        AllowedStorage.parse(_listed(value))
        return value

    @property
    def tls_names(self) -> list[str]:
        """Gives the names that the generated certificate has besides those that it has anyway."""
        return _listed(self.tls_name)

    @field_validator("tls_name")
    @classmethod
    def _check_tls_names(cls, value: str | None) -> str | None:
        for name in _listed(value):
            if as_ip(name) is None and (len(name) > _LONGEST_HOST_NAME or not _HOST_NAME.fullmatch(name)):
                raise ValueError(f"{name!r} is no host name and no address")
        return value

    @field_validator("index_property", "inject", "jobs_storage", "tls_name", mode="before")
    @classmethod
    def _read_list(cls, value: Any) -> Any:
        return ",".join(map(str, value)) if isinstance(value, list) else value

    @field_validator("inject")
    @classmethod
    def _check_faults(cls, value: str | None) -> str | None:
        parse_faults(value or "")
        return value


def read_settings(given: Mapping[str, Any]) -> Settings:
    """Gives the settings: those that are given, the others from the environment.

    Raises:
        StartupError: tells which of them are wrong, and how.
    """
    try:
        return Settings(**given)
    except ValidationError as error:
        raise StartupError("; ".join(_told(problem, given) for problem in error.errors())) from None


def _told(problem: "ErrorDetails", given: Mapping[str, Any]) -> str:
    name = "_".join(map(str, problem["loc"]))
    place = f"--{name.replace('_', '-')}" if name in given or not name else f"LOCALTWINS_{name.upper()}"
    return f"{place} {problem['input']!r}: {problem['msg']}"


def _listed(value: str | None) -> list[str]:
    """Gives the items of a list with commas between."""
    return [item.strip() for item in value.split(",")] if value else []
