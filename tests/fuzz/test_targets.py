"""Whatever bytes come, those who read them refuse them in time and in words of their own.

`make fuzz` looks for inputs that break this for as long as it is told to, and keeps them in `corpus`.
"""

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .target import CORPUS, Target
from .targets import TARGETS

MOST_SECONDS = 2.0
"""Of processor time, for one input of a few kilobytes."""

EVERY = pytest.mark.parametrize("target", TARGETS.values(), ids=list(TARGETS))


def read(target: Target, data: bytes) -> None:
    began = time.process_time()
    target.read(data)
    assert time.process_time() - began <= MOST_SECONDS


@st.composite
def broken(draw: st.DrawFn, target: Target) -> bytes:
    """A good input with a few pieces of it cut out, repeated or replaced."""
    seed = draw(st.sampled_from(target.seeds))
    head, _, rest = seed.partition(b"\n") if target.heads else (b"", b"", seed)
    data = bytearray(rest)
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(start + draw(st.integers(0, 40)), len(data))
        data[start:end] = draw(st.one_of(st.binary(max_size=8), st.just(bytes(data[start:end] * 2))))
    return head + b"\n" + data if target.heads else bytes(data)


@EVERY
def test_good_inputs_are_read(target: Target):
    for seed in target.seeds:
        read(target, seed)


@EVERY
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_broken_inputs_are_refused(target: Target, data: st.DataObject):
    read(target, data.draw(broken(target)))


@EVERY
def test_inputs_that_something_was_wrong_with_are_refused(target: Target):
    for path in target.kept():
        read(target, path.read_bytes())


def test_every_folder_of_the_corpus_belongs_to_a_target():
    assert {path.parent.name for path in CORPUS.glob("*/*")} <= set(TARGETS)
