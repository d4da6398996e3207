"""Every client run through the scenarios, side by side: what went wrong, language by scenario."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from .comparing import ANY, essence, imported, mismatches
from .languages import Language
from .odd_server import odd_server
from .scenarios import LIMITED_CALLER, LIVE_SERVER, ODD_SERVER, ODD_WATCHING, WATCHING, Line, Step, scenarios
from .serving import NATIVE, TOKEN, Endpoint, served

FAULTS = (
    "latency=2s:on=get_delete_job,error=503:on=list_delete_jobs,"
    "lost:on=publish_component_telemetry,throttle=1:on=delete_import_job"
)
"""Operations that are there to fail, so that every client meets what a caller can meet."""

EMPTY_GRAPH = """{"Section": "Header"}
{"fileVersion": "1.0.0", "author": "interop", "organization": "twinfront"}
"""
"""The content of interop.ndjson, which the import jobs of the scenarios import."""

POLICY = """
version: 1
bindings:
  - role: reader
    to: {claims: {roles: [reader]}}
    within: {ids: [open-]}
"""
"""The policy for the scenarios of a limited caller, who may read twins whose ids begin with open-, and no more."""

RUNS = ("clear", NATIVE, TOKEN, "mtls")
"""Modes of the server that clients are run against; TLS is a part of the second."""

Problems = dict[tuple[str, str], list[str]]
"""By language and scenario."""


def run_all(languages: Sequence[Language], mode: str, folder: Path) -> Problems:
    """Runs the scenarios with the clients at the same time, against one server that keeps its files in the folder.

    Returns:
        What is not as expected, or not as with the first of the languages; an empty list where all is well.
    """
    (folder / "interop.ndjson").write_text(EMPTY_GRAPH)
    variables = {
        "LOCALTWINS_INJECT": FAULTS,
        "LOCALTWINS_JOBS_DIR": str(folder),
        "LOCALTWINS_ENDPOINT": json.dumps({"events": f"file:{folder / 'events.ndjson'}"}),
    }
    with served(mode, folder, [], variables) as endpoint:
        return _side_by_side(languages, endpoint, LIVE_SERVER, folder)


def run_odd(languages: Sequence[Language], folder: Path) -> Problems:
    """Runs the scenarios of the odd server with the clients at the same time; gives what `run_all` gives."""
    with odd_server() as address:
        return _side_by_side(languages, Endpoint(address, None, None), ODD_SERVER, folder)


def run_limited(languages: Sequence[Language], folder: Path) -> Problems:
    """Runs the scenarios of a limited caller with the clients at the same time; gives what `run_all` gives."""
    policy = folder / "policy.yaml"
    policy.write_text(POLICY)
    with served(TOKEN, folder, [f"--policy={policy}"], {}) as endpoint:
        return _side_by_side(languages, endpoint, LIMITED_CALLER, folder)


def run_watching(languages: Sequence[Language], folder: Path) -> Problems:
    """Runs the scenarios of watches with the clients at the same time; gives what `run_all` gives."""
    with served("clear", folder, [], {}) as endpoint:
        problems = _side_by_side(languages, endpoint, WATCHING, folder)
    with odd_server() as address:
        return problems | _side_by_side(languages, Endpoint(address, None, None), ODD_WATCHING, folder)


def run_unknown(languages: Sequence[Language], folder: Path) -> dict[str, list[Line]]:
    """Has each client call a server that asks who calls, with a token that is none; gives what each prints."""
    file = folder / "one-call.json"
    step = {"call": "ModelService/ListModels", "request": {}}
    file.write_text(json.dumps({"scenarios": [{"name": "a call", "steps": [step]}]}))
    with served(TOKEN, folder, [], {}) as endpoint:
        words = [*_words(replace(endpoint, token="not-a-token")), str(file)]
        with ThreadPoolExecutor(len(languages)) as pool:
            printed = pool.map(lambda language: language.run_scenarios(words), languages)
            return dict(zip((language.name for language in languages), printed, strict=True))


def _side_by_side(languages: Sequence[Language], endpoint: Endpoint, file: str, folder: Path) -> Problems:
    def run(language: Language) -> list[Line]:
        path = scenarios(language.prefix, file).write(folder / f"{language.name}.json")
        return language.run_scenarios([*_words(endpoint), str(path)])

    with ThreadPoolExecutor(len(languages)) as pool:
        lines = dict(zip((language.name for language in languages), pool.map(run, languages), strict=True))
    problems: Problems = {}
    first = languages[0]
    for language in languages:
        steps = scenarios(language.prefix, file).steps
        for (scenario, number), problem in _problems(language, steps, lines[language.name], first, lines[first.name]):
            problems.setdefault((language.name, scenario), [])
            if problem:
                problems[language.name, scenario].append(f"step {number}: {problem}")
    return problems


def _words(endpoint: Endpoint) -> list[str]:
    """The options by which a runner reaches a server."""
    words = ["--address", endpoint.address]
    if endpoint.authority:
        words += ["--ca", str(endpoint.authority), "--server-name", "localhost"]
    if endpoint.token:
        words += ["--token", endpoint.token]
    if endpoint.client:
        words += ["--cert", str(endpoint.client.cert), "--key", str(endpoint.client.key)]
    return words


def _problems(
    language: Language, steps: list[Step], lines: list[Line], first: Language, firsts: list[Line]
) -> list[tuple[tuple[str, int], str]]:
    found = []
    by_place = {(line["scenario"], line["step"]): line for line in lines}
    firsts_by_place = {(line["scenario"], line["step"]): line for line in firsts}
    saved: dict[str, str] = {}
    for step in steps:
        if step.place[1] == 0:
            saved = {}
        line = by_place.get(step.place)
        if line is None:
            found.append((step.place, "the runner printed nothing"))
            continue
        found.append((step.place, ""))
        shown = line | {"imported": imported(line)} if "imported" in step.expect else line
        found += [(step.place, problem) for problem in mismatches(step.expect, shown, "", saved)]
        other = firsts_by_place.get(step.place)
        if other is not None and line["code"] != "RUNNER_ERROR" and step.expect["code"] != ANY:
            mine, theirs = essence(line, language.prefix), essence(other, first.prefix)
            if mine != theirs:
                found.append((step.place, f"{mine} is not as in {first.name}: {theirs}"))
    return found


def table(problems: Problems) -> str:
    """The matrix as text: a row for each scenario, a column for each language."""
    languages = list(dict.fromkeys(language for language, _ in problems))
    names = list(dict.fromkeys(scenario for _, scenario in problems))
    width = max(map(len, names))
    lines = [" ".join([" " * width, *(f"{language:>10}" for language in languages)])]
    for name in names:
        marks = ("ok" if not problems[language, name] else "FAILED" for language in languages)
        lines.append(" ".join([f"{name:<{width}}", *(f"{mark:>10}" for mark in marks)]))
    return "\n".join(lines)
