"""Callers who send the same write under a condition at once, and lose answers: one at the most is told of success."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import uuid4

from twinfront import AlreadyExistsError, EtagMismatchError, NotFoundError, OutcomeUnknownError, patch

from .house import serving
from .test_injected_faults import LOBBY, furnish

LOST_PATCHES = "lost=503:on=patch_digital_twin:rate=0.4,error=503:on=patch_digital_twin:rate=0.2"

RACES = 100

COUNTER = {
    "@context": "dtmi:dtdl:context;3",
    "@id": "dtmi:example:Counter;1",
    "@type": "Interface",
    "contents": [
        {"@type": "Property", "name": "total", "schema": "long"},
        {
            "@type": "Property",
            "name": "added",
            "schema": {
                "@type": "Map",
                "mapKey": {"name": "writer", "schema": "string"},
                "mapValue": {"name": "times", "schema": "long"},
            },
        },
    ],
}
NO_COUNT = {"$metadata": {"$model": COUNTER["@id"]}, "total": 0, "added": {}}


async def told(call: Awaitable[object]) -> str:
    """What became of a call: `done`, `refused` or `unknown`."""
    try:
        await call
    except OutcomeUnknownError:
        return "unknown"
    except (EtagMismatchError, AlreadyExistsError, NotFoundError):
        return "refused"
    return "done"


async def races(call: Callable[[int], Awaitable[object]]) -> set[str]:
    """What pairs of rivals were told, each pair at something of its own: `done refused` and the like."""

    async def race(number: int) -> str:
        return " ".join(sorted(await asyncio.gather(told(call(number)), told(call(number)))))

    return set(await asyncio.gather(*map(race, range(RACES))))


def assert_told_truly(outcomes: set[str]) -> None:
    """One of two did it: not both, and neither was refused because of what it had done itself."""
    assert "done refused" in outcomes
    assert not outcomes & {"done done", "refused refused"}


async def test_of_two_who_send_the_same_patch_one_at_the_most_is_told_that_it_was_applied():
    async with serving() as house:
        await furnish(house.client)
        rooms = [await house.client.create_or_replace_digital_twin(f"room-{number}", LOBBY) for number in range(RACES)]
        house.inject(LOST_PATCHES)
        warmer = patch().replace("/temperature", 30.5)
        outcomes = await races(
            lambda number: house.client.update_digital_twin(rooms[number].id, warmer, if_match=rooms[number].etag)
        )
        assert_told_truly(outcomes)


async def test_of_two_who_create_the_same_twin_one_at_the_most_is_told_that_it_did():
    """A lock: who has created it owns it."""
    async with serving() as house:
        await furnish(house.client)
        house.inject("lost=503:on=put_digital_twin:rate=0.4,error=503:on=put_digital_twin:rate=0.2")
        outcomes = await races(
            lambda number: house.client.create_or_replace_digital_twin(f"lock-{number}", LOBBY, if_none_match=True)
        )
        assert_told_truly(outcomes)


async def test_of_two_who_delete_the_same_twin_one_at_the_most_is_told_that_it_did():
    """A piece of work: who has deleted it does it."""
    async with serving() as house:
        await furnish(house.client)
        work = [await house.client.create_or_replace_digital_twin(f"work-{number}", LOBBY) for number in range(RACES)]
        house.inject("lost=503:on=delete_digital_twin:rate=0.4,error=503:on=delete_digital_twin:rate=0.2")
        outcomes = await races(
            lambda number: house.client.delete_digital_twin(work[number].id, if_match=work[number].etag)
        )
        assert_told_truly(outcomes)


async def test_writers_of_one_counter_never_both_take_the_same_step():
    async with serving() as house:
        await house.client.create_models([COUNTER])
        await house.client.create_or_replace_digital_twin("counter", NO_COUNT)
        house.inject(LOST_PATCHES)

        async def count() -> list[int]:
            """The values that this writer was told that it set."""
            acknowledged = []
            for _ in range(60):
                counter = await house.client.get_digital_twin("counter")
                following = counter["total"] + 1
                step = patch().replace("/total", following)
                if await told(house.client.update_digital_twin("counter", step, if_match=counter.etag)) == "done":
                    acknowledged.append(following)
            return acknowledged

        values = [value for writer in await asyncio.gather(*[count() for _ in range(3)]) for value in writer]
        assert len(set(values)) == len(values) > 30


async def test_a_counter_with_marks_of_its_writers_is_exact():
    """As docs/guarantees.md says: each change carries what only its writer writes, and who is told UNKNOWN looks."""
    async with serving() as house:
        await house.client.create_models([COUNTER])
        await house.client.create_or_replace_digital_twin("counter", NO_COUNT)
        house.inject(LOST_PATCHES)

        async def count(steps: int) -> None:
            writer = str(uuid4())
            done = 0
            while done < steps:
                counter = await house.client.get_digital_twin("counter")
                if counter["added"].get(writer, 0) > done:
                    done += 1  # the step of which nobody knew
                    continue
                step = patch().replace("/total", counter["total"] + 1).add(f"/added/{writer}", done + 1)
                if await told(house.client.update_digital_twin("counter", step, if_match=counter.etag)) == "done":
                    done += 1

        await asyncio.gather(*[count(20) for _ in range(3)])
        counter = await house.client.get_digital_twin("counter")
        assert counter["total"] == sum(counter["added"].values()) == 60
