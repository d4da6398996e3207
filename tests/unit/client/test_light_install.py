"""The base install brings grpcio, protobuf and the status packages, and the client gets by on them."""

import json
import subprocess
import sys

SCRIPT = """
import twinfront
twinfront.TwinfrontClient("localhost:1").close()
twinfront.patch().replace("/temperature", 22)
twinfront.DigitalTwin(model_id="dtmi:example:Room;1").to_dict()
"""


def test_the_client_imports_nothing_but_the_base_install() -> None:
    # grpc itself imports what else of its family is installed.
    base_install = "import grpc, grpc_status.rpc_status, google.protobuf, google.rpc.error_details_pb2"
    assert imported(SCRIPT) - imported(base_install) - set(sys.stdlib_module_names) == {"twinfront"}


def test_the_server_and_what_it_needs_stay_out() -> None:
    assert not {"aiohttp", "azure", "localtwins", "orjson", "pydantic", "twinfront_server"} & imported(SCRIPT)


def imported(script: str) -> set[str]:
    """The top-level modules that a fresh interpreter has after the script."""
    report = "import json, sys; print(json.dumps([name.partition('.')[0] for name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", f"{script}\n{report}"], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))
