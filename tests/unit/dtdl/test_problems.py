"""What a DtdlError says: messages the service is known to repeat, unresolved references, all problems at once."""

from typing import Any

import pytest

from localtwins.dtdl import DtdlError, parse

from .models import interface, prop


def error_of(*models: Any, resolve: Any = None):
    with pytest.raises(DtdlError) as caught:
        parse(models, resolve)
    return caught.value


def test_message_for_a_missing_context():
    assert str(error_of({})) == (
        "In source, top-level JSON object has no @context specifier. Add a '@context' property whose value is a valid "
        "DTDL context specifier, such as 'dtmi:dtdl:context;2'."
    )


def test_message_for_a_missing_id():
    assert str(error_of({"@context": "dtmi:dtdl:context;2", "displayName": "no id"})) == (
        "In source, top-level JSON element requires an identifer but none provided. Add an '@id' property whose value "
        "is a string that conforms to the DTMI syntax -- see https://github.com/Azure/digital-twin-model-identifier."
    )


def test_message_for_an_unresolved_component():
    component = {"@type": "Component", "name": "sensor", "schema": "dtmi:example:Sensor;1"}
    error = error_of(interface(contents=[component]))

    assert str(error) == (
        "DtmiResolverAsync failed to resolve requisite references to element(s): "
        "dtmi:example:Sensor;1 (referenced in 1 place)"
    )
    assert error.unresolved == [("dtmi:example:Sensor;1", 1)]


def test_unresolved_references_are_counted_by_place():
    components = [{"@type": "Component", "name": name, "schema": "dtmi:example:Sensor;1"} for name in ("a", "b")]
    error = error_of(interface(extends="dtmi:example:Base;1", contents=components))

    assert error.unresolved == [("dtmi:example:Base;1", 1), ("dtmi:example:Sensor;1", 2)]
    assert str(error).endswith(
        "dtmi:example:Base;1 (referenced in 1 place), dtmi:example:Sensor;1 (referenced in 2 places)"
    )


def test_a_property_schema_that_nothing_defines_is_unresolved():
    assert error_of(interface(contents=[prop("dtmi:example:schema;1")])).unresolved == [("dtmi:example:schema;1", 1)]


def test_a_relationship_target_need_not_exist():
    relationship = {"@type": "Relationship", "name": "r", "target": "dtmi:example:Nowhere;1"}

    assert parse([interface(contents=[relationship])])[0].relationships["r"].target == "dtmi:example:Nowhere;1"


def test_a_broken_model_of_the_batch_does_not_count_as_unresolved():
    error = error_of(
        interface("Heir", extends="dtmi:example:Base;1"), interface("Base", extends=5, contents=[{"@type": "Nothing"}])
    )

    assert error.unresolved == []


def test_references_are_resolved_through_the_callers_function():
    stored = {
        "dtmi:example:Base;1": interface("Base", extends="dtmi:example:Root;1"),
        "dtmi:example:Root;1": interface("Root"),
    }
    asked = []

    def resolve(dtmi: str) -> dict[str, Any] | None:
        asked.append(dtmi)
        return stored.get(dtmi)

    (heir,) = parse([interface("Heir", extends="dtmi:example:Base;1")], resolve)

    assert heir.bases == {"dtmi:example:Heir;1", "dtmi:example:Base;1", "dtmi:example:Root;1"}
    assert set(asked) == {"dtmi:example:Base;1", "dtmi:example:Root;1"}


def test_only_dtdl_4_is_an_unsupported_version():
    assert error_of(interface(version=4)).unsupported_version
    assert error_of(
        interface() | {"@context": ["dtmi:dtdl:context;4#limitless", "dtmi:dtdl:limits:onvif;1"]}
    ).unsupported_version
    assert not error_of(interface(version=5)).unsupported_version
    assert not error_of({}).unsupported_version


def test_all_problems_of_a_batch_are_collected_and_name_their_element():
    broken = interface("A", contents=[prop("int"), prop("string", name="_b")], displayName=5)
    error = error_of(broken, {}, interface("C", colour="red"))

    assert [(problem.rule, problem.element) for problem in error.problems] == [
        ("badDtmiOrTerm", "dtmi:example:A:_contents:__reading;1"),
        ("objectCountBelowMin", "dtmi:example:A:_contents:__reading;1"),
        ("stringInvalid", "dtmi:example:A:_contents:___b;1"),
        ("langStringElementNotStringOrObject", "dtmi:example:A;1"),
        ("missingContext", ""),
        ("noTypeThatAllows", "dtmi:example:C;1"),
    ]


def test_problems_are_told_document_by_document_one_of_each_first():
    broken = interface("A", contents=[prop("int"), prop("string", name="_b")])
    component = {"@type": "Component", "name": "c", "schema": "dtmi:example:Gone;1"}
    error = error_of(interface("Fine"), {}, broken, interface("D", contents=[component], extends="dtmi:example:Gone;1"))

    told = list(error.by_document())
    assert [index for index, _ in told] == [1, 2, 3, 2, 2]
    assert told[2][1] == (
        "dtmi:example:D:_contents:__c;1 property 'schema' refers to dtmi:example:Gone;1, which is neither among the "
        "models nor stored."
    )


@pytest.mark.parametrize(
    "unreadable",
    [
        {"@id": "dtmi:example:B;1", "@type": "Interface"},
        {"@id": "dtmi:example:B;1", "@type": "Interface", "@context": "dtmi:dtdl:context;9"},
        interface("B") | {"@type": "Property"},
        interface("B", comment="x" * 1_100_000),
        interface("B") | {"@graph": []},
    ],
)
def test_a_model_of_the_batch_that_is_unreadable_does_not_count_as_unresolved(unreadable: Any):
    error = error_of(unreadable, interface("A", version=3, extends="dtmi:example:B;1"))

    assert error.unresolved == []
    assert [problem.document for problem in error.problems] == [0]


def test_a_long_name_leaves_the_reason_readable():
    error = error_of(interface(version=3, contents=[prop("string", name="a" * 5_000)]))

    assert str(error).endswith("aaa;1 property 'name' is longer than the 512 characters allowed.")
    assert len(str(error)) < 400


def test_two_contents_of_one_name_are_named():
    assert "whose property 'name' is 'reading'" in str(error_of(interface(contents=[prop("string"), prop("double")])))


def test_an_element_with_an_id_of_its_own_is_told_with_its_interface():
    content = prop("string", writable=5, **{"@id": "dtmi:my:own;1"})

    assert str(error_of(interface(contents=[content]))).startswith(
        "dtmi:my:own;1 in dtmi:example:Room;1 property 'writable'"
    )


def test_messages_are_bounded_whatever_the_caller_wrote():
    error = error_of(interface(**{"c" * 500_000: 1}), interface() | {"@id": "d" * 500_000})

    assert all(len(problem.message) + len(problem.element) < 10_000 for problem in error.problems)


def test_a_problem_is_a_value_error_that_joins_the_messages():
    error = error_of({}, interface(colour="red"))

    assert issubclass(type(error), ValueError)
    assert str(error) == " ".join(problem.message for problem in error.problems)
