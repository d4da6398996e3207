"""Two writers of one twin, and a twin that its relationships keep from being deleted.

It needs a server: TWINFRONT_ADDRESS, or localhost:50051.
"""

import os
from contextlib import suppress

from twinfront import (
    AlreadyExistsError,
    DigitalTwin,
    EtagMismatchError,
    Relationship,
    TwinfrontClient,
    TwinHasRelationshipsError,
    patch,
)

ROOM = {
    "@context": "dtmi:dtdl:context;3",
    "@id": "dtmi:example:python:Room;1",
    "@type": "Interface",
    "contents": [
        {"@type": "Property", "name": "temperature", "schema": "double"},
        {"@type": "Relationship", "name": "leadsTo"},
    ],
}
LOBBY, LIBRARY = "python-lobby", "python-library"


def main() -> None:
    """Furnishes two rooms, and runs into both errors."""
    with TwinfrontClient(os.environ.get("TWINFRONT_ADDRESS", "localhost:50051")) as client:
        with suppress(AlreadyExistsError):  # there from the last run
            client.create_models([ROOM])
        for room in (LOBBY, LIBRARY):
            twin = DigitalTwin(model_id="dtmi:example:python:Room;1", properties={"temperature": 20.5})
            client.create_or_replace_digital_twin(room, twin)
        conflict(client)
        blocked_delete(client)


def conflict(client: TwinfrontClient) -> None:
    """Writes under an etag that another write made stale, then with the client's own retry."""
    stale = client.get_digital_twin(LOBBY).etag
    try:
        for temperature in (21.0, 22.0):  # the first write makes the etag of the second one stale
            client.update_digital_twin(LOBBY, patch().replace("/temperature", temperature), if_match=stale)
    except EtagMismatchError as error:
        print("somebody was faster:", str(error.current_etag != stale).lower())
    client.update_with_retry(LOBBY, lambda twin: patch().replace("/temperature", twin["temperature"] + 1))
    print("temperature:", client.get_digital_twin(LOBBY)["temperature"])


def blocked_delete(client: TwinfrontClient) -> None:
    """Deletes a twin that a relationship points to, first alone, then along with it."""
    client.create_or_replace_relationship(LOBBY, "door", Relationship(name="leadsTo", target_id=LIBRARY))
    try:
        client.delete_digital_twin(LIBRARY)
    except TwinHasRelationshipsError as error:
        for blocker in error.incoming:
            print("in the way:", blocker.source_id, blocker.name, blocker.target_id)
    deleted = client.delete_digital_twin(LIBRARY, relationships="detach")
    print("deleted, with relationships:", deleted.incoming_relationships)


if __name__ == "__main__":
    main()
