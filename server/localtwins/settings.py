"""Every setting in one place: its flag, environment variable, default and line of help.

A field `max_twins` is the flag `--max-twins` and the environment variable `LOCALTWINS_MAX_TWINS`. The defaults of the
`max_` settings but the first are the limits that Azure Digital Twins documents.
"""

from functools import cached_property

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from localtwins.engine.validation import ValueLimits


class Settings(BaseSettings):
    """How a service behaves; read from the environment where nothing is given."""

    model_config = SettingsConfigDict(env_prefix="LOCALTWINS_", frozen=True, extra="forbid")

    listen: str = Field(default="127.0.0.1:8443", description="host:port to serve on; port 0 takes any free port")
    data_dir: str = Field(default="./localtwins-data", description="directory of the database; :memory: keeps nothing")
    http: bool = Field(default=False, description="serve plain HTTP instead of HTTPS")
    tls_cert: str | None = Field(default=None, description="PEM file of your own certificate chain, with --tls-key")
    tls_key: str | None = Field(default=None, description="PEM file of the private key of --tls-cert")
    shutdown_seconds: float = Field(default=10, ge=0, description="how long running requests may go on after SIGTERM")

    max_request_bytes: int = Field(default=30_000_000, gt=0, description="largest request body that is read")
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

    @cached_property
    def value_limits(self) -> ValueLimits:
        """The limits inside property values."""
        return ValueLimits(self.max_string_bytes, self.max_name_bytes)
