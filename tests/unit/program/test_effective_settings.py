"""`twinfront config` and `localtwins config`: the settings in force, what each comes from, and no secrets."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from localtwins.cli import main as localtwins
from localtwins.settings import Settings as LocalSettings
from twinfront_program.settings import ProgramSettings
from twinfront_server.cli import main as twinfront
from twinfront_server.settings import Settings as FrontSettings

Main = Callable[[Sequence[str]], int]

BOTH = pytest.mark.parametrize(
    ("main", "settings"), [(twinfront, FrontSettings), (localtwins, LocalSettings)], ids=["twinfront", "localtwins"]
)


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for described in (*FrontSettings.describe(), *LocalSettings.describe()):
        monkeypatch.delenv(described.variable, raising=False)


def shown_as_json(main: Main, capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, dict[str, Any]]:
    assert main(["config", "--output", "json", *words]) == 0
    shown: dict[str, dict[str, Any]] = json.loads(capsys.readouterr().out)
    return shown


@BOTH
def test_every_setting_is_shown_with_its_value_and_what_it_comes_from(
    main: Main, settings: type[ProgramSettings], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(f"{settings.prefix}LISTEN", "127.0.0.1:1")
    monkeypatch.setenv(f"{settings.prefix}DATA_DIR", "by-variable")
    shown = shown_as_json(main, capsys, "--data-dir", "by-flag")
    assert list(shown) == list(settings.defaults)
    assert shown["listen"] == {
        "value": "127.0.0.1:1",
        "origin": "variable",
        "flag": "--listen",
        "variable": f"{settings.prefix}LISTEN",
    }
    assert (shown["data_dir"]["value"], shown["data_dir"]["origin"]) == ("by-flag", "flag")
    assert (shown["log_level"]["value"], shown["log_level"]["origin"]) == ("info", "default")


@BOTH
def test_a_table_names_the_variable_that_a_value_comes_from(
    main: Main, settings: type[ProgramSettings], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(f"{settings.prefix}LISTEN", "127.0.0.1:1")
    assert main(["config", "--log-level=error"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [row[0] for row in rows] == [described.flag for described in settings.describe()]
    assert ["--listen", "127.0.0.1:1", f"{settings.prefix}LISTEN"] in rows
    assert ["--log-level", "error", "flag"] in rows
    assert ["--jobs-storage", "-", "default"] in rows


@pytest.mark.parametrize(
    ("main", "words", "name", "secret"),
    [
        (twinfront, ["--page-token-key", "sixteen characters or more"], "page_token_key", "sixteen"),
        (
            localtwins,
            ["--jobs-storage=graphs", "--storage-connection-string", "AccountKey=abc"],
            "storage_connection_string",
            "abc",
        ),
        (localtwins, ["--endpoint", "a=https://hook.example/?code=abc"], "endpoint", "abc"),
    ],
)
@pytest.mark.parametrize("output", ["table", "json"])
def test_a_secret_is_hidden(
    main: Main, words: list[str], name: str, secret: str, output: str, capsys: pytest.CaptureFixture[str]
):
    assert main(["config", "--output", output, *words]) == 0
    text = capsys.readouterr().out
    assert secret not in text
    assert "(hidden)" in text
    assert shown_as_json(main, capsys)[name]["value"] is None


@BOTH
def test_what_cannot_be_is_told_as_the_server_tells_it(
    main: Main, settings: type[ProgramSettings], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(f"{settings.prefix}LISTEN", "nowhere")
    assert main(["config"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert f"config: {settings.prefix}LISTEN: 'nowhere' is no address to listen on" in said.err


@BOTH
def test_a_misspelt_variable_is_told_beside(
    main: Main, settings: type[ProgramSettings], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(f"{settings.prefix}LISTN", "127.0.0.1:1")
    assert main(["config"]) == 0
    assert f"did you mean {settings.prefix}LISTEN?" in capsys.readouterr().err


def test_times_are_written_as_they_are_given(capsys: pytest.CaptureFixture[str]):
    assert twinfront(["config", "--drain-grace", "5m"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["--drain-grace", "300s", "flag"] in rows
    assert shown_as_json(twinfront, capsys, "--drain-grace", "5m")["drain_grace"]["value"] == 300


def test_of_the_store_of_outcomes_only_the_default_is_shown(capsys: pytest.CaptureFixture[str]):
    assert twinfront(["config", "--outcomes", "redis://:abc@cache"]) == 0
    assert "abc" not in (text := capsys.readouterr().out)
    assert "(hidden)" in text
    assert twinfront(["config"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["--outcomes", "memory", "default"] in rows
