# Generated from twinfront/_aio by make_sync.py: edit it there, and run `make format`.
"""Relationships between digital twins."""

from collections.abc import Mapping
from typing import Any

from twinfront import _calls
from twinfront._calls import CallMetadata, PatchOperations
from twinfront._relationships import IncomingRelationship, Relationship
from twinfront._sync.connection import Connection
from twinfront._sync.pages import Pager


class RelationshipMethods(Connection):
    """The methods that call the RelationshipService."""

    def create_or_replace_relationship(
        self,
        digital_twin_id: str,
        relationship_id: str,
        relationship: Relationship | Mapping[str, Any],
        *,
        if_none_match: bool = False,
        validate_only: bool = False,
        request_id: str | None = None,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> Relationship:
        """Creates a relationship from a digital twin, or replaces the one of that id as a whole.

        Args:
            digital_twin_id: The id of the source twin.
            relationship_id: The relationship's id, unique among those of the source twin.
            relationship: The relationship to be: `Relationship(target_id="room-1", name="contains")`. Ids in it have
                to equal those of the call.
            if_none_match: Create only; AlreadyExistsError if there is one.
            validate_only: Only say what the write would end in, and write nothing; localtwins can, Azure cannot.
            request_id: Sent again with the same id within 10 minutes, it is answered with the first one's outcome.
            timeout: Seconds; 60 by default.
            metadata: Further request metadata.

        Returns:
            The relationship as it is stored now, with its etag.

        Raises:
            TwinNotFoundError: No such source twin.
            TargetTwinNotFoundError: No such target twin.
            ValidationFailedError: The source twin's model has no such relationship, or a property does not fit it.
            AlreadyExistsError: With `if_none_match`: the relationship exists.
            OutcomeUnknownError: The answer was lost; read the relationship before writing again.
        """
        call = _calls.create_or_replace_relationship(
            digital_twin_id,
            relationship_id,
            relationship,
            if_none_match=if_none_match,
            validate_only=validate_only,
            request_id=request_id,
        )
        return self._send(self._relationship_service.CreateOrReplaceRelationship, call, timeout, metadata)

    def get_relationship(
        self,
        digital_twin_id: str,
        relationship_id: str,
        *,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> Relationship:
        """Reads a relationship.

        Args:
            digital_twin_id: The id of the source twin.
            relationship_id: The relationship's id.
            timeout: Seconds; 30 by default.
            metadata: Further request metadata.

        Raises:
            RelationshipNotFoundError: The twin has no such relationship.
            TwinNotFoundError: No such source twin.
        """
        call = _calls.get_relationship(digital_twin_id, relationship_id)
        return self._send(self._relationship_service.GetRelationship, call, timeout, metadata)

    def update_relationship(
        self,
        digital_twin_id: str,
        relationship_id: str,
        patch: PatchOperations,
        *,
        if_match: str | None = None,
        validate_only: bool = False,
        request_id: str | None = None,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> str:
        """Changes the properties of a relationship by a JSON Patch; source, target and name are fixed.

        Args:
            digital_twin_id: The id of the source twin.
            relationship_id: The relationship's id.
            patch: The changes: `patch().replace("/since", "2024-05-01")`.
            if_match: The etag that the relationship has to have; "*" or None for any.
            validate_only: Only say what the write would end in, and write nothing; localtwins can, Azure cannot.
            request_id: Sent again with the same id within 10 minutes, it is answered with the first one's outcome.
            timeout: Seconds; 60 by default.
            metadata: Further request metadata.

        Returns:
            The relationship's new etag.

        Raises:
            RelationshipNotFoundError: The twin has no such relationship.
            EtagMismatchError: The relationship's etag is not `if_match`.
            JsonPatchInvalidError: A path leads nowhere.
            ValidationFailedError: The patched relationship would not fit its model.
            OutcomeUnknownError: The answer was lost; read the relationship before writing again.
        """
        call = _calls.update_relationship(
            digital_twin_id,
            relationship_id,
            patch,
            if_match=if_match,
            validate_only=validate_only,
            request_id=request_id,
        )
        return self._send(self._relationship_service.UpdateRelationship, call, timeout, metadata)

    def delete_relationship(
        self,
        digital_twin_id: str,
        relationship_id: str,
        *,
        if_match: str | None = None,
        validate_only: bool = False,
        request_id: str | None = None,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> None:
        """Deletes a relationship.

        Args:
            digital_twin_id: The id of the source twin.
            relationship_id: The relationship's id.
            if_match: The etag that the relationship has to have; "*" or None for any.
            validate_only: Only say what the write would end in, and write nothing; localtwins can, Azure cannot.
            request_id: Sent again with the same id within 10 minutes, it is answered with the first one's outcome.
            timeout: Seconds; 60 by default.
            metadata: Further request metadata.

        Raises:
            RelationshipNotFoundError: The twin has no such relationship.
            EtagMismatchError: The relationship's etag is not `if_match`.
            OutcomeUnknownError: The answer was lost; look whether the relationship is still there.
        """
        call = _calls.delete_relationship(
            digital_twin_id, relationship_id, if_match=if_match, validate_only=validate_only, request_id=request_id
        )
        self._send(self._relationship_service.DeleteRelationship, call, timeout, metadata)

    def list_relationships(
        self,
        digital_twin_id: str,
        name: str | None = None,
        *,
        page_size: int | None = None,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> Pager[Relationship]:
        """Lists the relationships that start from a digital twin.

        Args:
            digital_twin_id: The id of the source twin.
            name: Only relationships of this name.
            page_size: How many to fetch at a time: 100 by default, 1000 at the most.
            timeout: Seconds for each page; 30 by default.
            metadata: Further request metadata.

        Returns:
            An iterable of the relationships, which fetches pages as it goes; `.pages()` has them with their tokens.

        Raises:
            TwinNotFoundError: While iterating: no such twin.
            PageTokenInvalidError: While iterating `.pages(token)`: the token belongs to another list.
        """
        return Pager(
            lambda page_token: self._send(
                self._relationship_service.ListRelationships,
                _calls.list_relationships(digital_twin_id, name, page_size=page_size, page_token=page_token),
                timeout,
                metadata,
            )
        )

    def list_incoming_relationships(
        self,
        digital_twin_id: str,
        *,
        page_size: int | None = None,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> Pager[IncomingRelationship]:
        """Lists the relationships that point to a digital twin.

        Azure Digital Twins may show a new one some seconds late.

        Args:
            digital_twin_id: The id of the target twin.
            page_size: How many to fetch at a time: 100 by default, 1000 at the most.
            timeout: Seconds for each page; 30 by default.
            metadata: Further request metadata.

        Returns:
            An iterable of the relationships, which fetches pages as it goes; `.pages()` has them with their tokens.

        Raises:
            TwinNotFoundError: While iterating: no such twin.
            PageTokenInvalidError: While iterating `.pages(token)`: the token belongs to another list.
        """
        return Pager(
            lambda page_token: self._send(
                self._relationship_service.ListIncomingRelationships,
                _calls.list_incoming_relationships(digital_twin_id, page_size=page_size, page_token=page_token),
                timeout,
                metadata,
            )
        )
