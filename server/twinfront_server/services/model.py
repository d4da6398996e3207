"""`ModelService`."""

from functools import partial
from typing import Any

from twinfront.v1 import model_service_pb2 as messages
from twinfront.v1.model_service_pb2_grpc import ModelServiceServicer
from twinfront_server.large_requests import is_large, work
from twinfront_server.services.paging import Paging
from twinfront_server.upstream import Upstream
from twinfront_server.wire.identifier import required_id
from twinfront_server.wire.limits import MAX_MODELS, require_at_most
from twinfront_server.wire.model import created_models, fill_listed_model, fill_model, models_body
from twinfront_server.wire.representation import wants_json


class ModelService(ModelServiceServicer):
    """Models."""

    def __init__(self, upstream: Upstream, paging: Paging) -> None:
        self._upstream = upstream
        self._paging = paging

    async def CreateModels(self, request: messages.CreateModelsRequest, context: Any) -> messages.CreateModelsResponse:
        as_json = wants_json(request.representation)
        body = await work(lambda: models_body(request.dtdl_models), large=is_large())
        answer = await self._upstream.models.post(body)
        response = messages.CreateModelsResponse()
        for item in created_models(answer.body):
            fill_listed_model(response.models.add(), item, as_json=as_json)
        return response

    async def GetModel(self, request: messages.GetModelRequest, context: Any) -> messages.GetModelResponse:
        as_json = wants_json(request.representation)
        answer = await self._upstream.models.get(
            required_id(request.model_id, "model_id"), include_model_definition=request.include_model_definition
        )
        response = messages.GetModelResponse()
        fill_model(response.model, answer.body, as_json=as_json)
        return response

    async def ListModels(self, request: messages.ListModelsRequest, context: Any) -> messages.ListModelsResponse:
        as_json = wants_json(request.representation)
        require_at_most(len(request.dependencies_for), MAX_MODELS, "dependencies_for", "ids")
        roots = [
            required_id(model_id, f"dependencies_for[{index}]")
            for index, model_id in enumerate(request.dependencies_for)
        ]
        response = messages.ListModelsResponse()
        await self._paging.fill(
            request,
            response,
            response.models,
            lambda link, _size: self._upstream.models.list(
                roots, link, include_model_definition=request.include_model_definition
            ),
            partial(fill_listed_model, as_json=as_json),
        )
        return response

    async def DecommissionModel(
        self, request: messages.DecommissionModelRequest, context: Any
    ) -> messages.DecommissionModelResponse:
        await self._upstream.models.decommission(required_id(request.model_id, "model_id"))
        return messages.DecommissionModelResponse()

    async def DeleteModel(self, request: messages.DeleteModelRequest, context: Any) -> messages.DeleteModelResponse:
        await self._upstream.models.delete(required_id(request.model_id, "model_id"))
        return messages.DeleteModelResponse()
