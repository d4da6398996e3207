"""The graphs that the tests of the query language query."""

from collections.abc import Iterator

import pytest

from .graph import Graph


@pytest.fixture
def graph() -> Iterator[Graph]:
    graph = Graph()
    yield graph
    graph.close()


@pytest.fixture
def plant(graph: Graph) -> Graph:
    """A plant with two lines of machines, one of which has a gauge."""
    graph.model("dtmi:plant:Machine;1")
    graph.model("dtmi:plant:Machine;2")
    graph.model("dtmi:plant:Press;1", "dtmi:plant:Machine;1")
    graph.model("dtmi:plant:HeavyPress;1", "dtmi:plant:Press;1", "dtmi:plant:Machine;1")
    graph.model("dtmi:plant:Gauge;1")
    graph.twin("plant", "dtmi:plant:Plant;1", name="Works")
    graph.twin("line-1", "dtmi:plant:Line;1", name="North", rank=1)
    graph.twin("line-2", "dtmi:plant:Line;1", name="South", rank=2)
    graph.twin("saw", "dtmi:plant:Machine;1", name="Saw", load=0.5, running=True, notes={"night shift": True})
    graph.twin("lathe", "dtmi:plant:Machine;2", name="O'Lathe", load=2, running=False)
    graph.twin("press", "dtmi:plant:Press;1", load=7, codes=[3, "three", True, [4]])
    graph.twin("heavy", "dtmi:plant:HeavyPress;1", load="unknown", motor={"$metadata": {}, "speed": 900})
    graph.twin("gauge", "dtmi:plant:Gauge;1", name="g", group="Alpha")
    graph.relate("plant", "has", "line-1", relationship_id="h1", since=1999)
    graph.relate("plant", "has", "line-2", relationship_id="h2")
    graph.relate("line-1", "has", "saw", relationship_id="m1")
    graph.relate("line-1", "has", "lathe", relationship_id="m2")
    graph.relate("line-2", "has", "press", relationship_id="m3")
    graph.relate("line-2", "has", "heavy", relationship_id="m4")
    graph.relate("gauge", "watches", "saw", relationship_id="w1", every=5)
    return graph
