"""How large each element of an array is."""

import pytest

from localtwins.rest.bodies import element_sizes


@pytest.mark.parametrize(
    ("body", "sizes"),
    [
        ('[1, "ab"]', [1, 4]),
        (' \n[ {"a": [1, 2]} , {} ] ', [13, 2]),
        ('["ä"]', [4]),
        ("[]", []),
        (" [ ] ", []),
    ],
)
def test_elements_are_measured_as_they_were_written(body: str, sizes: list[int]):
    assert element_sizes(body.encode()) == sizes
