"""The settings of `twinfront serve`, each declared once; see `twinfront_program.settings`."""

from typing import Annotated, ClassVar, Final, Literal
from urllib.parse import urlsplit

from twinfront_program.address import Address, UnixSocket, parse_place
from twinfront_program.durations import PositiveSeconds, Seconds
from twinfront_program.log_options import LogFormat, LogLevel
from twinfront_program.settings import Listed, ListenAddress, ProgramSettings, listed, setting
from twinfront_program.trusted_url import is_trusted
from twinfront_program.values import of_length, within
from twinfront_server.setting_types import (
    Audiences,
    Auth,
    AuthorizerUrl,
    ChangesUrl,
    ClaimName,
    Exemptions,
    FileMode,
    HeaderNames,
    KeyPlace,
    ListenPlace,
    OptionalListenAddress,
    OutcomesName,
    Rate,
    UpstreamName,
)

SERVING, ACCESS, LIMITS, UPSTREAM, REPLICAS, LOGGING = (
    "serving",
    "access",
    "limits",
    "upstream",
    "replicas",
    "logging",
)
"""The groups, in the order in which help and docs list them."""


_AZURE_HOSTS: Final = (".digitaltwins.azure.net", ".digitaltwins.azure.us")
"""How the host names of instances of Azure Digital Twins end: in Azure, and in Azure Government."""


class Settings(ProgramSettings):
    """Holds the settings of `twinfront serve`. Durations are seconds, sizes are bytes."""

    prefix = "TWINFRONT_"
    of_others: ClassVar = frozenset({"address", "token"})

    listen: ListenPlace = setting(
        "127.0.0.1:50051",
        SERVING,
        "Address to serve gRPC on; port 0 takes a free one, and unix:PATH is a Unix socket.",
        takes="HOST:PORT|unix:PATH",
    )
    socket_mode: FileMode = setting(
        "0600",
        SERVING,
        "Rights of the Unix socket of --listen, octal: whoever may write to it may connect.",
        takes="MODE",
    )
    engine: Literal["grpcio", "native"] = setting(
        "grpcio",
        SERVING,
        "What speaks gRPC: 'grpcio', or 'native' in Rust, an extra, for callers that are trusted or behind a proxy: "
        "without TLS and --max-connection-age, see docs/performance.md.",
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

    auth: Auth = setting(
        "none",
        ACCESS,
        "How callers are known: 'jwt' by a token, 'mtls' by a certificate, both (repeatable, or with commas between) "
        "by either; 'none' lets everybody in, and beyond loopback it has to be said.",
        takes="KINDS",
    )
    mtls_listen: ListenAddress | None = setting(
        None,
        ACCESS,
        "Second address to serve gRPC on, for callers with certificates, where --auth has both kinds: a port asks all "
        "of its callers for one, or none.",
        takes="HOST:PORT",
    )
    jwt_issuer: str | None = setting(
        None, ACCESS, "Issuer of the tokens, letter by letter as in their claim 'iss'.", takes="URL"
    )
    jwt_audience: Audiences = setting(
        None,
        ACCESS,
        "Audience that tokens have to be for, as in their claim 'aud'; repeatable, or with commas between: any one.",
        takes="NAME",
    )
    jwt_jwks: KeyPlace | None = setting(
        None,
        ACCESS,
        "Keys of the issuer (a JSON Web Key Set): a URL or a file, read anew every 5 minutes; without it where "
        "the issuer's discovery document says.",
        takes="URL|FILE",
    )
    jwt_principal_claim: ClaimName = setting("sub", ACCESS, "Claim of a token that names the caller.", takes="NAME")
    jwt_roles_claim: ClaimName = setting(
        "roles", ACCESS, "Claim with the caller's roles; of nested ones 'realm_access.roles'.", takes="NAME"
    )
    jwt_groups_claim: ClaimName = setting(
        "groups", ACCESS, "Claim with the groups that the caller is in.", takes="NAME"
    )
    policy: Annotated[str, of_length(1)] | None = setting(
        None,
        ACCESS,
        "Policy that says who may do what, YAML; followed when it changes. Without it the roles of callers decide.",
        takes="FILE",
    )
    authorize: AuthorizerUrl | None = setting(
        None,
        ACCESS,
        "Policy system to ask besides about each call: a service that decides for Envoy (ext_authz), such as Open "
        "Policy Agent; grpcs:// with TLS.",
        takes="URL",
    )
    authorize_ca: Annotated[str, of_length(1)] | None = setting(
        None,
        ACCESS,
        "Authorities to check the certificate of a grpcs:// one against, PEM; without it those that gRPC has.",
        takes="FILE",
    )
    authorize_timeout: PositiveSeconds = setting(
        0.5, ACCESS, "Longest time that it has for an answer; a call without one is refused."
    )
    authorize_cache: Seconds = setting(
        10.0,
        ACCESS,
        "How long what it decided holds, be it yes or no, for the same caller, RPC and resource; 0 to ask anew.",
    )
    authorize_headers: HeaderNames = setting(
        None,
        ACCESS,
        "Metadata of calls to show it, by key; repeatable, or with commas between. 'authorization' shows it tokens.",
        takes="NAME",
    )
    auth_exempt: Exemptions = setting(
        "metrics",
        ACCESS,
        "What is served without credentials beside health: 'reflection', 'metrics', both (repeatable, or with commas "
        "between), or 'none'.",
        takes="NAMES",
    )

    default_deadline: PositiveSeconds = setting(
        60.0, LIMITS, "Deadline of a call whose caller gave none; not for streams."
    )
    max_deadline: PositiveSeconds = setting(300.0, LIMITS, "Longest deadline that a caller can give; not for streams.")
    max_request_bytes: Annotated[int, within(ge=1024, lt=2**31)] = setting(4 << 20, LIMITS, "Largest request message.")
    max_response_bytes: Annotated[int, within(ge=1024, lt=2**31)] = setting(
        16 << 20, LIMITS, "Largest response message."
    )
    max_metadata_size: Annotated[int, within(ge=8192, lt=2**24)] = setting(
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
    max_stream_bytes: Annotated[int, within(ge=1 << 20)] = setting(
        256 << 20,
        LIMITS,
        "Memory for streams: 1 MB for each, 8 MB for an import. If it is used up, the one that has not been read for "
        "longest makes room, or a new one is refused.",
    )

    max_calls_in_flight: Annotated[int, within(ge=1)] = setting(
        8000, LIMITS, "Most calls in flight, streams and those that wait for their turn included."
    )
    max_calls_per_caller: Annotated[int, within(ge=1)] = setting(
        4000,
        LIMITS,
        "Most calls in flight of one caller: a principal, or without authentication all that come from one host.",
    )
    max_calls_per_connection: Annotated[int, within(ge=1, lt=2**31)] = setting(
        100,
        LIMITS,
        "Most calls in flight on one connection, streams included; more wait at the client. A busy server takes the "
        "calls of all connections in their order, so this is what one connection can put before others.",
    )
    max_streams_per_caller: Annotated[int, within(ge=1)] = setting(
        128, LIMITS, "Most streams of one caller among these."
    )
    max_calls_at_work: Annotated[int | None, within(ge=2)] = setting(
        None,
        LIMITS,
        "Calls that are worked on at a time, streams aside; the others wait, and callers take turns. Without it 32 for "
        "the embedded service, which is busy with these, and 128 for Azure, which they wait for.",
    )
    caller_call_rate: Rate = setting(0.0, LIMITS, "Calls a second that one caller may make; 0 for any number.")
    caller_query_rate: Rate = setting(
        0.0, LIMITS, "Query units a second that the queries of one caller may be charged; 0 for any number."
    )
    caller_burst: PositiveSeconds = setting(
        1.0, LIMITS, "Time for which a caller that was quiet may use both rates at once."
    )

    import_concurrency: Annotated[int, within(ge=1, le=1000)] = setting(
        16, LIMITS, "Most writes of one ImportGraph stream that are under way at a time; fewer while it is throttled."
    )
    batch_concurrency: Annotated[int, within(ge=1, le=1000)] = setting(
        16, LIMITS, "Most reads or writes of one batch, or deletions of one detaching delete, under way at a time."
    )

    upstream: UpstreamName = setting(
        "local",
        UPSTREAM,
        "'local' for the embedded service, or the URL of an Azure Digital Twins instance.",
        takes="URL",
    )
    data_dir: Annotated[str, of_length(1)] = setting(
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
    upstream_credential: Literal["default", "on-behalf-of", "none"] = setting(
        "default",
        UPSTREAM,
        "'default' for DefaultAzureCredential; 'on-behalf-of' for the identity of whoever calls, whose token is "
        "exchanged; 'none' for a localtwins that asks for no token.",
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
    max_upstream_answer_bytes: Annotated[int, within(ge=1 << 20, lt=2**31)] = setting(
        32 << 20, UPSTREAM, "Largest answer of the upstream, inflated; 1,000 digital twins of 32 KiB have room."
    )
    read_retries: Annotated[int, within(ge=0, le=10)] = setting(
        2, UPSTREAM, "How often a read that failed is sent again; writes never are."
    )
    upstream_failures: Annotated[int, within(ge=0)] = setting(
        20,
        UPSTREAM,
        "Failed requests in a row after which none is sent but the probe of health, until it is answered; 0 for never.",
    )
    shape_writes: Literal["auto", "on", "off"] = setting(
        "auto",
        UPSTREAM,
        "Have writes wait for their turn rather than exceed the three rates below: 'auto' for Azure Digital Twins "
        "itself, whose limits they are, and not for the embedded service or a localtwins.",
    )
    twin_write_rate: Rate = setting(
        10.0, UPSTREAM, "Writes a second to one twin, those to its relationships included; 0 for any number."
    )
    patch_rate: Rate = setting(
        1000.0, UPSTREAM, "Patches of twins and relationships a second, this replica's share; 0 for any number."
    )
    create_delete_rate: Rate = setting(
        500.0,
        UPSTREAM,
        "Twins and relationships created, replaced and deleted a second, this replica's share; 0 for any number.",
    )
    changes: ChangesUrl | None = setting(
        None,
        UPSTREAM,
        "Where changes of Azure Digital Twins are followed for Watch: the Event Hub or Kafka topic that its event "
        "routes feed, eventhub://NAMESPACE.servicebus.windows.net/HUB[?consumer_group=NAME], "
        "kafka://HOST:PORT[,HOST:PORT]/TOPIC, or kafkas:// over TLS. The embedded service and a localtwins need none.",
        takes="URL",
    )
    changes_user: Annotated[str, of_length(1)] | None = setting(
        None,
        UPSTREAM,
        "User of a Kafka that asks for one (SASL PLAIN); $ConnectionString for the Kafka endpoint of an Event Hub.",
        takes="NAME",
    )
    changes_secret: Annotated[str, of_length(1)] | None = setting(
        None,
        UPSTREAM,
        "Password of that user, or the connection string of an Event Hub, which without one is asked with "
        "DefaultAzureCredential.",
        secret=True,
        takes="TEXT",
    )
    changes_secret_file: Annotated[str, of_length(1)] | None = setting(
        None, UPSTREAM, "File with that secret, in place of --changes-secret.", takes="FILE"
    )
    changes_ca: Annotated[str, of_length(1)] | None = setting(
        None, UPSTREAM, "Authorities to check certificates of --changes against, PEM.", takes="FILE"
    )
    page_token_key: Annotated[str, of_length(16)] | None = setting(
        None,
        REPLICAS,
        "Secret that page and resume tokens are sealed with, the same for all replicas; a random one per process "
        "without it.",
        secret=True,
        takes="TEXT",
    )
    outcomes: OutcomesName = setting(
        "memory",
        REPLICAS,
        "Where outcomes of writes with a request_id are kept: 'memory' of this process, or the URL of a Redis or "
        "Valkey that all replicas share.",
        secret=True,
        takes="URL",
    )
    outcomes_ca: str | None = setting(
        None, REPLICAS, "Authorities to check the certificate of a rediss:// URL against, PEM.", takes="FILE"
    )
    outcomes_cert: str | None = setting(
        None, REPLICAS, "Certificate chain to show to such a Redis, PEM; needs --outcomes-key.", takes="FILE"
    )
    outcomes_key: str | None = setting(None, REPLICAS, "Private key to that certificate, PEM.", takes="FILE")
    outcomes_timeout: PositiveSeconds = setting(
        0.1, REPLICAS, "Longest time that a write waits for Redis at a time; then it goes on without."
    )

    log_format: LogFormat = setting(
        "auto", LOGGING, "'json' for one object a line, 'console' for people, 'auto' for console on a terminal."
    )
    log_level: LogLevel = setting("info", LOGGING, "Least level that is logged.")

    access_log_ids: bool = setting(
        False, LOGGING, "Name twins, relationships and models in the line of a call; ids may be personal data."
    )
    audit_log: Annotated[str, of_length(1)] = setting(
        "none",
        LOGGING,
        "Where a line of JSON goes for each write, with who, what and the etags: 'stdout', a file, or 'none'.",
        takes="FILE",
    )

    greeting: bool = setting(
        True, LOGGING, "Print where the server is, and lines to try next, on stdout; off where stdout is a log."
    )

    @property
    def shapes_writes(self) -> bool:
        """Tells whether writes keep within the rates of `twin_write_rate` and what follows it."""
        return self.is_azure if self.shape_writes == "auto" else self.shape_writes == "on"

    @property
    def is_azure(self) -> bool:
        """Tells whether the upstream is an instance of Azure Digital Twins itself, by its name."""
        return (urlsplit(self.upstream).hostname or "").endswith(_AZURE_HOSTS)

    @property
    def auth_kinds(self) -> frozenset[str]:
        """Gives how callers are known."""
        return frozenset(listed(self.auth))

    @property
    def auth_exemptions(self) -> frozenset[str]:
        """Gives what is served to callers whom nobody knows."""
        return frozenset(listed(self.auth_exempt))

    def warnings(self) -> list[str]:
        """Gives what somebody should know of who runs the server with these settings."""
        told = []
        if self.upstream == "local" and not parse_place(self.listen).is_loopback:
            told.append(
                f"--listen {self.listen} serves other machines from the embedded service (--upstream local): its data "
                "is this process's alone, and replicas share none of it"
            )
        if self.upstream != "local" and self.page_token_key is None:
            told.append(
                "page and resume tokens of this process are refused by every other one, and by this server after a "
                "restart; give all replicas the same --page-token-key"
            )
        scheme, _, authorizer = (self.authorize or "").partition("://")
        if scheme == "grpc" and not Address.parse(authorizer).is_loopback:
            told.append(
                f"--authorize {self.authorize} is asked in the clear: who is on the way there can allow anything; take "
                "grpcs://, or a network that sees to it"
            )
        if self.engine == "native" and not parse_place(self.listen).is_loopback:
            told.append(
                "--engine native inflates a request and holds it whole before it looks at --max-request-bytes, and one "
                "of 4 MB can become 4 GB: let in callers that are trusted, or those of a proxy that bounds requests "
                "and refuses compressed ones"
            )
        unused = sorted({"twin_write_rate", "patch_rate", "create_delete_rate"} & self.given)
        if unused and not self.shapes_writes:
            flags = ", ".join(f"--{name.replace('_', '-')}" for name in unused)
            told.append(f"{flags}: no effect in front of this upstream without --shape-writes on")
        if "socket_mode" in self.given and not isinstance(parse_place(self.listen), UnixSocket):
            told.append("--socket-mode: no effect without --listen unix:PATH")
        return told

    def _check_together(self) -> None:
        if (self.tls_cert is None) != (self.tls_key is None):
            given, missing = ("--tls-cert", "--tls-key") if self.tls_cert else ("--tls-key", "--tls-cert")
            raise ValueError(f"{given} needs {missing}")
        if self.tls_client_ca is not None and self.tls_cert is None:
            raise ValueError("--tls-client-ca needs --tls-cert and --tls-key")
        self._require_able_engine()
        self._require_known_callers()
        if (self.outcomes_cert is None) != (self.outcomes_key is None):
            given, missing = ("cert", "key") if self.outcomes_cert else ("key", "cert")
            raise ValueError(f"--outcomes-{given} needs --outcomes-{missing}")
        if (self.outcomes_ca or self.outcomes_cert) and not self.outcomes.startswith("rediss:"):
            raise ValueError("--outcomes-ca and --outcomes-cert need --outcomes rediss://…")
        if self.policy is not None and self.auth_kinds == {"none"}:
            raise ValueError("--policy needs --auth jwt or mtls: without it nobody is known")
        self._require_authorizer()
        self._require_way_to_changes()
        if self.default_deadline > self.max_deadline:
            raise ValueError("--default-deadline is longer than --max-deadline")
        if self.upstream.startswith("http:") and self.upstream_credential != "none":
            raise ValueError("--upstream needs https:// to send a token; without one give --upstream-credential none")
        if self.upstream_credential == "on-behalf-of":
            self._require_tokens_to_exchange()

    def _require_able_engine(self) -> None:
        """Checks that nothing is asked of the engine that it cannot do.

        Raises:
            ValueError: it cannot.
        """
        if self.engine == "grpcio":
            return
        if self.tls_cert is not None:
            raise ValueError("--engine native has no TLS: leave --tls-cert to --engine grpcio, or to a proxy in front")
        for name in ("max_connection_age", "max_connection_age_grace"):
            if name in self.given:
                flag = f"--{name.replace('_', '-')}"
                raise ValueError(f"--engine native ends no connection for its age: {flag} is for --engine grpcio")

    def _require_way_to_changes(self) -> None:
        """Checks that what is said of the source of changes fits it.

        Raises:
            ValueError: it does not.
        """
        scheme = (self.changes or "").partition(":")[0]
        of_it = {
            name for name in ("user", "secret", "secret_file", "ca") if getattr(self, f"changes_{name}") is not None
        }
        if of_it and not scheme:
            raise ValueError(f"--changes-{min(of_it).replace('_', '-')} needs --changes")
        if {"secret", "secret_file"} <= of_it:
            raise ValueError("--changes-secret and --changes-secret-file are the same in two places: give one")
        if "user" in of_it and scheme == "eventhub":
            raise ValueError("--changes-user is for kafka://… and kafkas://…: an Event Hub knows no users")
        if scheme.startswith("kafka") and ("user" in of_it) != bool(of_it & {"secret", "secret_file"}):
            raise ValueError("--changes-user and --changes-secret, or --changes-secret-file, need each other")
        if "ca" in of_it and scheme == "kafka":
            raise ValueError("--changes-ca needs --changes kafkas://… or eventhub://…")
        if scheme and self.upstream_credential == "on-behalf-of":
            raise ValueError(
                "--changes would show all changes to every caller, also what Azure Digital Twins does not let him see: "
                "leave it with --upstream-credential on-behalf-of"
            )

    def _require_authorizer(self) -> None:
        """Checks that whoever is to decide about callers knows who they are.

        Raises:
            ValueError: it does not, or there is none where something is said of it.
        """
        if self.authorize is not None and self.auth_kinds == {"none"}:
            raise ValueError("--authorize needs --auth jwt or mtls: without it nobody is known")
        if self.authorize_ca is not None and not (self.authorize or "").startswith("grpcs:"):
            raise ValueError("--authorize-ca needs --authorize grpcs://…")
        if self.authorize_headers is not None and self.authorize is None:
            raise ValueError("--authorize-headers needs --authorize")

    def _require_tokens_to_exchange(self) -> None:
        """Checks that every caller has a token, and that nothing is asked of the upstream in the name of nobody.

        Raises:
            ValueError: it is not so.
        """
        if self.upstream == "local":
            raise ValueError("--upstream-credential on-behalf-of needs --upstream with the URL of an instance")
        if self.auth_kinds != {"jwt"}:
            raise ValueError("--upstream-credential on-behalf-of needs --auth jwt alone: it exchanges callers' tokens")
        if self.sample:
            raise ValueError("--sample is loaded in nobody's name, which --upstream-credential on-behalf-of rules out")

    def _require_known_callers(self) -> None:
        """Checks that whoever other machines are asks a caller who it is, or was told not to.

        Raises:
            ValueError: it does not, or lacks what it needs for it.
        """
        kinds = self.auth_kinds
        if not parse_place(self.listen).is_loopback:
            if self.tls_cert is None and not self.insecure:
                raise ValueError(
                    f"--listen {self.listen} would serve other machines in the clear: "
                    "give --tls-cert and --tls-key, or allow it with --insecure"
                )
            if "auth" not in self.given and self.tls_client_ca is None:
                raise ValueError(
                    f"--listen {self.listen} would serve whoever reaches it: say with --auth how callers are known, or "
                    "allow it with --auth none"
                )
        if "jwt" in kinds:
            for flag, value in (("--jwt-issuer", self.jwt_issuer), ("--jwt-audience", self.jwt_audience)):
                if not value:
                    raise ValueError(f"--auth jwt needs {flag}")
            if self.jwt_jwks is None and not is_trusted(self.jwt_issuer or ""):
                raise ValueError("--jwt-issuer is no https:// URL, from which to learn of its keys: give --jwt-jwks")
        elif self.jwt_issuer or self.jwt_audience or self.jwt_jwks:
            raise ValueError("--jwt-issuer, --jwt-audience and --jwt-jwks are for --auth jwt, which is missing")
        if "mtls" in kinds and self.tls_client_ca is None:
            raise ValueError("--auth mtls needs --tls-client-ca")
        if (kinds == {"jwt", "mtls"}) != (self.mtls_listen is not None):
            raise ValueError("--auth jwt,mtls and --mtls-listen need each other")
        if "jwt" not in kinds and "none" not in kinds and "metrics" not in self.auth_exemptions:
            raise ValueError(
                "--auth-exempt has to have 'metrics' without --auth jwt: its port asks for no certificates"
            )
