"""Which field of the request a complaint of the upstream is about."""

import pytest

from twinfront_server.adt.body import Body
from twinfront_server.errors import MAX_LISTED
from twinfront_server.reasons import InvalidReason, Reason
from twinfront_server.upstream import operation as operations
from twinfront_server.upstream.operation import Asked, Origin
from twinfront_server.upstream.refusals.violations import violated_fields

TWIN = {"digital_twin_id": "room"}
RELATIONSHIP = {"digital_twin_id": "floor", "relationship_id": "r"}
COMPONENT = {"digital_twin_id": "room", "component_name": "thermostat"}


def _field(asked: Asked, complaint: str, reason: InvalidReason = Reason.VALIDATION_FAILED) -> str:
    ((field, told),) = violated_fields(reason, [complaint], asked)
    assert told == complaint
    return field


@pytest.mark.parametrize(
    ("complaint", "field"),
    [
        ("ValidationFailed: color does not appear on the DTDL for Twin.", 'digital_twin.properties["color"]'),
        ("color does not appear on the DTDL for Twin.", 'digital_twin.properties["color"]'),
        (
            "ValidationFailed: Expected value of type double for setpoint on thermostat.",
            'digital_twin.components["thermostat"].properties["setpoint"]',
        ),
        ("Expected value of type string for address/city on Twin.", 'digital_twin.properties["address"]'),
        ("The string value of note on Twin is longer than 4096 bytes.", 'digital_twin.properties["note"]'),
        ("ValidationFailed: dtmi:a:B;1 or one of its dependencies does not exist.", "digital_twin.model_id"),
        ("dtmi:a:B;1 is odd.", "digital_twin"),
        ("Room or one of its dependencies does not exist.", "digital_twin"),
        ("Twin is missing component thermostat.", 'digital_twin.components["thermostat"]'),
        ("Twin is missing $metadata of component thermostat.", 'digital_twin.components["thermostat"]'),
        ("Something else is wrong.", "digital_twin"),
    ],
)
def test_members_of_a_typed_twin(complaint: str, field: str):
    assert _field(Asked(operations.PUT_DIGITAL_TWIN, TWIN, Body(b"{}", "digital_twin")), complaint) == field


def test_a_twin_in_json_is_one_field():
    asked = Asked(operations.PUT_DIGITAL_TWIN, TWIN, Body(b"{}", "digital_twin.json"))
    assert _field(asked, "color does not appear on the DTDL for Twin.") == "digital_twin.json"


def test_several_complaints_about_one_field_are_a_violation_each():
    asked = Asked(operations.PUT_DIGITAL_TWIN, TWIN, Body(b"{}", "digital_twin"))
    complaints = ["a does not appear on the DTDL for Twin.", "Odd.", "Odder."]
    assert violated_fields(Reason.VALIDATION_FAILED, complaints, asked) == [
        ('digital_twin.properties["a"]', "a does not appear on the DTDL for Twin."),
        ("digital_twin", "Odd."),
        ("digital_twin", "Odder."),
    ]


@pytest.mark.parametrize(
    ("complaint", "field"),
    [
        ("weight does not appear on the DTDL for contains.", 'relationship.properties["weight"]'),
        ("Expected value of type double for weight on contains.", 'relationship.properties["weight"]'),
        ("dtmi:a:B;1 does not define a relationship contains.", "relationship"),
    ],
)
def test_members_of_a_typed_relationship(complaint: str, field: str):
    assert _field(Asked(operations.PUT_RELATIONSHIP, RELATIONSHIP, Body(b"{}", "relationship")), complaint) == field


def test_a_member_of_a_property_is_told_from_its_others():
    paths = ["/address/city", "/address/number", "/labels/a~1b", "/size"]
    asked = Asked(operations.PATCH_DIGITAL_TWIN, TWIN, Body(b"[]", "patch", items=paths))
    for path, field in [
        ("address/city", "patch[0].value"),
        ("address/number/deep", "patch[1].value"),
        ("address", "patch[1].value"),
        ("labels/a~1b", "patch[2].value"),
        ("size/x", "patch[3].value"),
        ("address/street", "patch"),
    ]:
        assert _field(asked, f"Expected value of type double for {path} on Twin.") == field


@pytest.mark.parametrize(
    ("path", "segment"),
    [
        ("/labels/a~1b", "a/b"),
        ("/labels/a~0b", "a~b"),
        ("/labels/~01", "~1"),
        ("/labels/a~1b/c", "a/b"),
        ("labels/a~1b", "a/b"),
        ("/labels/a b", "a b"),
    ],
)
def test_a_segment_of_a_path_is_named_unescaped(path: str, segment: str):
    asked = Asked(operations.PATCH_DIGITAL_TWIN, TWIN, Body(b"[]", "patch", items=["/other", path]))
    complaint = f"The target location specified by path segment '{segment}' was not found. Please …"
    assert _field(asked, complaint, Reason.JSON_PATCH_INVALID) == "patch[1].path"


@pytest.mark.parametrize("path", ["/labels/a~1b", "/labels/a~0b/c", "/labels/a b"])
def test_whole_paths_are_named_escaped(path: str):
    asked = Asked(operations.PATCH_DIGITAL_TWIN, TWIN, Body(b"[]", "patch", items=["/other", path]))
    assert _field(asked, f"{path} was not found. Please …", Reason.JSON_PATCH_INVALID) == "patch[1].path"
    assert _field(asked, f"Expected value of type string for {path[1:]} on Twin.") == "patch[1].value"


def test_each_problem_of_a_patch_has_the_path_of_its_operation():
    items = ["/mass", "/labels/a~1b", "/thermostat/setpoint", "/mass"]
    asked = Asked(operations.PATCH_DIGITAL_TWIN, TWIN, Body(b"[]", "patch", items=items))
    complaints = [
        "ValidationFailed: Expected value of type double for mass on Twin.",
        "The string value of labels/a~1b on Twin is longer than 4096 bytes.",
        "A name in labels/a~1b on Twin is longer than 1024 bytes.",
        "setpoint does not appear on the DTDL for thermostat.",
        "Odd.",
    ]
    fields = [field for field, _ in violated_fields(Reason.VALIDATION_FAILED, complaints, asked)]
    assert fields == ["patch[3].value", "patch[1].value", "patch[1].value", "patch[2].value", "patch"]


def test_what_a_new_model_makes_wrong_is_laid_to_the_new_model():
    items = ["/size", "/$metadata/$model"]
    asked = Asked(operations.PATCH_DIGITAL_TWIN, TWIN, Body(b"[]", "patch", items=items))
    complaints = [
        "mass does not appear on the DTDL for Twin.",
        "Expected value of type double for size on Twin.",
        "Twin is missing component thermostat.",
        "Odd.",
    ]
    fields = [field for field, _ in violated_fields(Reason.VALIDATION_FAILED, complaints, asked)]
    assert fields == ["patch[1].value", "patch[0].value", "patch[1].value", "patch"]


def test_items_may_come_from_fields_of_their_own():
    body = Body(b"[]", "merge", items=["/a", "/b"], item_field=lambda index: f"merge.fields[{index}]")
    asked = Asked(operations.PATCH_DIGITAL_TWIN, TWIN, body)
    assert _field(asked, "b does not appear on the DTDL for Twin.") == "merge.fields[1]"
    assert _field(asked, "/a was not found. Please …", Reason.JSON_PATCH_INVALID) == "merge.fields[0]"
    assert _field(asked, "Odd.") == "merge"


@pytest.mark.parametrize(
    ("complaint", "field"),
    [
        ("ValidationFailed: color does not appear on the DTDL for Twin.", "patch[1].value"),
        ("Expected value of type double for setpoint on thermostat.", "patch[2].value"),
        ("Expected value of type double for mode on humidifier.", "patch[3].value"),
        ("Expected value of type double for setpoint on Twin.", "patch[4].value"),
        ("dtmi:a:B;1 or one of its dependencies does not exist.", "patch[4].value"),
        ("/thermostat/setpoint was not found. Please provide a valid patch document.", "patch[2].path"),
        ("The target location specified by path segment 'city' was not found. Please …", "patch[0].path"),
        ("/color cannot be changed. Please provide a valid patch document.", "patch[1].path"),
        ("Twin is missing component humidifier.", "patch[3].path"),
        ("Something else is wrong.", "patch"),
    ],
)
def test_operations_of_a_patch(complaint: str, field: str):
    items = ["/address/city", "/color", "/thermostat/setpoint", "/humidifier", "/$metadata/$model"]
    asked = Asked(operations.PATCH_DIGITAL_TWIN, TWIN, Body(b"[]", "patch", items=items))
    assert _field(asked, complaint, Reason.JSON_PATCH_INVALID) == field


@pytest.mark.parametrize(
    ("complaint", "field"),
    [
        ("/thermostat/setpoint was not found.", "patch[1].path"),
        ("Expected value of type double for setpoint on thermostat.", "patch[1].value"),
        ("color does not appear on the DTDL for thermostat.", "patch[0].value"),
    ],
)
def test_operations_of_a_patch_of_a_component(complaint: str, field: str):
    asked = Asked(operations.PATCH_COMPONENT, COMPONENT, Body(b"[]", "patch", items=["/color", "setpoint"]))
    assert _field(asked, complaint) == field


def test_operations_of_a_patch_of_a_relationship():
    asked = Asked(operations.PATCH_RELATIONSHIP, RELATIONSHIP, Body(b"[]", "patch", items=["/a", "/weight"]))
    assert _field(asked, "Expected value of type double for weight on contains.") == "patch[1].value"


def test_of_several_models_the_one_that_is_named():
    asked = Asked(operations.POST_MODELS, body=Body(b"[]", "dtdl_models", items=["dtmi:a:A;1", "", "dtmi:a:B;1"]))
    complaint = "failed to resolve: dtmi:a:B;1 (referenced in 1 place)."
    assert _field(asked, complaint, Reason.DTDL_INVALID) == "dtdl_models[2]"
    assert _field(asked, "No @context.", Reason.DTDL_INVALID) == "dtdl_models"
    assert _field(asked, "models[²]: No @context.", Reason.DTDL_INVALID) == "dtdl_models"
    assert _field(asked, "models[1]", Reason.DTDL_INVALID) == "dtdl_models"
    assert _field(asked, "dtmi:a:B:_contents:__p;1 has no schema.", Reason.DTDL_INVALID) == "dtdl_models[2]"
    located = violated_fields(Reason.DTDL_INVALID, ["models[1]: No @context."], asked)
    assert located == [("dtdl_models[1]", "No @context.")]
    assert _field(asked, "dtmi:a:A;12 and dtmi:a:Another:_contents:__p;1.", Reason.DTDL_INVALID) == "dtdl_models"


def test_what_is_wrong_with_a_single_model_is_told_without_what_becomes_of_the_request():
    asked = Asked(operations.POST_MODELS, body=Body(b"[]", "dtdl_models", items=["dtmi:a:A;1"]))
    told = "None of the models in this request could be created due to a problem with one or more models: No name.."
    assert violated_fields(Reason.DTDL_INVALID, [told], asked) == [("dtdl_models[0]", "No name.")]


@pytest.mark.parametrize(
    ("ids", "complaint", "field"),
    [
        ({"digital_twin_id": "a/b"}, "The digital twin id 'a/b' is not valid.", "digital_twin_id"),
        (RELATIONSHIP | {"target_id": "a"}, "The relationship id 'a b' is not valid.", "relationship_id"),
        (RELATIONSHIP | {"target_id": "a"}, "The digital twin id 'floor' is not valid.", "digital_twin_id"),
        (RELATIONSHIP | {"target_id": "floor"}, "The twin floor cannot be its own.", "relationship.target_id"),
        (RELATIONSHIP | {"target_id": "t"}, "The twin is tidy.", "relationship"),
        (RELATIONSHIP | {"target_id": "oor"}, "The twin floor is odd.", "digital_twin_id"),
        (RELATIONSHIP | {"target_id": "oor"}, "oor is odd.", "relationship.target_id"),
        (RELATIONSHIP | {"target_id": "oor"}, "It is oor", "relationship.target_id"),
        (RELATIONSHIP | {"target_id": "oor"}, "It is the (door.", "relationship"),
        (RELATIONSHIP | {"target_id": "oor"}, "It is the oor1.", "relationship"),
        (RELATIONSHIP | {"target_id": "oor"}, "It is the _oor.", "relationship"),
        (RELATIONSHIP | {"target_id": "oor"}, "Of doors, the oor is odd.", "relationship.target_id"),
        (RELATIONSHIP | {"target_id": "x"}, "Could not deserialize relationship create body.", "relationship"),
    ],
)
def test_an_argument_that_is_an_id(ids: dict[str, str], complaint: str, field: str):
    asked = Asked(operations.PUT_RELATIONSHIP, ids, Body(b"{}", "relationship"))
    assert _field(asked, complaint, Reason.INVALID_ARGUMENT) == field


def test_an_id_in_a_list():
    listed = {"dependencies_for[0]": "dtmi:a:A;1", "dependencies_for[1]": "room"}
    asked = Asked(operations.LIST_MODELS, origin=Origin(listed))
    complaint = "The format of the Model ID room provided is not supported."
    assert _field(asked, complaint, Reason.INVALID_ARGUMENT) == "dependencies_for[1]"
    assert _field(asked, "Odd.", Reason.INVALID_ARGUMENT) == "dependencies_for[0]"


def test_without_a_body_it_is_the_first_id():
    assert _field(Asked(operations.GET_DIGITAL_TWIN, TWIN), "Odd.", Reason.INVALID_ARGUMENT) == "digital_twin_id"
    assert _field(Asked(operations.LIST_MODELS), "Odd.", Reason.INVALID_ARGUMENT) == "request"


def test_no_more_complaints_are_looked_at_than_a_status_lists():
    asked = Asked(operations.PUT_DIGITAL_TWIN, TWIN, Body(b"{}", "digital_twin"))
    complaints = [f"p{index} does not appear on the DTDL for Twin." for index in range(MAX_LISTED + 1)]
    listed = [complaint for _, complaint in violated_fields(Reason.VALIDATION_FAILED, complaints, asked)]
    assert listed == complaints[:MAX_LISTED]


def test_of_a_huge_patch_the_first_thousand_operations_are_searched():
    body = Body(b"[]", "patch", items=[f"/p{index}" for index in range(3000)])
    asked = Asked(operations.PATCH_DIGITAL_TWIN, TWIN, body)
    assert _field(asked, "p999 does not appear on the DTDL for Twin.") == "patch[999].value"
    assert _field(asked, "p1000 does not appear on the DTDL for Twin.") == "patch"
