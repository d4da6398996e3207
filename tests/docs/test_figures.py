"""The figures in the sentences of the pages are those of the code; the tables have theirs from it anyway."""

import pytest

from localtwins.dtdl.errors import MOST_OF_DOCUMENT
from localtwins.engine import identifiers
from localtwins.events import retry
from localtwins.jobs import first_answer, job
from localtwins.operations import models
from localtwins.query import limits as query_limits
from localtwins.store import queries
from twinfront_server import drain, errors, health
from twinfront_server.access import bearer, key_set, key_source, keys, policy_file, policy_text, tokens
from twinfront_server.interceptors import unread
from twinfront_server.outcomes import encoding, kept, outcome, redis_store, short_circuit
from twinfront_server.upstream.sdk import circuit_breaker, on_behalf_of
from twinfront_server.upstream.settling import sent_writes
from twinfront_server.wire import filling
from twinfront_server.wire import limits as wire_limits

from .blocks import CHECKOUT

WORDS: dict[float, str] = {1: "one", 2: "two", 3: "three", 5: "five", 10: "ten", 20: "twenty"}


def word(number: float) -> str:
    """A number as it is written in a sentence: in a word if it is small and round."""
    return WORDS.get(number, f"{number:g}")


def unit(seconds: float, name: str) -> str:
    """A time that is one of its unit, such as `a second`."""
    return f"a {name}" if seconds == {"second": 1, "minute": 60}[name] else f"{seconds:g} seconds"


def mebibytes(size: int) -> str:
    return f"{size / (1 << 20):g} MiB"


def kibibytes(size: int) -> str:
    return f"{size / (1 << 10):g} KiB"


OF_GUARANTEES = [
    f"remembers the last {sent_writes.MAX_VERSIONS:,} answers, and for {unit(sent_writes.KEPT_SECONDS, 'minute')}",
    f"It holds for {word(outcome.KEPT_SECONDS / 60)} minutes, for the last {kept.MAX_OUTCOMES:,} outcomes",
    f"of a process, and for {mebibytes(kept.MAX_BYTES)} of them",
    f"when Redis has not heard of it for {word(redis_store.LEASE_SECONDS)} seconds",
    f"Once it fails, it is left alone for {short_circuit.FIRST_PAUSE:g} seconds, and each time",
    f"still fails for twice as long, up to {unit(short_circuit.PAUSE, 'second')}",
    f"An outcome of more than {mebibytes(encoding.MAX_ENCODED_BYTES)} is not shared",
    f"a response stays below {filling.RECEIVED_BY_DEFAULT / (1 << 20):g} MB",
    f"has not been read for longest, and for {unit(unread.LONG_WAIT_SECONDS, 'second')} at least",
    f"held, for {unit(drain._HOLDING_LOOKS * drain._HOLDING_LOOK_SECONDS, 'second')} at the most",
]
OF_OPERATIONS = [
    f"no answer for {circuit_breaker.LONG_SILENCE_SECONDS:g} seconds, a status of {circuit_breaker._SERVER_ERRORS} or",
    f"the probe of health, once {unit(health.OUTAGE_INTERVAL_SECONDS, 'second')}",
]
OF_SECURITY = [
    f"RSA of {key_set._MIN_RSA_BITS} bits and more",
    f"clocks may differ by {tokens.LEEWAY_SECONDS} seconds",
    f"as a text of at most {tokens.MAX_NAME} printable characters",
    f"is at most {kibibytes(bearer.MAX_TOKEN)} long",
    f"They are read at the start, every {keys.REFRESH_SECONDS / 60:g} minutes",
    f"is refused for {keys.ABSENT_SECONDS:g} seconds without another look",
    f"beyond {keys.MAX_WAITING:,} calls that wait, further ones",
    f"within {key_source.FETCH_SECONDS:g} seconds, up to {kibibytes(key_source.MAX_DOCUMENT)}",
    f"for up to {wire_limits.MAX_BATCH:,} calls at once",
    f"nor files of more than {kibibytes(policy_text.MAX_BYTES)}",
    f"again within {policy_file.LOOK_SECONDS:g} seconds of a change",
    f"for at most {on_behalf_of.MAX_KEPT:,} tokens, until {word(on_behalf_of.SPARE_SECONDS / 60)} minutes before",
]
OF_LOCALTWINS = [
    f"is tried again after {retry._FIRST_SECONDS:g} s, then",
    f"ever more slowly, at most {unit(retry._LONGEST_SECONDS, 'minute')} apart",
    f"A blob has {first_answer.PATIENCE_SECONDS:g} seconds for its first answer",
    f"or {word(first_answer.PATIENCE_BESIDE_OTHERS)} second once another job is asked for",
    f"Jobs are forgotten after {job._KEPT_DAYS} days",
    f"Long queries take turns, {word(queries._PLACES)} at a time",
    f"While {queries._MOST} long queries are under way, a further one is refused",
    f"429 `TooManyRequests` with Retry-After {queries._RETRY_AFTER}",
    f"Ids of twins, relationships and jobs have 1 to {identifiers.MAX_LENGTH} characters",
    f"may build on {mebibytes(models.MOST_STORED_BYTES)} of stored models",
    f"An error tells {word(MOST_OF_DOCUMENT)} problems of a model at the most",
    f"and each of them {query_limits.HOPS} hops",
]
OF_ERRORS = [f"kept below {kibibytes(errors.MAX_STATUS_BYTES)}"]

STATED = {
    "guarantees": OF_GUARANTEES,
    "operations": OF_OPERATIONS,
    "security": OF_SECURITY,
    "localtwins": OF_LOCALTWINS,
    "errors": OF_ERRORS,
}


@pytest.mark.parametrize("page", STATED)
def test_a_page_has_the_figures_of_the_code(page: str):
    text = " ".join((CHECKOUT / "docs" / f"{page}.md").read_text().split())
    assert [sentence for sentence in STATED[page] if sentence not in text] == []
