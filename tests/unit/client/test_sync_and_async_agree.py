"""The two clients have the same methods, with the same parameters and the same words."""

import inspect
from inspect import Parameter

import pytest

from twinfront import AsyncTwinfrontClient, TwinfrontClient


def methods(client: type) -> dict[str, inspect.Signature]:
    return {
        name: inspect.signature(member)
        for name, member in inspect.getmembers(client, callable)
        if not name.startswith("_")
    }


SYNC, ASYNC = methods(TwinfrontClient), methods(AsyncTwinfrontClient)
CALLS = sorted(set(SYNC) - {"close", "from_channel"})


def test_the_methods_are_the_same() -> None:
    assert set(SYNC) == set(ASYNC)


@pytest.mark.parametrize("name", [*sorted(SYNC), "__init__"])
def test_the_parameters_are_the_same(name: str) -> None:
    def shape(client: type) -> list[tuple[str, object, object]]:
        parameters = inspect.signature(getattr(client, name)).parameters.values()
        return [(parameter.name, parameter.kind, parameter.default) for parameter in parameters]

    assert shape(TwinfrontClient) == shape(AsyncTwinfrontClient)


@pytest.mark.parametrize("name", CALLS)
def test_the_summaries_are_the_same(name: str) -> None:
    def summary(client: type) -> str:
        return (inspect.getdoc(getattr(client, name)) or "").partition("\n")[0]

    assert summary(TwinfrontClient)
    assert summary(TwinfrontClient) == summary(AsyncTwinfrontClient)


@pytest.mark.parametrize("name", CALLS)
def test_every_call_takes_a_timeout_and_metadata(name: str) -> None:
    for parameter in ("timeout", "metadata"):
        assert SYNC[name].parameters[parameter].kind is Parameter.KEYWORD_ONLY


@pytest.mark.parametrize("name", CALLS)
def test_every_argument_is_described(name: str) -> None:
    described = inspect.getdoc(getattr(TwinfrontClient, name)) or ""
    assert [p for p in SYNC[name].parameters if p != "self" and f"\n    {p}: " not in described] == []
