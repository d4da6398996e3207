"""Models: uploaded, read, decommissioned, deleted."""

from typing import Any

import grpc
import orjson
import pytest
from google.rpc.error_details_pb2 import BadRequest, PreconditionFailure, ResourceInfo

from twinfront.v1 import digital_twin_service_pb2 as twins
from twinfront.v1 import model_service_pb2 as models
from twinfront.v1.representation_pb2 import Representation

from .building import FLOOR, MODELS, ROOM, ROOM_2, THERMOSTAT, Building, interface, room
from .refusal import fields, refused

Code = grpc.StatusCode
NEW, OTHER = "dtmi:example:New;1", "dtmi:example:Other;1"


def _create(*texts: str) -> models.CreateModelsRequest:
    return models.CreateModelsRequest(dtdl_models=texts)


async def test_created_models_are_answered_in_order_without_definition(building: Building):
    response = await building.models.CreateModels(
        _create(interface(OTHER, [], displayName="Other"), interface(NEW, [], extends=OTHER))
    )
    assert [(model.id, dict(model.display_name), model.dtdl_model) for model in response.models] == [
        (OTHER, {"en": "Other"}, ""),
        (NEW, {}, ""),
    ]
    assert all(model.upload_time.seconds for model in response.models)


async def test_a_model_is_read_with_its_definition_on_demand(building: Building):
    request = models.GetModelRequest(model_id=ROOM)
    without = (await building.models.GetModel(request)).model
    request.include_model_definition = True
    whole = (await building.models.GetModel(request)).model
    assert (without.id, dict(without.display_name), without.dtdl_model) == (ROOM, {"en": "Room", "de": "Raum"}, "")
    assert orjson.loads(whole.dtdl_model) == orjson.loads(MODELS[ROOM])


async def test_a_model_in_json_is_the_service_s_own(building: Building):
    request = models.GetModelRequest(
        model_id=ROOM, include_model_definition=True, representation=Representation.REPRESENTATION_JSON
    )
    model = (await building.models.GetModel(request)).model
    document = orjson.loads(model.json)
    assert (document["id"], document["model"], model.id) == (ROOM, orjson.loads(MODELS[ROOM]), "")


async def test_all_models_are_listed_in_both_representations(building: Building):
    typed = await building.models.ListModels(models.ListModelsRequest())
    as_json = await building.models.ListModels(
        models.ListModelsRequest(representation=Representation.REPRESENTATION_JSON)
    )
    assert {model.id for model in typed.models} == set(MODELS)
    assert {orjson.loads(model.json)["id"] for model in as_json.models} == set(MODELS)


async def test_the_dependencies_of_a_model_are_listed(building: Building):
    response = await building.models.ListModels(models.ListModelsRequest(dependencies_for=[ROOM]))
    assert {model.id for model in response.models} == {ROOM, THERMOSTAT}


async def test_of_the_models_asked_for_the_missing_one_is_named(building: Building):
    roots = [*([ROOM] * 50), "dtmi:example:Nothing;1"]
    error = await refused(building.models.ListModels(models.ListModelsRequest(dependencies_for=roots)))
    assert (error.code, error.reason) == (Code.NOT_FOUND, "MODEL_NOT_FOUND")
    assert error.metadata == {"model_id": "dtmi:example:Nothing;1"}


async def test_a_model_that_is_there_already_is_named_and_none_of_the_call_stored(building: Building):
    error = await refused(building.models.CreateModels(_create(interface(NEW, []), MODELS[THERMOSTAT])))
    assert (error.code, error.reason) == (Code.ALREADY_EXISTS, "MODEL_ALREADY_EXISTS")
    assert error.metadata == {"model_id": THERMOSTAT}
    (info,) = (detail for detail in error.details if isinstance(detail, ResourceInfo))
    assert info.resource_name == THERMOSTAT
    assert (await refused(building.models.GetModel(models.GetModelRequest(model_id=NEW)))).reason == "MODEL_NOT_FOUND"


async def test_hundreds_of_models_that_are_there_already_are_still_a_typed_answer(building: Building):
    texts = [interface(f"dtmi:example:a_rather_long_name_of_a_model:M{number};1", []) for number in range(250)]
    await building.models.CreateModels(_create(*texts))
    error = await refused(building.models.CreateModels(_create(*texts)))
    assert (error.code, error.reason) == (Code.ALREADY_EXISTS, "MODEL_ALREADY_EXISTS")


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "dtdl_models[1]"),
        ("{", "dtdl_models[1]"),
        ("[]", "dtdl_models[1]"),
        ("{}", "dtdl_models[1]"),
        ('{"@id": "room", "@type": "Interface", "@context": "dtmi:dtdl:context;3"}', "dtdl_models[1]"),
        (interface(NEW, [{"@type": "Property", "name": "p", "schema": "unheard-of"}]), "dtdl_models[1]"),
        (interface(NEW, [{"@type": "Component", "name": "c", "schema": "dtmi:example:Nothing;1"}]), "dtdl_models[1]"),
        (interface(NEW, []).replace("context;3", "context;9"), "dtdl_models[1]"),
        (interface(NEW, []) * 2, "dtdl_models[1]"),
        ("[" * 100_000, "dtdl_models[1]"),
    ],
)
async def test_models_that_are_no_dtdl_are_refused_and_none_of_the_call_stored(
    building: Building, text: str, field: str
):
    error = await refused(building.models.CreateModels(_create(interface(OTHER, []), text)))
    assert (error.code, error.reason) == (Code.INVALID_ARGUMENT, "DTDL_INVALID")
    assert {found.partition(".")[0] for found in fields(error)} == {field}
    assert (await refused(building.models.GetModel(models.GetModelRequest(model_id=OTHER)))).code is Code.NOT_FOUND


async def test_each_bad_model_of_many_has_a_violation_of_its_own(building: Building):
    texts = [interface(f"dtmi:example:M{number};1", []) for number in range(10)]
    texts[2] = "{}"
    texts[3] = interface("dtmi:example:M3;1", [{"@type": "Property", "name": "a" * 600, "schema": "string"}])
    texts[7] = interface("dtmi:example:M7;1", [{"@type": "Component", "name": "c", "schema": "dtmi:example:None;1"}])
    texts[8] = interface("dtmi:example:M8;1", [{"@type": "Property", "name": "p", "schema": "dtmi:example:None;1"}])

    error = await refused(building.models.CreateModels(_create(*texts)))

    (bad_request,) = (detail for detail in error.details if isinstance(detail, BadRequest))
    told = {violation.field: violation.description for violation in bad_request.field_violations}
    assert list(told) == [f"dtdl_models[{index}]" for index in (2, 3, 7, 8)]
    assert told["dtdl_models[2]"].startswith("In source, top-level JSON object has no @context specifier.")
    assert told["dtdl_models[3]"].endswith("property 'name' is longer than the 512 characters allowed.")
    assert told["dtdl_models[7]"].startswith(
        "dtmi:example:M7:_contents:__c;1 property 'schema' refers to dtmi:example:No"
    )
    assert told["dtdl_models[8]"].startswith(
        "dtmi:example:M8:_contents:__p;1 property 'schema' refers to dtmi:example:No"
    )


async def test_what_is_wrong_with_a_single_model_is_laid_to_it(building: Building):
    error = await refused(building.models.CreateModels(_create("{}")))
    assert fields(error) == ["dtdl_models[0]"]


async def test_no_models_at_all_are_refused(building: Building):
    error = await refused(building.models.CreateModels(_create()))
    assert (error.reason, fields(error)) == ("INVALID_ARGUMENT", ["dtdl_models"])


async def test_too_many_models_are_refused(building: Building):
    texts = [interface(f"dtmi:example:M{number};1", []) for number in range(251)]
    error = await refused(building.models.CreateModels(_create(*texts)))
    assert (error.code, error.reason) == (Code.RESOURCE_EXHAUSTED, "LIMIT_REACHED")


async def test_a_decommissioned_model_takes_no_new_twins_and_keeps_its_old_ones(building: Building):
    await building.add_room("old")
    await building.models.DecommissionModel(models.DecommissionModelRequest(model_id=ROOM))
    await building.models.DecommissionModel(models.DecommissionModelRequest(model_id=ROOM))
    assert (await building.models.GetModel(models.GetModelRequest(model_id=ROOM))).model.decommissioned
    request = twins.CreateOrReplaceDigitalTwinRequest(digital_twin_id="new", digital_twin=room())
    error = await refused(building.twins.CreateOrReplaceDigitalTwin(request))
    assert (error.code, error.reason) == (Code.FAILED_PRECONDITION, "MODEL_DECOMMISSIONED")
    assert error.metadata == {"digital_twin_id": "new", "model_id": ROOM}
    assert (await building.read("old")).model_id == ROOM


async def test_a_model_that_others_need_stays_and_they_are_named(building: Building):
    error = await refused(building.models.DeleteModel(models.DeleteModelRequest(model_id=THERMOSTAT)))
    assert (error.code, error.reason) == (Code.FAILED_PRECONDITION, "MODEL_HAS_DEPENDENTS")
    assert error.metadata == {"model_id": THERMOSTAT}
    (failure,) = (detail for detail in error.details if isinstance(detail, PreconditionFailure))
    assert {violation.subject for violation in failure.violations} == {ROOM, ROOM_2}


async def test_a_deleted_model_is_gone(building: Building):
    await building.models.DeleteModel(models.DeleteModelRequest(model_id=FLOOR))
    calls: list[Any] = [
        building.models.GetModel(models.GetModelRequest(model_id=FLOOR)),
        building.models.DecommissionModel(models.DecommissionModelRequest(model_id=FLOOR)),
        building.models.DeleteModel(models.DeleteModelRequest(model_id=FLOOR)),
    ]
    for call in calls:
        error = await refused(call)
        assert (error.code, error.reason) == (Code.NOT_FOUND, "MODEL_NOT_FOUND")
        assert error.metadata == {"model_id": FLOOR}
