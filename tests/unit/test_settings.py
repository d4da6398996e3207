"""Settings: flag before variable before default, each checked, each described."""

from typing import Any

import pytest

from twinfront_program.startup_error import StartupError
from twinfront_server.settings import Settings


def problem(**flags: object) -> str:
    with pytest.raises(StartupError) as refused:
        Settings.load(flags)
    return str(refused.value)


def test_the_defaults_are_sound() -> None:
    settings = Settings.load({})
    assert settings.listen == "127.0.0.1:50051"
    assert settings.metrics_listen == "127.0.0.1:9464"
    assert settings.upstream == "local"
    assert settings.data_dir == "./twinfront-data"
    assert settings.drain_grace == 30


def test_a_variable_goes_before_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWINFRONT_DRAIN_GRACE", "5m")
    assert Settings.load({}).drain_grace == 300


def test_a_flag_goes_before_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWINFRONT_DRAIN_GRACE", "5m")
    assert Settings.load({"drain_grace": "1s"}).drain_grace == 1


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWINFRONT_TLS_CERT", "")
    assert Settings.load({}).tls_cert is None


@pytest.mark.parametrize(
    ("text", "seconds"), [("30", 30), ("1.5s", 1.5), ("250ms", 0.25), ("5m", 300), ("1h", 3600), (" 2s ", 2)]
)
def test_durations_have_a_unit_or_are_seconds(text: str, seconds: float) -> None:
    assert Settings.load({"drain_grace": text}).drain_grace == seconds


@pytest.mark.parametrize("text", ["", "soon", "-1s", "1 s", "1d", "1e3", "inf", "nan", "1s1"])
def test_what_is_no_duration(text: str) -> None:
    assert "--drain-grace: " in problem(drain_grace=text)


@pytest.mark.parametrize("value", [-1.0, float("inf"), float("nan")])
def test_durations_are_finite_and_not_negative(value: float) -> None:
    assert "--drain-grace" in problem(drain_grace=value)


@pytest.mark.parametrize("name", ["default_deadline", "health_interval", "upstream_timeout", "max_connection_age"])
def test_some_durations_cannot_be_0(name: str) -> None:
    assert "greater than 0" in problem(**{name: "0"})


@pytest.mark.parametrize("address", ["localhost", "127.0.0.1:", ":50051", "127.0.0.1:65536", "::1:50051", "1.2.3.4:-1"])
def test_addresses_that_are_none(address: str) -> None:
    assert "--listen: " in problem(listen=address)


@pytest.mark.parametrize("address", ["127.0.0.1:0", "localhost:50051", "[::1]:50051", "127.8.8.8:1"])
def test_loopback_needs_no_tls(address: str) -> None:
    assert Settings.load({"listen": address}).listen == address


def test_beyond_loopback_in_the_clear_has_to_be_asked_for() -> None:
    assert "--insecure" in problem(listen="0.0.0.0:50051")
    assert Settings.load({"listen": "0.0.0.0:50051", "auth": "none", "insecure": "true"}).insecure
    assert Settings.load({"listen": "0.0.0.0:50051", "auth": "none", "tls_cert": "a", "tls_key": "b"}).tls_cert == "a"


TLS = {"tls_cert": "a", "tls_key": "b"}
MTLS = {**TLS, "tls_client_ca": "c"}
JWT = {"auth": "jwt", "jwt_issuer": "https://issuer.example", "jwt_audience": "twins"}


@pytest.mark.parametrize("also", [{"insecure": True}, TLS])
def test_beyond_loopback_it_has_to_be_said_how_callers_are_known(also: dict[str, object]) -> None:
    assert "--auth none" in problem(listen="0.0.0.0:50051", **also)
    for said in ({"auth": "none"}, JWT):
        assert Settings.load({"listen": "0.0.0.0:50051", **also, **said}).auth == said["auth"]


def test_a_variable_says_it_as_well_as_a_flag() -> None:
    flags = {"listen": "0.0.0.0:50051", "insecure": True}
    assert Settings.load(flags, {"TWINFRONT_AUTH": "none"}).auth == "none"


def test_who_lets_in_holders_of_certificates_alone_has_said_enough() -> None:
    assert Settings.load({"listen": "0.0.0.0:50051", **MTLS}).auth == "none"


@pytest.mark.parametrize("auth", ["jwt,mtls", "mtls,jwt", "jwt, mtls", ["jwt", "mtls"], ["mtls,jwt"]])
def test_both_ways_of_knowing_callers_can_be_given(auth: object) -> None:
    settings = Settings.load({**MTLS, **JWT, "auth": auth, "mtls_listen": "127.0.0.1:0"})
    assert settings.auth_kinds == {"jwt", "mtls"}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"auth": "basic"}, "--auth: 'basic' is none of jwt, mtls and none"),
        ({"auth": "none,jwt"}, "--auth: give one of jwt, mtls, several of them with commas between, or 'none' alone"),
        ({"auth": ""}, "--auth: give one of"),
        ({"auth": ","}, "--auth: '' is none of"),
        ({**JWT, "jwt_issuer": None}, "--auth jwt needs --jwt-issuer"),
        ({**JWT, "jwt_audience": None}, "--auth jwt needs --jwt-audience"),
        ({**JWT, "jwt_audience": ""}, "--auth jwt needs --jwt-audience"),
        ({**JWT, "jwt_audience": " , "}, "--jwt-audience: one of the audiences has no name"),
        ({**JWT, "jwt_audience": "twins,"}, "--jwt-audience: one of the audiences has no name"),
        ({**JWT, "jwt_jwks": "https://me:hunter2@keys.example/"}, "the URL has credentials in it"),
        ({**JWT, "jwt_issuer": "http://issuer.example"}, "--jwt-issuer is no https:// URL"),
        ({**JWT, "jwt_issuer": "issuer"}, "--jwt-issuer is no https:// URL"),
        ({**JWT, "jwt_jwks": "http://issuer.example/keys"}, "--jwt-jwks: 'http://issuer.example/keys' is neither"),
        ({**JWT, "jwt_jwks": "ftp://issuer.example/keys"}, "--jwt-jwks: 'ftp://issuer.example/keys' is neither"),
        ({**JWT, "jwt_jwks": "https://[/keys"}, "--jwt-jwks: 'https://[/keys' is neither"),
        ({**JWT, "jwt_principal_claim": ""}, "--jwt-principal-claim: "),
        ({"jwt_issuer": "https://issuer.example"}, "are for --auth jwt, which is missing"),
        ({"jwt_jwks": "keys.json", **MTLS, "auth": "mtls"}, "are for --auth jwt, which is missing"),
        ({"auth": "mtls"}, "--auth mtls needs --tls-client-ca"),
        ({"auth": "mtls", **TLS}, "--auth mtls needs --tls-client-ca"),
        ({**MTLS, **JWT, "auth": "jwt,mtls"}, "--auth jwt,mtls and --mtls-listen need each other"),
        ({**JWT, "mtls_listen": "127.0.0.1:0"}, "--auth jwt,mtls and --mtls-listen need each other"),
        ({**MTLS, "auth": "mtls", "auth_exempt": "none"}, "--auth-exempt has to have 'metrics' without --auth jwt"),
        ({"auth_exempt": "health"}, "--auth-exempt: 'health' is none of reflection, metrics and none"),
    ],
)
def test_what_is_said_of_callers_and_does_not_go_together_is_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(StartupError) as raised:
        Settings.load(given)
    assert told in str(raised.value)


@pytest.mark.parametrize("place", ["http://127.0.0.1:8080/keys", "http://[::1]/keys", "https://issuer.example", "keys"])
def test_keys_come_from_https_from_this_machine_or_from_a_file(place: str) -> None:
    assert Settings.load({**JWT, "jwt_issuer": "issuer", "jwt_jwks": place}).jwt_jwks == place


@pytest.mark.parametrize("url", ["adt.example", "ftp://adt.example", "https://", "", "https://[", "LOCAL"])
def test_upstreams_that_are_none(url: str) -> None:
    assert "--upstream: " in problem(upstream=url)


def test_an_upstream_in_the_clear_gets_no_token() -> None:
    assert "--upstream-credential none" in problem(upstream="http://127.0.0.1:8080")
    Settings.load({"upstream": "http://127.0.0.1:8080", "upstream_credential": "none"})


def test_the_default_deadline_is_within_the_maximum() -> None:
    assert "--default-deadline is longer than --max-deadline" in problem(default_deadline="10m")


def test_the_secret_is_not_in_dumps_nor_in_complaints() -> None:
    secret = "sixteen characters or more"
    assert secret not in repr(Settings.load({"page_token_key": secret}))
    assert "short" not in problem(page_token_key="short").replace("too short", "")


@pytest.mark.parametrize(
    "url", ["memory", "redis://cache", "redis://:p%40ss@cache:6380/3", "rediss://user:pass@[::1]:6380", "rediss://c/"]
)
def test_stores_of_outcomes(url: str) -> None:
    assert Settings.load({"outcomes": url}).outcomes == url


@pytest.mark.parametrize(
    "url",
    [
        "Memory",
        "cache:6379",
        "http://secret@cache",
        "redis://",
        "redis://:secret@",
        "redis://:secret@cache:port",
        "redis://:secret@cache/first",
        "redis://:secret@cache/٣",
        "redis://:secret@cache/0?ssl_cert_reqs=none",
        "redis://:secret#1@cache",
        "redis://[secret",
    ],
)
def test_stores_of_outcomes_that_are_none(url: str) -> None:
    told = problem(outcomes=url)
    assert told.startswith("--outcomes: is neither 'memory' nor the URL of a Redis")
    assert "secret" not in told


@pytest.mark.parametrize(
    "url",
    [
        "kafka://broker:9092/twins",
        "kafkas://one:9093,[::1]:9094/a.b_c-d",
        "eventhub://twins.servicebus.windows.net/twins",
        "eventhub://twins.servicebus.windows.net/twins?consumer_group=front",
    ],
)
def test_sources_of_changes(url: str) -> None:
    assert Settings.load({"changes": url}).changes == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "twins",
        "amqp://broker/twins",
        "kafka://broker/twins",
        "kafka://broker:9092",
        "kafka://broker:9092/",
        "kafka://broker:0/twins",
        "eventhub://twins.servicebus.windows.net",
        "eventhub://twins.servicebus.windows.net/",
        "eventhub:///twins",
        "eventhub://twins.servicebus.windows.net:5671/twins",
        "eventhub://twins.servicebus.windows.net/twins/more",
        "eventhub://twins.servicebus.windows.net/twins?group=front",
        "eventhub://twins.servicebus.windows.net/twins?consumer_group=",
        "eventhub://twins.servicebus.windows.net/twins?consumer_group=a&consumer_group=b",
        "eventhub://[::1/twins",
    ],
)
def test_sources_of_changes_that_are_none(url: str) -> None:
    assert problem(changes=url).startswith("--changes: ")


@pytest.mark.parametrize("url", ["kafka://user:hidden@broker:9092/twins", "eventhub://key:hidden@host/twins"])
def test_credentials_in_the_url_of_a_source_of_changes_are_refused_and_not_repeated(url: str) -> None:
    told = problem(changes=url)
    assert "--changes-user" in told
    assert "hidden" not in told


KAFKA = "kafka://broker:9092/twins"
HUB = "eventhub://twins.servicebus.windows.net/twins"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"changes_secret": "x"}, "--changes-secret needs --changes"),
        ({"changes_secret_file": "x"}, "--changes-secret-file needs --changes"),
        ({"changes_ca": "x"}, "--changes-ca needs --changes"),
        ({"changes": HUB, "changes_secret": "x", "changes_secret_file": "y"}, "give one"),
        ({"changes": HUB, "changes_user": "x"}, "an Event Hub knows no users"),
        ({"changes": KAFKA, "changes_user": "x"}, "need each other"),
        ({"changes": KAFKA, "changes_secret": "x"}, "need each other"),
        ({"changes": KAFKA, "changes_ca": "x"}, "--changes-ca needs --changes kafkas://"),
    ],
)
def test_what_is_said_of_the_source_of_changes_has_to_fit_it(given: dict[str, str], told: str) -> None:
    assert told in problem(**given)


def test_changes_are_not_followed_for_callers_whom_the_upstream_may_show_less() -> None:
    told = problem(
        changes=HUB,
        upstream="https://twins.api.weu.digitaltwins.azure.net",
        upstream_credential="on-behalf-of",
        auth="jwt",
        jwt_issuer="https://issuer",
        jwt_audience="twins",
    )
    assert "does not let him see" in told


def test_the_secret_of_the_source_of_changes_is_not_in_dumps() -> None:
    assert "hidden" not in repr(Settings.load({"changes": HUB, "changes_secret": "hidden"}))


def test_the_password_of_the_store_of_outcomes_is_not_in_dumps() -> None:
    assert "hidden" not in repr(Settings.load({"outcomes": "redis://:hidden@cache"}))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"outcomes_ca": "ca.pem"}, "need --outcomes rediss://"),
        ({"outcomes_ca": "ca.pem", "outcomes": "redis://cache"}, "need --outcomes rediss://"),
        ({"outcomes_cert": "a", "outcomes": "rediss://cache"}, "--outcomes-cert needs --outcomes-key"),
        ({"outcomes_key": "a", "outcomes": "rediss://cache"}, "--outcomes-key needs --outcomes-cert"),
    ],
)
def test_certificates_for_the_store_of_outcomes_go_together(given: dict[str, str], told: str) -> None:
    assert told in problem(**given)


def test_several_problems_are_all_told() -> None:
    text = problem(drain_grace="soon", read_retries="many")
    assert "--drain-grace" in text
    assert "--read-retries" in text


def test_an_unknown_name_is_refused() -> None:
    assert "--no-such-setting" in problem(no_such_setting="1")


def test_unknown_variables_are_found_with_what_was_probably_meant() -> None:
    environ = {"TWINFRONT_LISTN": "x", "TWINFRONT_LISTEN": "x", "twinfront_upstream": "local", "PATH": "/bin"}
    assert Settings.unknown_variables(environ) == [
        "TWINFRONT_LISTN is no setting of the server; did you mean TWINFRONT_LISTEN?"
    ]


def test_every_setting_is_described() -> None:
    described = {setting.name: setting for setting in Settings.describe()}
    assert set(described) == set(Settings.defaults)
    for setting in described.values():
        assert setting.help.endswith(".")
        assert setting.group in {"serving", "access", "limits", "upstream", "replicas", "logging"}
        assert setting.is_switch or setting.choices or setting.takes
    assert described["drain_grace"].default == "30s"
    assert described["insecure"].default == "off"
    assert described["log_level"].choices == ("debug", "info", "warning", "error")
    assert described["tls_cert"].flag == "--tls-cert"
    assert described["tls_cert"].variable == "TWINFRONT_TLS_CERT"


def test_described_defaults_mean_what_they_say() -> None:
    defaults = Settings.defaults
    for setting in Settings.describe():
        if setting.default and not setting.is_switch:
            assert getattr(Settings.load({setting.name: setting.default}), setting.name) == defaults[setting.name]


BEHALF = {**JWT, "upstream": "https://adt.example", "upstream_credential": "on-behalf-of"}


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"upstream": "local"}, "needs --upstream with the URL"),
        ({"auth": "none", "jwt_issuer": None, "jwt_audience": None}, "needs --auth jwt alone"),
        (
            {"auth": "jwt,mtls", "mtls_listen": "127.0.0.1:1", "tls_cert": "c", "tls_key": "k", "tls_client_ca": "a"},
            "needs --auth jwt alone",
        ),
        ({"sample": True}, "--sample is loaded in nobody's name"),
    ],
)
def test_callers_names_are_used_only_where_all_have_tokens(changed: dict[str, Any], complaint: str) -> None:
    assert Settings.load(BEHALF).upstream_credential == "on-behalf-of"
    assert complaint in problem(**{**BEHALF, **changed})


@pytest.mark.parametrize(
    ("given", "warned"),
    [
        ({}, False),
        ({"upstream": "https://adt.example"}, True),
        ({"upstream": "https://adt.example", "page_token_key": "sixteen characters or more"}, False),
    ],
)
def test_tokens_that_no_other_replica_takes_are_warned_of(given: dict[str, str], warned: bool) -> None:
    assert ("--page-token-key" in " ".join(Settings.load(given).warnings())) is warned


AUTHORIZE = {**JWT, "authorize": "grpc://127.0.0.1:9191"}


@pytest.mark.parametrize(
    "url", ["grpc://opa:9191", "grpcs://opa.example.org:443", "grpc://[::1]:9191", "grpc://10.0.0.1:1"]
)
def test_urls_of_a_policy_system(url: str) -> None:
    assert Settings.load({**JWT, "authorize": url}).authorize == url


@pytest.mark.parametrize(
    "url",
    [
        "opa:9191",
        "http://opa:9191",
        "grpc://opa",
        "grpc://opa:0",
        "grpc://opa:99999",
        "grpc://:9191",
        "grpc://opa:9191/check",
        "grpc://opa:9191?a=b",
        "grpc://o pa:9191",
        "grpc://::1:9191",
        "grpc:opa:9191",
        "grpcs://",
        "grpc://" + "a" * 100_000,
    ],
)
def test_urls_of_a_policy_system_that_are_none(url: str) -> None:
    told = problem(**JWT, authorize=url)
    assert "--authorize: " in told
    assert "is no URL of a policy system: grpc://HOST:PORT, or grpcs://HOST:PORT" in told


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"authorize": "grpc://127.0.0.1:1"}, "--authorize needs --auth jwt or mtls"),
        ({**AUTHORIZE, "authorize_ca": "ca.pem"}, "--authorize-ca needs --authorize grpcs://"),
        ({**JWT, "authorize_ca": "ca.pem"}, "--authorize-ca needs --authorize grpcs://"),
        ({**JWT, "authorize_headers": "x-tenant"}, "--authorize-headers needs --authorize"),
        ({**AUTHORIZE, "authorize_headers": "x tenant"}, "--authorize-headers: 'x tenant' is no key of metadata"),
        ({**AUTHORIZE, "authorize_headers": ":path"}, "--authorize-headers: ':path' is no key of metadata"),
        ({**AUTHORIZE, "authorize_headers": "trace-bin"}, "--authorize-headers: 'trace-bin' is no key of metadata"),
        ({**AUTHORIZE, "authorize_timeout": "0"}, "--authorize-timeout: "),
        ({**AUTHORIZE, "authorize_cache": "-1"}, "--authorize-cache: "),
    ],
)
def test_settings_of_a_policy_system_that_make_no_sense(given: dict[str, object], told: str) -> None:
    assert told in problem(**given)


def test_a_password_in_the_url_of_a_policy_system_is_refused_and_not_repeated() -> None:
    told = problem(**JWT, authorize="grpc://me:hunter2@opa:9191")
    assert "--authorize: the URL has credentials in it" in told
    assert "hunter2" not in told


def test_a_policy_system_that_is_asked_in_the_clear_beyond_this_machine_is_warned_of() -> None:
    for url, warned in (("grpc://opa:9191", True), ("grpc://localhost:9191", False), ("grpcs://opa:9191", False)):
        warnings = Settings.load({**JWT, "authorize": url}).warnings()
        assert any("in the clear" in warning for warning in warnings) is warned


@pytest.mark.parametrize(
    ("given", "warned"),
    [
        ({"patch_rate": "300"}, True),
        ({"upstream": "https://twins.example.com", "patch_rate": "300"}, True),
        ({"patch_rate": "300", "shape_writes": "on"}, False),
        ({"upstream": "https://example.api.weu.digitaltwins.azure.net", "patch_rate": "300"}, False),
        ({"shape_writes": "off"}, False),
    ],
)
def test_rates_of_writes_that_have_no_effect_are_warned_of(given: dict[str, str], warned: bool) -> None:
    assert ("--patch-rate: no effect" in " ".join(Settings.load(given).warnings())) is warned
