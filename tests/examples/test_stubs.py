"""The example that calls the generated stubs."""

from pathlib import Path

from tests.rpc.serving import process

from twinfront import TwinfrontClient, patch

from .program import run


def test_a_double_that_was_written_as_an_integer_is_read(tmp_path: Path):
    served = process.start(tmp_path, ["--sample"], {})
    try:
        with TwinfrontClient(served.address) as client:
            client.update_digital_twin("room-001", patch().replace("/temperature", 20))
        ended = run("stubs.py", TWINFRONT_ADDRESS=served.address)
        assert (ended.returncode, ended.stdout) == (0, "room-001 has 20.0\nTrue\n"), ended.stderr
    finally:
        served.end()
