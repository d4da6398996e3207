"""A cache of rooms that follows the graph, and a watch that goes on where another one has ended.

It needs a server: TWINFRONT_ADDRESS, or localhost:50051.
"""

import os
from threading import Event

from twinfront import Change, DigitalTwin, Relationship, Reset, TwinCache, TwinfrontClient, patch


def main() -> None:
    """Changes a room of the sample building, and sees it change."""
    with TwinfrontClient(os.environ.get("TWINFRONT_ADDRESS", "localhost:50051")) as client:
        cache(client)
        watch(client)


def cache(client: TwinfrontClient) -> None:
    """Keeps the rooms in memory."""
    is_told = Event()

    def changed(before: DigitalTwin | Relationship, after: DigitalTwin | Relationship) -> None:
        print(after.id, "had", before["temperature"], "and has", after["temperature"])
        is_told.set()

    with TwinCache(client, digital_twin_id_prefixes=["room-"], indexed=["/temperature"], changed=changed) as rooms:
        rooms.synced(timeout=30)
        client.update_digital_twin("room-001", patch().replace("/temperature", 23.5))
        is_told.wait(30)
        print([room.id for room in rooms.find("/temperature", 23.5)])


def watch(client: TwinfrontClient) -> None:
    """Ends a watch, and goes on with another one: nothing is missed in between."""
    with client.watch(digital_twin_ids=["room-001"]) as begun:
        next(begun)  # a checkpoint: from here on the watch sees everything
    client.update_digital_twin("room-001", patch().replace("/temperature", 21.5))
    with client.watch(digital_twin_ids=["room-001"], resume_token=begun.resume_token) as going_on:
        for item in going_on:
            match item:
                case Change():
                    print(item.kind, item.digital_twin_id, list(item.patch))
                    break
                case Reset():
                    print("read everything again:", item.reason)


if __name__ == "__main__":
    main()
