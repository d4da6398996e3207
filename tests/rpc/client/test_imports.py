"""Imports run when their reports are read, and say so when nobody reads them."""

import gc
import warnings
from typing import Any

import pytest

from twinfront import AsyncTwinfrontClient, DigitalTwin, ImportProgress, TwinNotFoundError

MODEL = {"@context": "dtmi:dtdl:context;3", "@id": "dtmi:test:Room;1", "@type": "Interface"}


def rooms(*ids: str) -> list[Any]:
    return [MODEL, *(DigitalTwin(id=room, model_id="dtmi:test:Room;1") for room in ids)]


async def test_run_imports_all_and_tells_the_progress(client: AsyncTwinfrontClient) -> None:
    report = await client.import_graph(rooms("a", "b")).run()
    assert report.progress == ImportProgress(3, 1, 2, 0, 0)
    assert report.results == []
    assert (await client.get_digital_twin("b")).id == "b"


async def test_run_keeps_the_results_of_what_failed(client: AsyncTwinfrontClient) -> None:
    report = await client.import_graph([*rooms("a"), *({"$dtId": f"bad-{n}"} for n in range(150))]).run()
    assert report.progress.failed == 150
    assert len(report.results) == 100
    assert report.results[0].resource == "digitaltwins/bad-0"


async def test_run_imports_a_text(client: AsyncTwinfrontClient) -> None:
    text = b'{"Section": "Header"}\n{"fileVersion": "1.0.0"}\n{"Section": "Twins"}\n{"$dtId": "of-no-model"}\n'
    report = await client.import_graph_text([text]).run()
    assert report.progress.failed == 1


async def test_an_import_that_nobody_reads_warns_and_sends_nothing(client: AsyncTwinfrontClient) -> None:
    unread = [client.import_graph(rooms("a"))]
    with pytest.warns(RuntimeWarning, match="does nothing: iterate over it, or call its run"):
        unread.clear()
    with pytest.raises(TwinNotFoundError):
        await client.get_digital_twin("a")


async def test_an_import_that_is_read_or_closed_does_not_warn(client: AsyncTwinfrontClient) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", RuntimeWarning)
        _ = [report async for report in client.import_graph(rooms("a"))]
        await client.import_graph(rooms("b")).aclose()
        gc.collect()
    assert [str(warning.message) for warning in caught if warning.category is RuntimeWarning] == []
