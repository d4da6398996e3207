"""The form of a policy file: what may stand in it, which is also its JSON Schema."""

from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from twinfront_server.access.permissions import Permission

MAX_NAMES: Final = 10_000
"""The longest list or map."""

Name = Annotated[str, Field(min_length=1, max_length=1024)]
Names = Annotated[list[Name], Field(min_length=1, max_length=MAX_NAMES)]
PrincipalName = Annotated[str, Field(max_length=1024, pattern="^(jwt|mtls):.")]
IdPrefix = Annotated[str, Field(min_length=1, max_length=128)]
ModelId = Annotated[str, Field(max_length=2048, pattern="^dtmi:[A-Za-z0-9:_]+;[0-9.]+$")]


class PolicyError(Exception):
    """A policy that cannot be used, and the field and the value that are why."""


class Part(BaseModel):
    """A part of a policy file, which has no fields but those that are named here."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class OwnRole(Part):
    """A role of the file's own."""

    permissions: list[Permission] = Field(min_length=1, description="What it permits.")


class Holders(Part):
    """Says who has a role: whom one of these fits."""

    principals: Annotated[list[PrincipalName], Field(min_length=1, max_length=MAX_NAMES)] | None = Field(
        None,
        description="Callers by name: 'jwt:' and the subject of their token, or 'mtls:' and the name in their "
        "certificate.",
    )
    groups: Names | None = Field(None, description="Groups, as tokens name them.")
    claims: Annotated[dict[Name, Names], Field(min_length=1, max_length=100)] | None = Field(
        None,
        description="Claims of tokens, each with values of which the token has to have one; all claims have to fit.",
    )

    @model_validator(mode="after")
    def _names_somebody(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("names nobody: give principals, groups or claims")
        return self


class Bounds(Part):
    """Limits a role to a part of the graph: the twins that all of this fits."""

    ids: Annotated[list[IdPrefix], Field(min_length=1, max_length=MAX_NAMES)] | None = Field(
        None, description="Beginnings of ids, of which the twin's has to have one."
    )
    models: Annotated[list[ModelId], Field(min_length=1, max_length=MAX_NAMES)] | None = Field(
        None, description="Models, of one of which, or of a descendant of one, the twin has to be."
    )

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("limits nothing: give ids or models, or leave it out")
        return self


class Binding(Part):
    """Gives a role to callers."""

    role: Name = Field(description="reader, writer, modeller, operator, or one of the file's own.")
    to: Holders
    within: Bounds | None = Field(None, description="The part of the graph that it is for; without it the whole.")


class PolicyDocument(Part):
    """A policy of `twinfront serve --policy`: who may do what."""

    version: Literal[1]
    roles: Annotated[dict[Name, OwnRole], Field(max_length=1000)] = Field(
        default_factory=dict, description="Roles of the file's own, by name."
    )
    bindings: Annotated[list[Binding], Field(max_length=MAX_NAMES)] = Field(
        description="Who has which role. Who has none may do nothing."
    )


def parse_policy(document: Any) -> PolicyDocument:
    """Reads parsed YAML as a policy.

    Raises:
        PolicyError: it is none.
    """
    if not isinstance(document, dict):
        raise PolicyError("is no policy, which is a map with version and bindings")
    try:
        return PolicyDocument.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = field_path(first["loc"])
        message = str(first.get("ctx", {}).get("error", first["msg"]))
        value = "" if first["type"] in {"missing", "value_error"} else f" (it is {repr(first['input'])[:100]})"
        raise PolicyError(f"{where}: {message[:1].lower()}{message[1:]}{value}" if where else message) from None


def field_path(location: tuple[int | str, ...]) -> str:
    """Writes the path of a field, `bindings[2].role`."""
    return "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in location).removeprefix(".")
