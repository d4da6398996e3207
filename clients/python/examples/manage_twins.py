"""A walk through "Manage digital twins" of the Azure Digital Twins documentation, against a running server.

    make run                                                  # in one terminal
    .venv/bin/python clients/python/examples/manage_twins.py  # in another

It makes models and twins under names of its own, shows what it does, and removes them in the end; it can be run again
and beside others. If anything is not as the page promises, the exit status is 1.
"""

import argparse
import os
import sys
import uuid
from datetime import UTC, datetime
from typing import Any

from twinfront import (
    BlockingRelationship,
    Component,
    DigitalTwin,
    EtagMismatchError,
    NotFoundError,
    Relationship,
    TlsConfig,
    TwinfrontClient,
    TwinfrontError,
    TwinHasRelationshipsError,
    ValidationFailedError,
    patch,
)


class UnexpectedError(Exception):
    """Something is not as the page promises."""


class Names:
    """Makes the names of one run, which nobody else uses."""

    def __init__(self) -> None:
        run = uuid.uuid4().hex[:8]
        self.room = f"manage-twins-{run}-room"
        self.corridor = f"manage-twins-{run}-corridor"
        self.twins = [self.room, self.corridor]
        self.thermostat_1 = f"dtmi:twinfront:example:run{run}:Thermostat;1"
        self.ventilation_1 = f"dtmi:twinfront:example:run{run}:Ventilation;1"
        self.room_1 = f"dtmi:twinfront:example:run{run}:Room;1"
        self.room_2 = f"dtmi:twinfront:example:run{run}:Room;2"
        # The rooms before the models of their components, which cannot be deleted as long as they are in use.
        self.models = [self.room_1, self.room_2, self.thermostat_1, self.ventilation_1]


def main() -> int:
    """Walks, cleans up whatever happened, and tells whether all went well."""
    names = Names()
    with connect(parse_arguments()) as client:
        try:
            next(client.list_models(page_size=1, timeout=5.0).pages())
        except TwinfrontError as error:
            print(f"No server answers there; `make run` starts one. {error}", file=sys.stderr)
            return 1
        try:
            try:
                walk(client, names)
            finally:
                delete_everything(client, names)
        except (UnexpectedError, TwinfrontError) as error:
            print(f"\nThis was not to happen: {error}", file=sys.stderr)
            return 1
    print("\nDone: every section of the page, and nothing left behind.")
    return 0


def walk(client: TwinfrontClient, names: Names) -> None:
    """Walks through the page, section by section."""
    upload_models(client, names)
    create_a_twin(client, names)
    replace_several_properties(client, names)
    patch_a_component(client, names)
    add_an_object_and_replace_its_member(client, names)
    migrate_to_another_model(client, names)
    keep_a_source_time(client, names)
    let_two_writers_meet(client, names)
    delete_a_twin_that_has_relationships(client, names)


def upload_models(client: TwinfrontClient, names: Names) -> None:
    """Uploads a room with a thermostat in it, and a second version of the room with more to it."""
    heading("Upload the models")
    contents: list[dict[str, Any]] = [
        {"@type": "Property", "name": "name", "schema": "string"},
        {"@type": "Property", "name": "temperature", "schema": "double"},
        {"@type": "Property", "name": "humidity", "schema": "double"},
        {"@type": "Property", "name": "visitors", "schema": "integer"},
        {
            "@type": "Property",
            "name": "size",
            "schema": {
                "@type": "Object",
                "fields": [{"name": "width", "schema": "double"}, {"name": "length", "schema": "double"}],
            },
        },
        {"@type": "Component", "name": "thermostat", "schema": names.thermostat_1},
        {"@type": "Relationship", "name": "opensTo"},
    ]
    more: list[dict[str, Any]] = [
        {"@type": "Property", "name": "co2", "schema": "integer"},
        {"@type": "Component", "name": "ventilation", "schema": names.ventilation_1},
    ]
    created = client.create_models(
        [
            interface(names.thermostat_1, [{"@type": "Property", "name": "setpoint", "schema": "double"}]),
            interface(names.ventilation_1, [{"@type": "Property", "name": "airflow", "schema": "double"}]),
            interface(names.room_1, contents),
            interface(names.room_2, [*contents, *more]),
        ]
    )
    for model in created:
        say(model.id)


def create_a_twin(client: TwinfrontClient, names: Names) -> None:
    """Creates a twin with properties and a component; properties that are not set do not show."""
    heading("Create a twin with initial properties and a component")
    client.create_or_replace_digital_twin(
        names.room,
        DigitalTwin(
            model_id=names.room_1,
            properties={"name": "Reading room", "temperature": 20.5, "humidity": 41.0, "visitors": 3},
            components={"thermostat": Component({"setpoint": 20.0})},
        ),
    )
    twin = client.get_digital_twin(names.room)
    show(twin)
    expect("size" not in twin, "a property that was never set does not show")
    expect(twin.components["thermostat"].properties == {"setpoint": 20.0}, "the component has its initial value")


def replace_several_properties(client: TwinfrontClient, names: Names) -> None:
    """Replaces several properties: one patch is one write, however many operations it has."""
    heading("Replace several properties in one patch")
    client.update_digital_twin(names.room, patch().replace("/temperature", 21.75).replace("/humidity", 44.0))
    twin = client.get_digital_twin(names.room)
    show(twin)
    expect((twin["temperature"], twin["humidity"]) == (21.75, 44.0), "both properties have their new values")


def patch_a_component(client: TwinfrontClient, names: Names) -> None:
    """Patches a component by a path that begins with its name, and on its own."""
    heading("Patch a property of a component, by path")
    client.update_digital_twin(names.room, patch().replace("/thermostat/setpoint", 21.0))
    thermostat = client.get_component(names.room, "thermostat")
    say(f"thermostat: {thermostat.properties}")
    expect(thermostat.properties == {"setpoint": 21.0}, "the component has the new value")
    client.update_component(names.room, "thermostat", patch().replace("/setpoint", 21.5))
    thermostat = client.get_component(names.room, "thermostat")
    expect(thermostat.properties == {"setpoint": 21.5}, "and again, patched as a component")


def add_an_object_and_replace_its_member(client: TwinfrontClient, names: Names) -> None:
    """Adds a whole object, as there is no path into one that was never set, and then replaces its member."""
    heading("Add an object, then replace its member")
    client.update_digital_twin(names.room, patch().add("/size", {"width": 6.0, "length": 9.5}))
    client.update_digital_twin(names.room, patch().replace("/size/length", 10.0))
    twin = client.get_digital_twin(names.room)
    say(f"size: {twin['size']}")
    expect(twin["size"] == {"width": 6.0, "length": 10.0}, "one member is replaced, the other is as it was")


def migrate_to_another_model(client: TwinfrontClient, names: Names) -> None:
    """Migrates a twin to another model: what that model requires comes in the same patch."""
    heading("Migrate the twin to another model")
    try:
        client.update_digital_twin(names.room, patch().migrate(names.room_2))
    except ValidationFailedError as error:
        say(f"the model alone is refused: {error.message}")
    else:
        raise UnexpectedError("the twin was migrated without the component that the new model requires")
    client.update_digital_twin(
        names.room,
        patch().migrate(names.room_2).add("/co2", 620).add("/ventilation", Component({"airflow": 80.0}).to_dict()),
    )
    twin = client.get_digital_twin(names.room)
    show(twin)
    expect((twin.model_id, twin["co2"]) == (names.room_2, 620), "the twin is one of the new model")


def keep_a_source_time(client: TwinfrontClient, names: Names) -> None:
    """Keeps the time at which a value was observed, when a later write changes only the value."""
    heading("Record when a value was observed")
    observed = datetime(2026, 3, 29, 7, 30, 12, 250_000, tzinfo=UTC)
    client.update_digital_twin(names.room, patch().replace("/temperature", 22.3).source_time("temperature", observed))
    client.update_digital_twin(names.room, patch().replace("/temperature", 22.9))
    twin = client.get_digital_twin(names.room)
    times = twin.property_metadata["temperature"]
    say(f"temperature {twin['temperature']}, observed {times.source_time}, processed {times.last_update_time}")
    expect(times.source_time is not None and times.source_time.to_datetime() == observed, "the source time is kept")


def let_two_writers_meet(client: TwinfrontClient, names: Names) -> None:
    """Lets two writers meet: under the etag that was read, none overwrites what the other wrote."""
    heading("Two writers on one twin")
    mine = theirs = client.get_digital_twin(names.room)
    client.update_digital_twin(names.room, patch().replace("/visitors", theirs["visitors"] + 1), if_match=theirs.etag)
    try:
        client.update_digital_twin(names.room, patch().replace("/visitors", mine["visitors"] + 1), if_match=mine.etag)
    except EtagMismatchError as error:
        say(f"the second writer gets {error.reason}: expected {error.expected_etag}, is {error.current_etag}")
    else:
        raise UnexpectedError("the second writer overwrote the first")
    client.update_with_retry(names.room, lambda twin: patch().replace("/visitors", twin["visitors"] + 1))
    twin = client.get_digital_twin(names.room)
    say(f"read again and written again: {twin['visitors']} visitors")
    expect(twin["visitors"] == mine["visitors"] + 2, "neither of the two writes is lost")


def delete_a_twin_that_has_relationships(client: TwinfrontClient, names: Names) -> None:
    """Relationships go first, outgoing and incoming ones."""
    heading("Delete a twin that has relationships")
    client.create_or_replace_digital_twin(
        names.corridor, DigitalTwin(model_id=names.room_1, components={"thermostat": Component()})
    )
    for source, target in ((names.room, names.corridor), (names.corridor, names.room)):
        client.create_or_replace_relationship(source, f"to-{target}", Relationship(name="opensTo", target_id=target))
    try:
        client.delete_digital_twin(names.room)
    except TwinHasRelationshipsError as error:
        say(f"the delete is blocked by {error.outgoing_total} outgoing and {error.incoming_total} incoming:")
        blockers: list[BlockingRelationship] = [*error.outgoing, *error.incoming]
        for blocker in blockers:
            say(f"  {blocker.source_id} -{blocker.name}-> {blocker.target_id}")
        expect((error.outgoing_total, error.incoming_total) == (1, 1), "both are named")
    else:
        raise UnexpectedError("a twin with relationships was deleted")
    delete_relationships(client, names.room)
    client.delete_digital_twin(names.room)
    say("relationships removed, and the twin is gone")
    expect(not exists(client, names.room), "the twin cannot be read any more")


def delete_everything(client: TwinfrontClient, names: Names) -> None:
    """Deletes all twins of this run with their relationships, then the models."""
    heading("Delete all twins and models of this run")
    for twin_id in names.twins:
        if exists(client, twin_id):
            delete_relationships(client, twin_id)
            client.delete_digital_twin(twin_id)
            say(twin_id)
    for model_id in names.models:
        try:
            client.delete_model(model_id)
        except NotFoundError:
            continue
        say(model_id)


def delete_relationships(client: TwinfrontClient, twin_id: str) -> None:
    """Deletes all relationships that start from the twin, and all that point to it."""
    outgoing = [(twin_id, relationship.id) for relationship in client.list_relationships(twin_id)]
    incoming = [(entry.source_id, entry.relationship_id) for entry in client.list_incoming_relationships(twin_id)]
    for source_id, relationship_id in outgoing + incoming:
        client.delete_relationship(source_id, relationship_id)


def exists(client: TwinfrontClient, twin_id: str) -> bool:
    """Tells whether there is such a twin."""
    try:
        client.get_digital_twin(twin_id, view="basic")
    except NotFoundError:
        return False
    return True


def interface(model_id: str, contents: list[dict[str, Any]]) -> dict[str, Any]:
    """Makes a DTDL interface."""
    return {"@context": "dtmi:dtdl:context;3", "@id": model_id, "@type": "Interface", "contents": contents}


def heading(text: str) -> None:
    """Begins a section."""
    print(f"\n== {text}")


def say(text: str) -> None:
    """Tells what came of it."""
    print(f"   {text}")


def show(twin: DigitalTwin) -> None:
    """Prints a twin in a few lines."""
    say(f"{twin.id}, {twin.model_id}, etag {twin.etag}")
    say(f"properties: {twin.properties}")
    for name, component in twin.components.items():
        say(f"component {name}: {component.properties}")


def expect(fulfilled: bool, promise: str) -> None:  # noqa: FBT001  (read as `expect(this, "that")`)
    """Raises UnexpectedError unless the promise is kept."""
    if not fulfilled:
        raise UnexpectedError(f"it does not hold that {promise}")


def parse_arguments() -> argparse.Namespace:
    """Reads where the server is, and how to talk to it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--address", default=os.environ.get("TWINFRONT_ADDRESS", "localhost:50051"), help="[%(default)s]"
    )
    parser.add_argument("--tls", action="store_true", help="use TLS; implied by the following three")
    parser.add_argument("--tls-ca", metavar="FILE", help="authorities that vouch for the server, PEM")
    parser.add_argument(
        "--tls-cert", metavar="FILE", help="the client's certificate, PEM, where the server asks for one"
    )
    parser.add_argument("--tls-key", metavar="FILE", help="the private key of --tls-cert, PEM")
    parser.add_argument("--insecure", action="store_true", help="talk in the clear even to another machine")
    return parser.parse_args()


def connect(arguments: argparse.Namespace) -> TwinfrontClient:
    """Makes the client that the arguments ask for; nothing is sent yet."""
    tls: TlsConfig | bool = arguments.tls
    try:
        if arguments.tls_ca or arguments.tls_cert or arguments.tls_key:
            tls = TlsConfig(ca=arguments.tls_ca, cert=arguments.tls_cert, key=arguments.tls_key)
        return TwinfrontClient(
            arguments.address, tls=tls, insecure=arguments.insecure, token=os.environ.get("TWINFRONT_TOKEN")
        )
    except (ValueError, OSError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    sys.exit(main())
