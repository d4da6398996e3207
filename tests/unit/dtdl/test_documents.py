"""Documents: contexts, keywords, and the JSON-LD ways of writing things."""

from typing import Any

import pytest

from .models import interface, prop, rules

DTDL_2 = "dtmi:dtdl:context;2"
DTDL_3 = "dtmi:dtdl:context;3"
ROOM = {"@id": "dtmi:example:Room;1", "@type": "Interface"}


@pytest.mark.parametrize(
    "context",
    [
        DTDL_2,
        DTDL_3,
        [DTDL_2],
        [DTDL_2, DTDL_2],
        [DTDL_2, "dtmi:com:thirdparty;1"],
        [DTDL_3, "dtmi:dtdl:extension:quantitativeTypes;1"],
        [DTDL_3, "dtmi:dtdl:extension:annotation;1", "dtmi:dtdl:extension:overriding;1"],
        "dtmi:iotcentral:context;2",
        ["dtmi:iotcentral:context;2", DTDL_2],
        ["dtmi:iotcentral:context;2", "dtmi:com:thirdparty;1"],
        [DTDL_2, "dtmi:iotcentral:context;2"],
    ],
)
def test_contexts_of_the_language_are_accepted(context: Any):
    assert rules({"@context": context, **ROOM}) == []


@pytest.mark.parametrize(
    ("context", "rule"),
    [
        ([], "emptyContext"),
        (5, "invalidContext"),
        (None, "invalidContext"),
        ("dtmi:dtdl:context;1", "unrecognizedContextVersion"),
        ("dtmi:dtdl:context;5", "unrecognizedContextVersion"),
        ("dtmi:dtdl:context;2.0", "invalidContextSpecifier"),
        ("dtmi:dtdl:context;4", "disallowedContextVersion"),
        ("dtmi:com:thirdparty;1", "missingDtdlContext"),
        ("dtmi:iotcentral:context;1", "missingDtdlContext"),
        (["dtmi:com:thirdparty;1", "dtmi:iotcentral:context;2"], "missingDtdlContext"),
        ([DTDL_2, "dtmi:iotcentral:context;2", DTDL_2], "dtdlContextFollowsAffiliate"),
        ([DTDL_3, "dtmi:com:thirdparty;1"], "unresolvableContextSpecifier"),
        ([DTDL_3, "dtmi:dtdl:extension:quantitativeTypes;9"], "unresolvableContextSpecifier"),
        ([DTDL_3, "dtmi:dtdl:limits:onvif;1"], "misplacedLimitContext"),
        ([DTDL_2, "dtmi:com:thirdparty;1", DTDL_2], "dtdlContextFollowsAffiliate"),
        ([DTDL_2, "https://example.com/context"], "nonDtmiContextSpecifier"),
        ([DTDL_2, {"term": "dtmi:com:thirdparty;1"}], "disallowedLocalContext"),
    ],
)
def test_contexts_of_no_version_are_refused(context: Any, rule: str):
    assert rules({"@context": context, **ROOM}) == [rule]


def test_a_model_without_context_is_refused():
    assert rules(ROOM) == ["missingContext"]


@pytest.mark.parametrize("model", [5, "Room", None, [], [{"@context": DTDL_2, **ROOM}]])
def test_only_objects_are_models(model: Any):
    assert rules(model) == ["notJsonObject"]


@pytest.mark.parametrize("kind", [None, [], "interface", "Property", ["Telemetry"], 5])
def test_only_interfaces_may_stand_at_top_level(kind: Any):
    assert rules({"@context": DTDL_2, "@id": "dtmi:example:Room;1", "@type": kind}) == ["typeNotRootable"]


def test_an_interface_inside_an_interface_is_refused():
    inner = interface("Sensor")
    component = {"@type": "Component", "name": "sensor", "schema": inner}

    assert rules(interface(contents=[component])) == ["inlineInterface"]


@pytest.mark.parametrize("version", [2, 3])
def test_a_graph_is_refused(version: int):
    assert rules(interface(version=version, **{"@graph": []})) == ["topLevelGraphDisallowed"]


def test_dtdl_2_ignores_unknown_keywords_and_dtdl_3_does_not():
    assert rules(interface(version=2, **{"@index": 1})) == []
    assert rules(interface(version=3, **{"@index": 1})) == ["topLevelKeywordDisallowed"]


def test_unknown_properties_are_refused():
    assert rules(interface(version=2, colour="red")) == ["noTypeThatAllows"]
    assert rules(interface(version=3, colour="red")) == ["propertyUndefinedTerm"]


def test_dtdl_2_takes_unknown_co_types_with_what_they_may_bring():
    assert rules(interface(version=2, **{"@type": ["Interface", "Painted"]}, colour="red")) == []
    assert rules(interface(version=3, **{"@type": ["Interface", "Painted"]})) == ["typeUndefinedTerm"]


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("term", ["contents", "schemas", "extends", "comment", "displayName", "description"])
def test_null_is_never_a_value(version: int, term: str):
    assert rules(interface(version=version, **{term: None})) != []


@pytest.mark.parametrize("version", [2, 3])
def test_full_dtmis_may_stand_for_terms(version: int):
    model = interface(
        version=version,
        **{
            "@type": f"dtmi:dtdl:class:Interface;{version}",
            f"dtmi:dtdl:property:contents;{version}": {
                "@type": [f"dtmi:dtdl:class:Property;{version}"],
                f"dtmi:dtdl:property:name;{version}": "label",
                f"dtmi:dtdl:property:schema;{version}": f"dtmi:dtdl:instance:Schema:string;{version}",
            },
        },
    )

    assert rules(model) == []


def test_a_term_and_its_dtmi_may_not_both_be_given():
    assert rules(interface(comment="a", **{"dtmi:dtdl:property:comment;2": "b"})) == ["duplicatePropertyName"]


def test_a_reference_is_a_string_and_not_an_object():
    model = interface(extends={"@id": "dtmi:example:Base;1"})

    assert rules(model, interface("Base")) == ["idReference"]


@pytest.mark.parametrize(
    "written", ["label", ["label"], {"@value": "label"}, [{"@value": "label", "@type": "xsd:string"}]]
)
def test_ways_to_write_a_literal(written: Any):
    assert rules(interface(contents=[prop("string", name=written)])) == []


@pytest.mark.parametrize(
    ("written", "rule"),
    [
        (["label", "other"], "stringMultipleValues"),
        ([], "stringCountBelowMin"),
        ({"@value": "label", "unit": 1}, "valueObjectInvalidProp"),
        ({"@value": "label", "@type": "xsd:integer"}, "stringTypeNotString"),
        ({"value": "label"}, "stringObjectNoValue"),
        (5, "stringNotString"),
        (None, "stringNotString"),
    ],
)
def test_wrong_ways_to_write_a_literal(written: Any, rule: str):
    assert rule in rules(interface(contents=[prop("string", name=written, **{"@id": "dtmi:example:reading;1"})]))


def test_the_same_id_may_not_be_defined_twice():
    assert rules(interface(), interface()) == ["duplicateDefinition"]


def test_two_versions_of_a_model_may_be_created_together():
    assert rules(interface(), interface() | {"@id": "dtmi:example:Room;2"}) == []


def test_older_dtdl_may_be_nested_in_newer_and_not_the_reverse():
    assert rules(interface(version=3, contents=[prop("string", **{"@context": DTDL_2})])) == []
    assert rules(interface(version=2, contents=[prop("string", **{"@context": DTDL_3})])) == [
        "disallowedVersionDefinition"
    ]


@pytest.mark.parametrize("version", [2, 3])
def test_a_model_larger_than_one_mebibyte_is_refused(version: int):
    contents = [prop("string", name=f"reading{index}", description="d" * 500) for index in range(290)]
    models = [interface(f"Room{index}", version, contents=contents) for index in range(2)]
    huge = interface(version=version, comment="c", contents=contents * 8)

    assert rules(*models) == []
    assert rules(huge) == ["partitionTooLarge"]
