"""Times of Python as properties."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from twinfront import AsyncTwinfrontClient, DigitalTwin, Timestamp, patch

SCHEMAS = ("dateTime", "date", "time", "duration")
MODEL = {
    "@context": "dtmi:dtdl:context;3",
    "@id": "dtmi:test:Times;1",
    "@type": "Interface",
    "contents": [{"@type": "Property", "name": f"a_{schema}", "schema": schema} for schema in SCHEMAS],
}


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("a_dateTime", datetime(2024, 5, 1, 12, tzinfo=UTC), "2024-05-01T12:00:00.000000Z"),
        ("a_dateTime", Timestamp("2024-05-01T12:00:00.1234567Z"), "2024-05-01T12:00:00.1234567Z"),
        ("a_date", date(2024, 5, 1), "2024-05-01"),
        ("a_time", time(12, 30, 1), "12:30:01"),
        ("a_duration", timedelta(days=2, seconds=1.5), "PT172801.5S"),
        ("a_duration", timedelta(0), "PT0S"),
    ],
)
async def test_a_time_can_be_set_in_every_way(
    client: AsyncTwinfrontClient, name: str, value: object, text: str
) -> None:
    await client.create_models([MODEL])
    created = await client.create_or_replace_digital_twin(
        "x", DigitalTwin(model_id="dtmi:test:Times;1", properties={name: value})
    )
    await client.update_digital_twin("x", patch().replace(f"/{name}", value))
    await client.merge_digital_twin("x", {name: value})
    assert created[name] == text
    assert (await client.get_digital_twin("x"))[name] == text
