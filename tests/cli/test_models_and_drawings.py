"""`models list`, `models tree` and `graph`."""

import json
import os
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

from tests.tools import require

from .conftest import BIN, Command


def test_models_are_listed(twinfront: Command):
    rows = json.loads(twinfront("models", "list", "-o", "json").stdout)
    assert {"id": "dtmi:twinfront:sample:Room;1", "displayName": "Room", "decommissioned": False}.items() <= next(
        row for row in rows if row["displayName"] == "Room"
    ).items()


def test_the_tree_shows_what_extends_what_and_components(twinfront: Command):
    tree = twinfront("models", "tree").stdout
    assert (
        """dtmi:twinfront:sample:Space;1
├── dtmi:twinfront:sample:Building;1
├── dtmi:twinfront:sample:Floor;1
└── dtmi:twinfront:sample:Room;1
    ├── thermostat: dtmi:twinfront:sample:Thermostat;1
    └── dtmi:twinfront:sample:MeetingRoom;1
"""
        in tree
    )


def test_the_tree_of_one_model(twinfront: Command):
    assert twinfront("models", "tree", "dtmi:twinfront:sample:MeetingRoom;1").stdout == (
        "dtmi:twinfront:sample:MeetingRoom;1\n"
    )
    assert twinfront("models", "tree", "dtmi:twinfront:sample:Nothing;1").returncode == 3


def test_the_neighbourhood_in_the_language_of_graphviz(twinfront: Command):
    drawn = twinfront("graph", "room-001").stdout
    assert drawn.startswith("digraph ")
    for label in (r"room-001\nRoom;1", r"room-002\nMeetingRoom;1", r"motion-01\nMotionSensor;1"):
        assert f'label="{label}"' in drawn
    assert "label=observes" in drawn
    assert "room-003" not in drawn


def test_further_steps_find_more(twinfront: Command):
    assert "room-003" in twinfront("graph", "room-001", "--depth", "2").stdout


def test_a_drawing_is_cut_where_it_would_grow_too_large(twinfront: Command):
    ended = twinfront("graph", "floor-0", "--max-twins", "2")
    assert ended.stdout.count("Room;1") == 1
    assert ended.stderr == "Only the first 2 twins are drawn; --max-twins draws more.\n"


def test_a_twin_that_is_not_there(twinfront: Command):
    assert twinfront("graph", "nothing").returncode == 3


def test_names_cannot_end_the_quotes(twinfront: Command):
    twin = {"$dtId": 'a"b', "$metadata": {"$model": "dtmi:twinfront:sample:Floor;1"}}
    applied = twinfront("apply", "-", stdin=f'{{"Section":"Twins"}}\n{json.dumps(twin)}\n')
    assert applied.returncode == 0, applied.stderr
    assert r"a\"b\nFloor;1" in twinfront("graph", 'a"b').stdout


def test_the_neighbourhood_as_svg(twinfront: Command, tmp_path: Path):
    if shutil.which("dot") is None:
        require(["graphviz"])
    assert twinfront("graph", "room-001", "--svg", "-f", "drawn.svg").returncode == 0
    texts = {element.text for element in ET.parse(tmp_path / "drawn.svg").iter("{http://www.w3.org/2000/svg}text")}
    assert {"room-001", "Room;1", "observes"} <= texts


def test_without_graphviz_svg_is_refused_in_words(twinfront: Command):
    ended = twinfront("graph", "room-001", "--svg", PATH=os.fspath(BIN))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "dot is not on the PATH" in ended.stderr
