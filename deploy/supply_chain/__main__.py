"""Audits what is delivered: builds that are the same twice, a bill of materials, licences, known vulnerabilities.

What cannot be done here, because nothing answers on the network, is said; it is no failure. What is found is one.
"""

import filecmp
import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from deploy.supply_chain.licences import allowed, licences

CHECKOUT: Final = Path(__file__).resolve().parents[2]
REQUIREMENTS: Final = CHECKOUT / "deploy/docker/requirements.txt"
DIST: Final = CHECKOUT / "dist"
BILL: Final = DIST / "twinfront.cdx.json"

EPOCH: Final = "1735689600"
"""The time that files of a build get, in seconds since 1970: builds of one source differ in nothing."""


class FaultError(Exception):
    """Something is wrong with what would be delivered."""


class UnavailableError(Exception):
    """Something could not be looked at here, and why."""


def main() -> int:
    """Runs all steps and returns 1 if one of them found something."""
    failed = False
    for step in (build_twice, write_bill_of_materials, check_licences, look_for_vulnerabilities):
        name = step.__name__.replace("_", " ")
        try:
            print(f"ok      {name}: {step()}")
        except UnavailableError as reason:
            print(f"not run {name}: {reason}")
        except FaultError as fault:
            print(f"FAILED  {name}: {fault}")
            failed = True
    return 1 if failed else 0


def build_twice() -> str:
    """Builds wheel and sdist in two folders and compares them byte by byte; the first stay in dist/."""
    DIST.mkdir(exist_ok=True)
    with TemporaryDirectory() as other:
        for folder in (DIST, Path(other)):
            _run([sys.executable, "-m", "build", "--outdir", folder, CHECKOUT], SOURCE_DATE_EPOCH=EPOCH)
        names = sorted(path.name for path in Path(other).iterdir())
        _, different, missing = filecmp.cmpfiles(DIST, other, names, shallow=False)
    if different or missing:
        raise FaultError(f"built twice and not the same: {', '.join([*different, *missing])}")
    return ", ".join(names)


def write_bill_of_materials() -> str:
    """Writes the CycloneDX document of what the image has: the wheel, and its dependencies as they are pinned."""
    with TemporaryDirectory() as folder:
        python = Path(folder) / "bin/python"
        _run([sys.executable, "-m", "venv", "--without-pip", folder])
        install: list[str | Path] = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", python]
        _run([*install, "--require-hashes", "--requirement", REQUIREMENTS])
        _run([*install, "--no-deps", *DIST.glob("twinfront-*.whl")])
        words: list[str | Path] = [
            "environment",
            "--pyproject",
            CHECKOUT / "pyproject.toml",
            "--output-reproducible",
            "--validate",
        ]
        _run([_beside("cyclonedx-py"), *words, "--output-file", BILL, python])
    return f"{len(_components())} components in {BILL.relative_to(CHECKOUT)}"


def check_licences() -> str:
    """Holds each component's licence against those that may be delivered with MIT."""
    found = licences(_components())
    refused = [f"{name}: {licence}" for name, licence in found.items() if not allowed(licence)]
    if refused:
        raise FaultError("; ".join(refused))
    (DIST / "licences.txt").write_text("".join(f"{name}: {licence}\n" for name, licence in found.items()))
    return "dist/licences.txt"


def look_for_vulnerabilities() -> str:
    """Asks the registry what is known of the pinned versions."""
    options = ["--disable-pip", "--progress-spinner", "off", "--format", "json", "--requirement"]
    ended = subprocess.run([_beside("pip-audit"), *options, REQUIREMENTS], capture_output=True, text=True, check=False)
    try:
        found = json.loads(ended.stdout)["dependencies"]
    except json.JSONDecodeError as error:
        raise UnavailableError(f"the registry gives no advisories: {ended.stderr.strip()[-200:]}") from error
    looked_at = [dependency for dependency in found if "vulns" in dependency]
    if not looked_at:
        raise UnavailableError("the registry reached from here has no advisories")
    known = [f"{each['name']} {vuln['id']}" for each in looked_at for vuln in each["vulns"]]
    if known:
        raise FaultError(", ".join(known))
    return f"{len(looked_at)} of {len(found)} packages have no known vulnerability"


def _components() -> list[dict[str, Any]]:
    components: list[dict[str, Any]] = json.loads(BILL.read_text())["components"]
    return components


def _beside(program: str) -> Path:
    return Path(sys.executable).with_name(program)


def _run(command: list[str | Path], **variables: str) -> None:
    ended = subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise FaultError(f"{command[0]} ended with {ended.returncode}: {ended.stderr.strip()[-2000:]}")


if __name__ == "__main__":
    sys.exit(main())
