"""The example that walks through the page."""

import pytest

from twinfront import TwinfrontClient

from . import program

PROGRAM = "manage_twins.py"


def test_the_example_walks_through_every_section_and_exits_with_0(address: str):
    finished = program.run(PROGRAM, "--address", address)
    assert finished.returncode == 0, finished.stderr
    assert finished.stderr == ""
    assert [line.removeprefix("== ") for line in finished.stdout.splitlines() if line.startswith("== ")] == [
        "Upload the models",
        "Create a twin with initial properties and a component",
        "Replace several properties in one patch",
        "Patch a property of a component, by path",
        "Add an object, then replace its member",
        "Migrate the twin to another model",
        "Record when a value was observed",
        "Two writers on one twin",
        "Delete a twin that has relationships",
        "Delete all twins and models of this run",
    ]
    assert "the second writer gets ETAG_MISMATCH" in finished.stdout
    assert "blocked by 1 outgoing and 1 incoming" in finished.stdout


def test_the_example_leaves_nothing_behind_and_runs_again(address: str):
    for _ in range(2):
        assert program.run(PROGRAM, TWINFRONT_ADDRESS=address).returncode == 0
    with TwinfrontClient(address) as client:
        assert list(client.list_models()) == []


def test_a_surprise_makes_the_example_exit_with_1_and_clean_up(
    address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    manage_twins = program.load(PROGRAM)
    monkeypatch.setattr("sys.argv", [PROGRAM, "--address", address])

    def forgetful(_client: TwinfrontClient, _names: object) -> None:
        """Adds the object and does not replace its member."""
        manage_twins.expect(False, "the member was replaced")

    monkeypatch.setattr(manage_twins, "add_an_object_and_replace_its_member", forgetful)
    assert manage_twins.main() == 1
    assert "it does not hold that the member was replaced" in capsys.readouterr().err
    with TwinfrontClient(address) as client:
        assert list(client.list_models()) == []


def test_the_example_without_a_server_says_so_and_exits_with_1():
    finished = program.run(PROGRAM, "--address", "127.0.0.1:1")
    assert finished.returncode == 1
    assert finished.stderr.startswith("No server answers there; `make run` starts one.")
    assert "Traceback" not in finished.stderr


def test_the_example_does_not_talk_in_the_clear_to_another_machine_unasked():
    finished = program.run(PROGRAM, "--address", "twins.example:50051")
    assert finished.returncode == 1
    assert "is not on this machine" in finished.stderr
