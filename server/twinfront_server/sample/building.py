"""Reading the sample building, and loading it into an empty instance."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

import orjson

from twinfront_server.adt.body import Body
from twinfront_server.adt.twin_json import METADATA, MODEL
from twinfront_server.upstream import Upstream

_FOLDER: Final = files("twinfront_server.sample")


@dataclass(frozen=True, slots=True)
class SampleReport:
    """How many resources of the sample were created: all of them, or none because the instance was not empty."""

    models: int = 0
    twins: int = 0
    relationships: int = 0

    @property
    def loaded(self) -> bool:
        """Tells whether the sample was loaded; False if the instance had models already and was left alone."""
        return self.models > 0


async def load_sample(upstream: Upstream) -> SampleReport:
    """Loads the sample building if the instance has no models.

    Raises:
        TwinfrontError: if the upstream refuses something or cannot be reached; what was created until then stays.
    """
    if (await upstream.models.list([], "", include_model_definition=False)).items:
        return SampleReport()
    models = sample_models()
    content = orjson.dumps([orjson.Fragment(model) for model in models.values()])
    await upstream.models.post(Body(content, "dtdl_models", items=list(models)))
    sections = sample_graph()
    for twin in sections["Twins"]:
        body = Body(orjson.dumps(twin), "digital_twin.json", ids={"model_id": twin[METADATA][MODEL]})
        await upstream.twins.put(twin["$dtId"], body, if_none_match=False)
    for relationship in sections["Relationships"]:
        members = {name: value for name, value in relationship.items() if name != "$dtId"}
        body = Body(orjson.dumps(members), "relationship.json", ids={"target_id": relationship["$targetId"]})
        await upstream.relationships.put(
            relationship["$dtId"], relationship["$relationshipId"], body, if_none_match=False
        )
    return SampleReport(len(models), len(sections["Twins"]), len(sections["Relationships"]))


def sample_models() -> dict[str, bytes]:
    """Gives the DTDL interfaces as JSON texts, by DTMI."""
    paths = sorted(_FOLDER.joinpath("models").iterdir(), key=lambda path: path.name)
    texts = (path.read_bytes() for path in paths)
    return {orjson.loads(text)["@id"]: text for text in texts}


def sample_graph() -> Mapping[str, list[dict[str, Any]]]:
    """Gives the lines of the graph by section: `Header`, `Twins`, `Relationships` (whose `$dtId` is the source)."""
    sections: dict[str, list[dict[str, Any]]] = {}
    for line in _FOLDER.joinpath("building.ndjson").read_bytes().splitlines():
        entry = orjson.loads(line)
        if "Section" in entry:
            rows = sections[entry["Section"]] = []
        else:
            rows.append(entry)
    return sections
