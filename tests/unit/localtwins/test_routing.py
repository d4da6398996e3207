"""Paths to resources."""

from typing import Any

import pytest

from localtwins.errors import AdtError
from localtwins.message import Response
from localtwins.rest.routing import Route, Router
from localtwins.rest_api import OPERATIONS


async def handler(*_arguments: Any) -> Response:
    return Response(200, {})


READ = Route(OPERATIONS["get_digital_twin"], handler)


@pytest.fixture
def router() -> Router:
    return Router({"/things": {"GET": READ}, "/things/{}": {"GET": READ}, "/things/{}/parts/{}": {"PUT": READ}})


@pytest.mark.parametrize(
    ("path", "ids"),
    [
        ("/things", []),
        ("/THINGS", []),
        ("/things/", [""]),
        ("/things/a", ["a"]),
        ("/things/Things", ["Things"]),
        ("/things/{}", ["{}"]),
        ("/things/a%2Fb%20%C3%A9", ["a/b é"]),
        ("/things/a+b", ["a+b"]),
        ("/things/a/Parts/b", ["a", "b"]),
        ("/things//parts/", ["", ""]),
    ],
)
def test_a_path_leads_to_its_operation_and_ids(router: Router, path: str, ids: list[str]):
    found = router.find(path)
    assert found is not None
    assert found[1] == ids


@pytest.mark.parametrize("path", ["", "/", "/{}", "/things/a/parts", "/things/a/parts/b/c", "/other", "//things"])
def test_a_path_of_no_operation_is_not_found(router: Router, path: str):
    assert router.find(path) is None


def test_an_id_that_is_not_utf_8(router: Router):
    with pytest.raises(AdtError, match="percent-encoded UTF-8"):
        router.find("/things/%FF")
