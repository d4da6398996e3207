"""The example that follows the graph."""

from pathlib import Path

from tests.rpc.serving import process

from . import program


def test_the_example_sees_what_it_changes(tmp_path: Path) -> None:
    served = process.start(tmp_path, ["--sample"], {})
    try:
        finished = program.run("watch.py", TWINFRONT_ADDRESS=served.address)
    finally:
        served.end()
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout.splitlines() == [
        "room-001 had 21.2 and has 23.5",
        "['room-001']",
        "twin_updated room-001 [{'op': 'replace', 'path': '/temperature', 'value': 21.5}]",
    ]
