# Generated from twinfront/_aio by make_sync.py: edit it there, and run `make format`.
"""Models."""

from collections.abc import Iterable, Mapping
from typing import Any

from twinfront import _calls
from twinfront._calls import CallMetadata
from twinfront._models import Model
from twinfront._sync.connection import Connection
from twinfront._sync.pages import Pager


class ModelMethods(Connection):
    """The methods that call the ModelService."""

    def create_models(
        self,
        models: Iterable[Mapping[str, Any] | str],
        *,
        validate_only: bool = False,
        request_id: str | None = None,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> list[Model]:
        """Uploads models: all of them, or none.

        Args:
            models: DTDL interfaces, as mappings or as JSON texts. The service takes 250 in a call; more are refused,
                not split, as they may refer to each other.
            validate_only: Only say what the write would end in, and write nothing; localtwins can, Azure cannot.
            request_id: Sent again with the same id within 10 minutes, it is answered with the first one's outcome.
            timeout: Seconds; 300 by default.
            metadata: Further request metadata.

        Returns:
            The models in the order given, without their definitions.

        Raises:
            AlreadyExistsError: One of the models is there already; a change needs a new version in its DTMI.
            DtdlInvalidError: A model is not valid DTDL, or refers to one that is not there.
            OutcomeUnknownError: The answer was lost; look whether the models are there.
        """
        return self._send(
            self._model_service.CreateModels,
            _calls.create_models(models, validate_only=validate_only, request_id=request_id),
            timeout,
            metadata,
        )

    def get_model(
        self,
        model_id: str,
        *,
        include_model_definition: bool = False,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> Model:
        """Reads a model.

        Args:
            model_id: The model's DTMI.
            include_model_definition: Whether to answer the DTDL too.
            timeout: Seconds; 30 by default.
            metadata: Further request metadata.

        Raises:
            ModelNotFoundError: No such model.
        """
        call = _calls.get_model(model_id, include_model_definition=include_model_definition)
        return self._send(self._model_service.GetModel, call, timeout, metadata)

    def list_models(
        self,
        dependencies_for: Iterable[str] = (),
        *,
        include_model_definition: bool = False,
        page_size: int | None = None,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> Pager[Model]:
        """Lists models in the order of their upload.

        Args:
            dependencies_for: Only these models and all that they extend or have as components; all models by default.
            include_model_definition: Whether to answer the DTDL too.
            page_size: How many to fetch at a time: 100 by default, 1000 at the most.
            timeout: Seconds for each page; 30 by default.
            metadata: Further request metadata.

        Returns:
            An iterable of the models, which fetches pages as it goes; `.pages()` has them with their tokens.

        Raises:
            ModelNotFoundError: While iterating: one of `dependencies_for` is not there.
            PageTokenInvalidError: While iterating `.pages(token)`: the token belongs to another list.
        """
        roots = _calls.model_ids(dependencies_for)
        return Pager(
            lambda page_token: self._send(
                self._model_service.ListModels,
                _calls.list_models(
                    roots,
                    include_model_definition=include_model_definition,
                    page_size=page_size,
                    page_token=page_token,
                ),
                timeout,
                metadata,
            )
        )

    def decommission_model(
        self,
        model_id: str,
        *,
        validate_only: bool = False,
        request_id: str | None = None,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> None:
        """Marks a model so that no new twin of it is created. There is no way back, and doing it again is harmless.

        Args:
            model_id: The model's DTMI.
            validate_only: Only say what the write would end in, and write nothing; localtwins can, Azure cannot.
            request_id: Sent again with the same id within 10 minutes, it is answered with the first one's outcome.
            timeout: Seconds; 60 by default.
            metadata: Further request metadata.

        Raises:
            ModelNotFoundError: No such model.
            OutcomeUnknownError: The answer was lost; decommission it again.
        """
        self._send(
            self._model_service.DecommissionModel,
            _calls.decommission_model(model_id, validate_only=validate_only, request_id=request_id),
            timeout,
            metadata,
        )

    def delete_model(
        self,
        model_id: str,
        *,
        validate_only: bool = False,
        request_id: str | None = None,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> None:
        """Deletes a model that no other model extends or has as a component; twins of it stay.

        Those twins can no longer be written.

        Args:
            model_id: The model's DTMI.
            validate_only: Only say what the write would end in, and write nothing; localtwins can, Azure cannot.
            request_id: Sent again with the same id within 10 minutes, it is answered with the first one's outcome.
            timeout: Seconds; 60 by default.
            metadata: Further request metadata.

        Raises:
            ModelNotFoundError: No such model.
            ModelHasDependentsError: Other models refer to it.
            OutcomeUnknownError: The answer was lost; look whether the model is still there.
        """
        self._send(
            self._model_service.DeleteModel,
            _calls.delete_model(model_id, validate_only=validate_only, request_id=request_id),
            timeout,
            metadata,
        )
