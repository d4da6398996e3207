"""The log of a process: one line an event, on stderr, for machines or for people."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import grpc
import pytest

from twinfront.v1.model_service_pb2 import GetModelRequest
from twinfront.v1.model_service_pb2_grpc import ModelServiceStub

from .process import COMMAND, ServedProcess, environment, run, wait_until

Serve = Callable[..., ServedProcess]


def ask_for_a_model(served: ServedProcess) -> None:
    with grpc.insecure_channel(served.address) as channel:
        ask = ModelServiceStub(channel).GetModel
        call = ask.future(GetModelRequest(model_id="dtmi:nobody:has:It;1"), metadata=(("x-request-id", "mine"),))
        assert call.code() is grpc.StatusCode.NOT_FOUND


def test_json_is_one_object_a_line(serve: Serve) -> None:
    served = serve("--log-format=json")
    ask_for_a_model(served)
    wait_until(lambda: '"rpc"' in served.log())
    lines = [json.loads(line) for line in served.log().splitlines()]
    [line] = [line for line in lines if line["event"] == "rpc"]
    assert line["method"] == "twinfront.v1.ModelService/GetModel"
    assert (line["call_id"], line["code"], line["reason"]) == ("mine", "NOT_FOUND", "MODEL_NOT_FOUND")
    assert line["upstream_attempts"] == 1
    assert line["upstream_ms"] > 0
    assert line["level"] == "info"
    assert "nobody" not in served.log()


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_server_that_is_stopped_has_logged_all_calls_in_order(serve: Serve, log_format: str) -> None:
    served = serve(f"--log-format={log_format}")
    with grpc.insecure_channel(served.address) as channel:
        ask = ModelServiceStub(channel).GetModel
        for number in range(300):
            call = ask.future(GetModelRequest(model_id="dtmi:a:B;1"), metadata=(("x-request-id", f"call{number:03}"),))
            assert call.code() is grpc.StatusCode.NOT_FOUND
        served.signal()
        assert served.exit_code() == 0
    assert re.findall(r"call\d{3}", served.log()) == [f"call{number:03}" for number in range(300)]
    assert "stopped" in served.log().splitlines()[-1]


def test_what_happens_after_a_call_is_logged_after_it(serve: Serve) -> None:
    served = serve()
    ask_for_a_model(served)
    ask_for_a_model(served)  # a call is over when it is answered, and logged when the next one is
    served.signal(signal.SIGHUP)
    wait_until(lambda: "SIGHUP" in served.log())
    told = [json.loads(line)["event"].partition(" ")[0] for line in served.log().splitlines()]
    assert "rpc" in told[: told.index("SIGHUP")]


def test_console_is_for_people(serve: Serve) -> None:
    served = serve("--log-format=console")
    ask_for_a_model(served)
    wait_until(lambda: " rpc " in served.log())
    assert "code=NOT_FOUND" in served.log()


@pytest.mark.grpcio_engine("a path that is no path of a URL is answered; HTTP/2 is enough for a RST_STREAM")
@pytest.mark.parametrize("log_format", ["console", "json"])
def test_what_a_caller_wrote_does_not_steer_the_terminal(serve: Serve, log_format: str) -> None:
    served = serve(f"--log-format={log_format}")
    with grpc.insecure_channel(served.address) as channel:
        method: Any = channel.unary_unary("/x\x1b[31m/Evil")
        call = method.future(b"")
        assert call.code() is grpc.StatusCode.UNIMPLEMENTED
    wait_until(lambda: "Evil" in served.log())
    assert "\x1b" not in served.log()


HOSTILE = """
import logging
from twinfront_program.log import configure_logging, get_logger
configure_logging("console", "info")
try:
    raise ValueError("in an exception\\x1b[31m")
except ValueError:
    get_logger().exception("an event\\x9b", cause="a\\x07 cause\\x7f\\r\\n", listed=["\\x1b"])
logging.getLogger("other").warning("by logging\\x1b")
"""


def test_every_control_character_is_escaped_on_a_console() -> None:
    told = subprocess.run([sys.executable, "-c", HOSTILE], capture_output=True, text=True, check=True).stderr
    assert [character for character in told if not (character.isprintable() or character == "\n")] == []
    for text in (r"in an exception\x1b[31m", r"an event\x9b", r"\x07 cause", r"by logging\x1b", "Traceback"):
        assert text in told


def test_what_is_below_the_level_is_left_out(serve: Serve) -> None:
    served = serve("--log-level=warning")
    ask_for_a_model(served)
    served.signal()
    served.exit_code()
    assert served.log() == ""


def test_health_checks_are_logged_at_debug_only(serve: Serve) -> None:
    for level, seen in (("info", False), ("debug", True)):
        served = serve(f"--log-level={level}")
        assert run("healthcheck", "--address", served.address).returncode == 0
        served.signal()
        served.exit_code()
        assert ("grpc.health.v1.Health/Check" in served.log()) is seen


def test_a_missing_credential_is_told_once_a_request_to_the_upstream(serve: Serve) -> None:
    served = serve(
        "--upstream=https://127.0.0.1:1", "--health-interval=1h", AZURE_TOKEN_CREDENTIALS="EnvironmentCredential"
    )
    lines = [json.loads(line) for line in served.log().splitlines()]
    [told] = [line for line in lines if "EnvironmentCredential" in json.dumps(line)]
    assert told["event"] == "the upstream does not answer"
    assert told["cause"].startswith("probe: ")


def test_without_the_greeting_stdout_is_empty() -> None:
    words = ("serve", "--listen=127.0.0.1:0", "--metrics-listen=none", "--data-dir=:memory:", "--log-format=json")
    with subprocess.Popen(
        [*COMMAND, *words, "--no-greeting"],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as served:
        assert served.stderr is not None
        assert any('"serving"' in line for line in served.stderr)
        served.terminate()
        assert served.communicate(timeout=30)[0] == ""


def test_stdout_has_the_greeting_and_nothing_else(serve: Serve) -> None:
    served = serve()
    greeting = served.stdout.read_text()
    ask_for_a_model(served)
    served.signal()
    served.exit_code()
    assert served.stdout.read_text() == greeting
