# Generated from twinfront/_aio by make_sync.py: edit it there, and run `make format`.
"""Digital twins and their components."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

from twinfront import _calls
from twinfront._calls import CallMetadata, PatchOperations, View
from twinfront._digital_twins import Component, DigitalTwin
from twinfront._for_threads import awaited, sleep
from twinfront._retry import check_attempts, check_change, check_etag, pause
from twinfront._sync.connection import Connection
from twinfront.errors import EtagMismatchError


class DigitalTwinMethods(Connection):
    """The methods that call the DigitalTwinService."""

    def create_or_replace_digital_twin(
        self,
        digital_twin_id: str,
        digital_twin: DigitalTwin | Mapping[str, Any],
        *,
        if_none_match: bool = False,
        view: View = "full",
        if_match: str | None = None,
        validate_only: bool = False,
        request_id: str | None = None,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> DigitalTwin:
        """Creates a digital twin, or replaces the one of that id as a whole.

        Args:
            digital_twin_id: The twin's id.
            digital_twin: The twin to be, with every component of its model. An id in it has to equal `digital_twin_id`.
            if_none_match: Create only; AlreadyExistsError if there is one.
            view: "basic" leaves out the metadata of properties.
            if_match: The etag that the twin has to have, to replace only that state; "*" to replace only.
            validate_only: Only say what the write would end in, and write nothing; localtwins can, Azure cannot.
            request_id: Sent again with the same id within 10 minutes, it is answered with the first one's outcome.
            timeout: Seconds; 60 by default.
            metadata: Further request metadata.

        Returns:
            The twin as it is stored now, with its etag.

        Raises:
            ValidationFailedError: The twin does not fit its model, or there is no such model.
            ModelDecommissionedError: The model takes no new twins.
            AlreadyExistsError: With `if_none_match`: the twin exists.
            OutcomeUnknownError: The answer was lost; read the twin before writing again.
        """
        call = _calls.create_or_replace_digital_twin(
            digital_twin_id,
            digital_twin,
            if_none_match=if_none_match,
            view=view,
            if_match=if_match,
            validate_only=validate_only,
            request_id=request_id,
        )
        return self._send(self._digital_twin_service.CreateOrReplaceDigitalTwin, call, timeout, metadata)

    def get_digital_twin(
        self,
        digital_twin_id: str,
        *,
        view: View = "full",
        allow_stale: bool = False,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> DigitalTwin:
        """Reads a digital twin.

        Args:
            digital_twin_id: The twin's id.
            view: "basic" leaves out the metadata of properties.
            allow_stale: Whether the answer may be that of a read of the twin that is under way already.
            timeout: Seconds; 30 by default.
            metadata: Further request metadata.

        Raises:
            TwinNotFoundError: No such twin.
        """
        call = _calls.get_digital_twin(digital_twin_id, view=view, allow_stale=allow_stale)
        return self._send(self._digital_twin_service.GetDigitalTwin, call, timeout, metadata)

    def update_digital_twin(
        self,
        digital_twin_id: str,
        patch: PatchOperations,
        *,
        if_match: str | None = None,
        validate_only: bool = False,
        request_id: str | None = None,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> str:
        """Changes a digital twin by a JSON Patch: all of its operations, or none.

        Args:
            digital_twin_id: The twin's id.
            patch: The changes: `patch().replace("/temperature", 22)`, or a list of operations as in RFC 6902. An
                empty one still gives the twin a new etag.
            if_match: The etag that the twin has to have; "*" or None for any.
            validate_only: Only say what the write would end in, and write nothing; localtwins can, Azure cannot.
            request_id: Sent again with the same id within 10 minutes, it is answered with the first one's outcome.
            timeout: Seconds; 60 by default.
            metadata: Further request metadata.

        Returns:
            The twin's new etag.

        Raises:
            TwinNotFoundError: No such twin.
            EtagMismatchError: The twin's etag is not `if_match`.
            JsonPatchInvalidError: A path leads nowhere.
            ValidationFailedError: The patched twin would not fit its model.
            OutcomeUnknownError: The answer was lost; read the twin before writing again.
        """
        call = _calls.update_digital_twin(
            digital_twin_id, patch, if_match=if_match, validate_only=validate_only, request_id=request_id
        )
        return self._send(self._digital_twin_service.UpdateDigitalTwin, call, timeout, metadata)

    def update_with_retry(
        self,
        digital_twin_id: str,
        change: Callable[[DigitalTwin], PatchOperations | None],
        *,
        attempts: int = 5,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> str:
        """Reads a digital twin, changes it, and does both again if another writer was faster.

        Args:
            digital_twin_id: The twin's id.
            change: Called with the twin as it is, once an attempt; returns the patch, or
                None if there is nothing to change.
            attempts: How often to try, pausing up to 0.05 s after the first time, twice as long after each further
                one, 2 s at the most.
            timeout: Seconds for each of the calls; by default 30 to read and 60 to write.
            metadata: Further request metadata.

        Returns:
            The twin's etag after the change; the present one if there was nothing to change.

        Raises:
            EtagMismatchError: Another writer was faster at the last attempt too.
            TwinNotFoundError: No such twin, or not any more.
            TypeError: `change` changed the twin that it was given and returned None; nothing would be written.
            TwinfrontError: What else `update_digital_twin` raises; that ends it at once.
        """
        check_attempts(attempts)
        attempt = 0
        while True:
            attempt += 1
            twin = self.get_digital_twin(digital_twin_id, timeout=timeout, metadata=metadata)
            check_etag(twin)
            before = copy.deepcopy(twin)
            patch = awaited(change(twin))
            check_change(before, twin, patch)
            if patch is None:
                return twin.etag
            try:
                return self.update_digital_twin(
                    digital_twin_id, patch, if_match=twin.etag, timeout=timeout, metadata=metadata
                )
            except EtagMismatchError:
                if attempt == attempts:
                    raise
            sleep(pause(attempt))

    def get_component(
        self,
        digital_twin_id: str,
        component_name: str,
        *,
        view: View = "full",
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> Component:
        """Reads a component of a digital twin; its `etag` is the twin's.

        Args:
            digital_twin_id: The twin's id.
            component_name: The component's name in the twin's model.
            view: "basic" leaves out the metadata of properties.
            timeout: Seconds; 30 by default.
            metadata: Further request metadata.

        Raises:
            TwinNotFoundError: No such twin.
            ComponentNotFoundError: The twin has no such component.
        """
        call = _calls.get_component(digital_twin_id, component_name, view=view)
        return self._send(self._digital_twin_service.GetComponent, call, timeout, metadata)

    def update_component(
        self,
        digital_twin_id: str,
        component_name: str,
        patch: PatchOperations,
        *,
        if_match: str | None = None,
        validate_only: bool = False,
        request_id: str | None = None,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> str:
        """Changes a component of a digital twin by a JSON Patch: all of its operations, or none.

        Args:
            digital_twin_id: The twin's id.
            component_name: The component's name in the twin's model.
            patch: The changes, with paths that start at the component: `patch().replace("/setpoint", 20)`.
            if_match: The etag that the twin has to have; "*" or None for any.
            validate_only: Only say what the write would end in, and write nothing; localtwins can, Azure cannot.
            request_id: Sent again with the same id within 10 minutes, it is answered with the first one's outcome.
            timeout: Seconds; 60 by default.
            metadata: Further request metadata.

        Returns:
            The twin's new etag.

        Raises:
            TwinNotFoundError: No such twin.
            ComponentNotFoundError: The twin has no such component.
            EtagMismatchError: The twin's etag is not `if_match`.
            JsonPatchInvalidError: A path leads nowhere.
            ValidationFailedError: The patched component would not fit its model.
            OutcomeUnknownError: The answer was lost; read the component before writing again.
        """
        call = _calls.update_component(
            digital_twin_id,
            component_name,
            patch,
            if_match=if_match,
            validate_only=validate_only,
            request_id=request_id,
        )
        return self._send(self._digital_twin_service.UpdateComponent, call, timeout, metadata)
