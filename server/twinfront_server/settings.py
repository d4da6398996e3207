"""The settings of the server: each has a flag, an environment variable, a default and one line of help, all of it here.

The flag is the field's name with dashes (`--drain-grace`), the variable the name in capitals (`TWINFRONT_DRAIN_GRACE`).
A flag goes before a variable, a variable before the default. The page of settings is made from `describe()`.
"""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Self, get_args, get_origin
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator
from pydantic.config import JsonDict
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from twinfront_server.address import Address
from twinfront_server.errors import StartupError

ENV_PREFIX: Final = "TWINFRONT_"

_OF_OTHER_COMMANDS: Final = frozenset({"TWINFRONT_ADDRESS", "TWINFRONT_TOKEN"})

_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION: Final = re.compile(r"(?P<number>\d+(\.\d+)?)(?P<unit>ms|s|m|h)?")


def parse_duration(value: object) -> object:
    """Seconds of `30`, `1.5s`, `250ms`, `5m` or `1h`; what is no text is left to the caller's type check.

    Raises:
        ValueError: if the text is no duration.
    """
    if not isinstance(value, str):
        return value
    match = _DURATION.fullmatch(value.strip())
    if match is None:
        raise ValueError(f"{value!r} is no duration; it takes forms such as 30s, 250ms or 5m")
    return float(match["number"]) * _UNITS[match["unit"] or "s"]


def _address(value: str) -> str:
    return str(Address.parse(value))


def _address_or_none(value: str) -> str:
    return value if value == "none" else _address(value)


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


Seconds = Annotated[float, BeforeValidator(parse_duration), Field(ge=0, allow_inf_nan=False)]
PositiveSeconds = Annotated[float, BeforeValidator(parse_duration), Field(gt=0, allow_inf_nan=False)]
ListenAddress = Annotated[str, AfterValidator(_address)]
OptionalListenAddress = Annotated[str, AfterValidator(_address_or_none)]
UpstreamName = Annotated[str, AfterValidator(_upstream)]

SERVING, LIMITS, UPSTREAM, LOGGING = "serving", "limits", "upstream", "logging"
"""The groups, in the order in which help and docs list them."""


def _setting(default: Any, group: str, text: str, *, takes: str = "", secret: bool = False) -> Any:
    """A field: its default, group, line of help, and the word that help has for its value."""
    extra: JsonDict = {"group": group, "takes": takes}
    return Field(default=default, description=text, repr=not secret, json_schema_extra=extra)


class Settings(BaseSettings):
    """Holds the settings of `twinfront serve`. Durations are seconds, sizes are bytes."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_ignore_empty=True, extra="forbid", frozen=True, hide_input_in_errors=True
    )

    listen: ListenAddress = _setting(
        "127.0.0.1:50051", SERVING, "Address to serve gRPC on; port 0 takes a free one.", takes="HOST:PORT"
    )
    metrics_listen: OptionalListenAddress = _setting(
        "127.0.0.1:9464",
        SERVING,
        "Address to serve /metrics on, in the clear; 'none' for no metrics port.",
        takes="HOST:PORT",
    )
    insecure: bool = _setting(False, SERVING, "Allow --listen beyond loopback without TLS.")
    tls_cert: str | None = _setting(
        None, SERVING, "Certificate chain of the server, PEM; read anew when it changes.", takes="FILE"
    )
    tls_key: str | None = _setting(None, SERVING, "Private key of the server, PEM.", takes="FILE")
    tls_client_ca: str | None = _setting(
        None,
        SERVING,
        "Authorities whose client certificates are let in, PEM; callers without one are refused (mTLS).",
        takes="FILE",
    )
    reflection: bool = _setting(
        True, SERVING, "Serve gRPC reflection, which tools such as grpcurl ask for the contract."
    )
    health_interval: PositiveSeconds = _setting(5.0, SERVING, "Time between two looks at the upstream's health.")
    drain_delay: Seconds = _setting(
        0.0, SERVING, "On SIGTERM, time to go on serving as NOT_SERVING, for load balancers to notice."
    )
    drain_grace: Seconds = _setting(30.0, SERVING, "On SIGTERM, time for calls in flight to finish.")

    default_deadline: PositiveSeconds = _setting(
        60.0, LIMITS, "Deadline of a call whose caller gave none; not for streams."
    )
    max_deadline: PositiveSeconds = _setting(300.0, LIMITS, "Longest deadline that a caller can give; not for streams.")
    max_request_bytes: Annotated[int, Field(ge=1024, lt=2**31)] = _setting(4 << 20, LIMITS, "Largest request message.")
    max_response_bytes: Annotated[int, Field(ge=1024, lt=2**31)] = _setting(
        16 << 20, LIMITS, "Largest response message."
    )
    max_metadata_size: Annotated[int, Field(ge=8192, lt=2**24)] = _setting(
        32 << 10, LIMITS, "Largest metadata of a request in bytes, names included and 32 more for each entry."
    )
    max_connection_age: PositiveSeconds = _setting(
        300.0, LIMITS, "Age, give or take 10 %, at which a connection is asked to be made anew, so that load spreads."
    )
    max_connection_age_grace: PositiveSeconds = _setting(
        60.0, LIMITS, "Time for the calls on such an aged connection to finish."
    )
    max_unread_time: PositiveSeconds = _setting(
        60.0,
        LIMITS,
        "Longest time that a message of a stream waits for its caller to read on; then the stream is ended.",
    )

    max_stream_bytes: Annotated[int, Field(ge=1 << 20)] = _setting(
        256 << 20,
        LIMITS,
        "Memory for streams: 1 MB for each, 8 MB for an import. If it is used up, the one that has not been read for "
        "longest makes room, or a new one is refused.",
    )

    import_concurrency: Annotated[int, Field(ge=1, le=1000)] = _setting(
        16, LIMITS, "Most writes of one ImportGraph stream that are under way at a time; fewer while it is throttled."
    )
    batch_concurrency: Annotated[int, Field(ge=1, le=1000)] = _setting(
        16, LIMITS, "Most reads or writes of one batch, or deletions of one detaching delete, under way at a time."
    )

    upstream: UpstreamName = _setting(
        "local",
        UPSTREAM,
        "'local' for the embedded service, or the URL of an Azure Digital Twins instance.",
        takes="URL",
    )
    data_dir: Annotated[str, Field(min_length=1)] = _setting(
        "./twinfront-data",
        UPSTREAM,
        "Folder of the embedded service's data, or ':memory:' to keep nothing.",
        takes="FOLDER",
    )
    jobs_storage: str | None = _setting(
        None,
        UPSTREAM,
        "Storage accounts and URLs whose blobs jobs of the embedded service may read and write, with commas between.",
        takes="URL,…",
    )
    sample: bool = _setting(False, UPSTREAM, "Load the sample building at start if the upstream is empty.")
    upstream_credential: Literal["default", "none"] = _setting(
        "default", UPSTREAM, "'default' for DefaultAzureCredential, 'none' for a localtwins that asks for no token."
    )
    upstream_ca: str | None = _setting(
        None, UPSTREAM, "Authorities to check the upstream's certificate against, PEM.", takes="FILE"
    )
    upstream_use_env_proxy: bool = _setting(
        False, UPSTREAM, "Reach the upstream through HTTPS_PROXY and .netrc; each request then costs a look-up."
    )
    upstream_timeout: PositiveSeconds = _setting(
        30.0, UPSTREAM, "Longest time of one request to the upstream, that for a connection (5s) aside."
    )
    max_upstream_answer_bytes: Annotated[int, Field(ge=1 << 20, lt=2**31)] = _setting(
        32 << 20, UPSTREAM, "Largest answer of the upstream, inflated; 1,000 digital twins of 32 KiB have room."
    )
    read_retries: Annotated[int, Field(ge=0, le=10)] = _setting(
        2, UPSTREAM, "How often a read that failed is sent again; writes never are."
    )
    page_token_key: Annotated[str, Field(min_length=16)] | None = _setting(
        None,
        UPSTREAM,
        "Secret that page tokens are sealed with, the same for all replicas; a random one per process without it.",
        secret=True,
        takes="TEXT",
    )

    log_format: Literal["auto", "console", "json"] = _setting(
        "auto", LOGGING, "'json' for one object a line, 'console' for people, 'auto' for console on a terminal."
    )
    log_level: Literal["debug", "info", "warning", "error"] = _setting("info", LOGGING, "Least level that is logged.")

    greeting: bool = _setting(
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


def load_settings(flags: Mapping[str, object]) -> Settings:
    """The settings: given flags (by field name), before environment variables, before defaults.

    Raises:
        StartupError: if one of them is not sound; the text names its flag and variable.
    """
    try:
        return Settings(**dict(flags))  # type: ignore[arg-type]  # checked right there
    except ValidationError as error:
        raise StartupError("; ".join(_explained(problem) for problem in error.errors())) from error


def _explained(problem: Any) -> str:
    text = problem["msg"].removeprefix("Value error, ")
    if not problem["loc"]:
        return str(text)
    name = str(problem["loc"][0])
    return f"{flag(name)} ({variable(name)}): {text}"


def flag(name: str) -> str:
    """The flag of a field."""
    return "--" + name.replace("_", "-")


def variable(name: str) -> str:
    """The environment variable of a field."""
    return ENV_PREFIX + name.upper()


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """One line for each variable that looks like a setting and is none, with the one that was probably meant."""
    known = {variable(name) for name in Settings.model_fields} | _OF_OTHER_COMMANDS
    lines = []
    for name in sorted(environ):
        if name.upper().startswith(ENV_PREFIX) and name.upper() not in known:
            close = difflib.get_close_matches(name.upper(), known, n=1)
            lines.append(f"{name} is no setting of the server" + (f"; did you mean {close[0]}?" if close else ""))
    return lines


@dataclass(frozen=True, slots=True)
class Description:
    """One setting, for help and docs.

    Attributes:
        name: the field's name.
        default: as it would be written on the command line; empty for none.
        takes: what kind of value, as help writes it: FILE, TIME, N; empty for switches.
        choices: the words it takes, if it takes only some.
        is_switch: whether it is on or off.
        group: `serving`, `limits`, `upstream` or `logging`.
        help: one line.
    """

    name: str
    flag: str
    variable: str
    default: str
    takes: str
    choices: tuple[str, ...]
    is_switch: bool
    group: str
    help: str


def describe() -> list[Description]:
    """All settings, in the order of the class."""
    return [_description(name, field) for name, field in Settings.model_fields.items()]


_TAKES: Final = {float: "TIME", int: "N"}


def _description(name: str, field: FieldInfo) -> Description:
    is_choice = get_origin(field.annotation) is Literal
    extra = field.json_schema_extra
    assert isinstance(extra, dict)  # noqa: S101  (_setting put it there)
    return Description(
        name=name,
        flag=flag(name),
        variable=variable(name),
        default=_written(field),
        takes=str(extra["takes"]) or _TAKES.get(type(field.default), ""),
        choices=get_args(field.annotation) if is_choice else (),
        is_switch=field.annotation is bool,
        group=str(extra["group"]),
        help=field.description or "",
    )


def _written(field: FieldInfo) -> str:
    match field.default:
        case None:
            return ""
        case bool():
            return "on" if field.default else "off"
        case float():
            return f"{field.default:g}s"
        case default:
            return str(default)
