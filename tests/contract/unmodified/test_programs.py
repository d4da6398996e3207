"""Programs with DefaultAzureCredential in three languages: given the variables, nothing in them has to change."""

import sys

from .local import Local
from .sdks import HERE, java_sdk, javascript_sdk

# The status of a patch under an etag that is not the current one any more, and what a query finds.
EXPECTED = ["412", "30"]


def asked_with_a_token(local: Local) -> bool:
    return any(path == "/msi/token" and status == 200 for _, path, status, _ in local.requests())


async def test_a_python_program_with_the_default_credential_runs_unchanged(local: Local):
    ended = await local.run(sys.executable, HERE / "lifecycle.py")
    assert (ended.lines, ended.status) == (EXPECTED, 0), ended.errors
    assert asked_with_a_token(local)


async def test_a_javascript_program_with_the_default_credential_runs_unchanged(local: Local):
    (local.folder / "node_modules").symlink_to(javascript_sdk())
    program = local.folder / "lifecycle.mjs"
    program.write_bytes((HERE / "lifecycle.mjs").read_bytes())
    ended = await local.run("node", program)
    assert (ended.lines, ended.status) == (EXPECTED, 0), ended.errors
    assert asked_with_a_token(local)


async def test_a_java_program_with_the_default_credential_runs_unchanged(local: Local):
    ended = await local.run("java", "-cp", java_sdk(), HERE / "Lifecycle.java")
    assert (ended.lines, ended.status) == (EXPECTED, 0), ended.errors
    assert asked_with_a_token(local)


async def test_a_program_without_the_variables_of_the_identity_endpoint_fails(local: Local):
    ended = await local.run(sys.executable, HERE / "lifecycle.py", IDENTITY_HEADER="wrong", MSI_SECRET="wrong")
    assert ended.status != 0
    assert not asked_with_a_token(local)
    ended = await local.run(sys.executable, HERE / "lifecycle.py", REQUESTS_CA_BUNDLE="", SSL_CERT_FILE="")
    assert "CERTIFICATE_VERIFY_FAILED" in ended.errors
