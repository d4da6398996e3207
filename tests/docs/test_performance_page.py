"""The page of performance has what was measured, and says of each target whether it is reached."""

import json
import re
from collections.abc import Callable
from types import ModuleType

from docs.generate.bars import Bar, draw

from .blocks import CHECKOUT

RESULTS = json.loads((CHECKOUT / "docs" / "performance.json").read_text())


def test_the_page_has_the_targets_and_goals_of_the_code(bench: Callable[[str], ModuleType]):
    results = bench("results")
    assert results.Results.read(results.PUBLISHED).targets() == RESULTS["targets"]
    assert RESULTS["targets"]


def test_the_longest_bar_of_each_group_keeps_within_the_chart():
    short, long = Bar("one <way>", 1.0, 0.5, 2.0), Bar("another", 5000.0, 1.0, 9000.0)
    drawn = draw("Times", "ms", {"get": [short], "page of 100": [long]})
    assert "one &lt;way&gt;" in drawn
    assert "5,000 ms" in drawn
    assert max(int(x) for x in re.findall(r'<text x="(\d+)"', drawn)) < 760
