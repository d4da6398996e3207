"""A setting is declared once: its flag, variable, default, help and row in the docs come from the one field."""

import argparse

import pytest

from localtwins.settings import Settings as LocalSettings
from twinfront_program.arguments import Parser, add_settings
from twinfront_program.settings import ProgramSettings, SettingsError
from twinfront_program.startup_error import StartupError
from twinfront_server.settings import Settings as FrontSettings

BOTH = pytest.mark.parametrize("settings", [FrontSettings, LocalSettings])


def parsed(settings: type[ProgramSettings], *words: str) -> dict[str, object]:
    parser = Parser()
    add_settings(parser, settings.describe())
    return vars(parser.parse_args(words))


@BOTH
def test_every_setting_is_described_in_a_sentence(settings: type[ProgramSettings]):
    described = settings.describe()
    assert [each.name for each in described] == list(settings.defaults)
    for each in described:
        assert each.flag == f"--{each.name.replace('_', '-')}"
        assert each.variable == f"{settings.prefix}{each.name.upper()}"
        assert each.help[0].isupper() or each.help.startswith("'")
        assert each.help.endswith(".")
        assert bool(each.takes) != each.is_switch
        assert ("repeatable" in each.help) == each.is_repeatable


@BOTH
def test_settings_of_one_group_stand_together(settings: type[ProgramSettings]):
    groups = [each.group for each in settings.describe()]
    changes = [group for before, group in zip(["", *groups], groups, strict=False) if group != before]
    assert changes == list(dict.fromkeys(groups))


@BOTH
def test_described_defaults_mean_what_they_say(settings: type[ProgramSettings]):
    for each in settings.describe():
        if each.default and not each.is_switch:
            given = settings.load({each.name: each.default}, {})
            assert getattr(given, each.name) == settings.defaults[each.name]


@BOTH
def test_no_flag_is_given_unless_it_is(settings: type[ProgramSettings]):
    assert parsed(settings) == {}


@BOTH
def test_every_switch_can_be_turned_on_and_off(settings: type[ProgramSettings]):
    switches = [each for each in settings.describe() if each.is_switch]
    assert switches
    for each in switches:
        assert parsed(settings, each.flag) == {each.name: True}
        assert parsed(settings, f"--no-{each.name.replace('_', '-')}") == {each.name: False}


@BOTH
@pytest.mark.parametrize(("text", "value"), [("1", True), ("true", True), ("on", True), ("0", False), ("no", False)])
def test_variables_of_switches_take_the_usual_words(settings: type[ProgramSettings], text: str, value: bool):
    each = next(each for each in settings.describe() if each.is_switch and each.default == "off")
    name = "insecure" if settings is FrontSettings else "http"
    assert each.default == "off"
    assert getattr(settings.load({}, {f"{settings.prefix}{name.upper()}": text}), name) is value


@BOTH
def test_jobs_storage_is_repeatable_or_has_commas_between(settings: type[ProgramSettings]):
    flags = parsed(settings, "--jobs-storage", "one", "--jobs-storage=https://two.example/in")
    assert vars(settings.load(flags, {}))["jobs_storage"] == "one,https://two.example/in"
    variable = {f"{settings.prefix}JOBS_STORAGE": "one,two"}
    assert vars(settings.load({}, variable))["jobs_storage"] == "one,two"


@BOTH
def test_what_a_setting_comes_from_is_known(settings: type[ProgramSettings]):
    variables = {f"{settings.prefix}LISTEN": "127.0.0.1:1", f"{settings.prefix}DATA_DIR": "a"}
    origins = settings.origins({"data_dir": "b"}, variables)
    assert (origins["data_dir"], origins["listen"], origins["jobs_storage"]) == ("flag", "variable", "default")
    assert list(origins) == list(settings.defaults)


@BOTH
def test_the_culprit_is_named_be_it_a_flag_or_a_variable(settings: type[ProgramSettings]):
    with pytest.raises(StartupError, match=r"^--listen: 'here' is no address to listen on"):
        settings.load({"listen": "here"}, {f"{settings.prefix}LISTEN": "there"})
    with pytest.raises(StartupError, match=rf"^{settings.prefix}LISTEN: 'there' is no address to listen on"):
        settings.load({}, {f"{settings.prefix}LISTEN": "there"})


@BOTH
def test_a_variable_in_small_letters_counts_and_an_empty_one_does_not(settings: type[ProgramSettings]):
    environ = {f"{settings.prefix}data_dir".lower(): "a", f"{settings.prefix}LISTEN": ""}
    assert vars(settings.load({}, environ))["data_dir"] == "a"
    assert settings.origins({}, environ)["listen"] == "default"


@BOTH
def test_an_unknown_variable_is_answered_with_the_one_that_was_probably_meant(settings: type[ProgramSettings]):
    prefix = settings.prefix
    assert settings.unknown_variables({f"{prefix}DATADIR": "x", f"{prefix}LISTEN": "x", "PATH": "/"}) == [
        f"{prefix}DATADIR is no setting of the server; did you mean {prefix}DATA_DIR?"
    ]
    assert settings.unknown_variables({f"{prefix}ZZZ": "x"}) == [f"{prefix}ZZZ is no setting of the server"]


@pytest.mark.parametrize(
    ("settings", "plain"),
    [
        (FrontSettings, {"page_token_key", "changes_secret"}),
        (LocalSettings, {"storage_connection_string", "event_source"}),
    ],
)
def test_a_setting_says_what_it_takes_unless_that_is_any_text(settings: type[ProgramSettings], plain: set[str]):
    takes = {each.name: each.takes for each in settings.describe() if each.takes and not each.choices}
    assert {name for name, taken in takes.items() if taken == "TEXT"} == plain
    for name, taken in takes.items():
        if name.endswith("listen"):
            assert taken.partition("|")[0] == "HOST:PORT"
        elif name.endswith(("_cert", "_key", "_ca")) and name not in plain:
            assert taken == "FILE"
        elif name.endswith("_dir"):
            assert taken == "FOLDER"


def test_endpoints_are_repeated_flags_or_a_json_object():
    flags = parsed(LocalSettings, "--endpoint", "a=file:x", "--endpoint", "b=https://e.example/?c=d")
    expected = {"a": "file:x", "b": "https://e.example/?c=d"}
    assert LocalSettings.load(flags, {}).endpoints == expected
    variable = '{"a": "file:x", "b": "https://e.example/?c=d"}'
    assert LocalSettings.load({}, {"LOCALTWINS_ENDPOINT": variable}).endpoints == expected


def test_help_has_group_flag_value_default_and_variable():
    parser = argparse.ArgumentParser()
    add_settings(parser, FrontSettings.describe())
    text = " ".join(parser.format_help().split())
    assert "--drain-grace TIME On SIGTERM, time for calls in flight to finish. [30s] (TWINFRONT_DRAIN_GRACE)" in text
    assert "--log-level {debug,info,warning,error} Least level that is logged. [info]" in text
    assert "--insecure, --no-insecure Allow --listen beyond loopback without TLS. [off] (TWINFRONT_INSECURE)" in text


def test_settings_do_not_change_and_changed_ones_are_checked_like_all_others():
    settings = FrontSettings(read_retries=1, auth="none")
    with pytest.raises(AttributeError, match="do not change: read_retries"):
        settings.read_retries = 2  # type: ignore[misc]  # that is the point
    changed = settings.changed(read_retries="3")
    assert (settings.read_retries, changed.read_retries) == (1, 3)
    assert changed.given == {"read_retries", "auth"}
    with pytest.raises(SettingsError, match=r"^read_retries: Input should be a valid integer"):
        settings.changed(read_retries="many")
    with pytest.raises(SettingsError, match=r"^--tls-cert needs --tls-key$"):
        settings.changed(tls_cert="a")


def test_problems_are_told_in_the_order_of_the_class_and_names_that_are_none_last():
    with pytest.raises(SettingsError) as raised:
        FrontSettings.of({"nothing": 1, "read_retries": "many", "drain_grace": "soon"})
    assert [name for name, _ in raised.value.problems] == ["drain_grace", "read_retries", "nothing"]


@BOTH
def test_settings_are_shown_without_secrets(settings: type[ProgramSettings]):
    secrets = [each.name for each in settings.describe() if each.is_secret]
    shown = repr(settings())
    assert secrets
    assert shown.startswith("Settings(listen='127.0.0.1:")
    assert not any(f"{name}=" in shown for name in secrets)
