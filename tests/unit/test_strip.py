"""The strip of units without a browser: what it refuses to draw."""

from dataclasses import replace

import pytest

from pages.common.components.strip import COLOURS, UnitTile, strip

TILE = UnitTile("Layer 1", "map 3: 0.5", b"", b"", (0, 0, 0.5, 1))


@pytest.mark.parametrize("box", [(-0.1, 0, 1, 1), (0, 0, 1.1, 1), (0.5, 0, 0.4, 1), (0, 0.5, 1, 0.4)])
def test_a_box_that_is_not_on_the_photograph_is_an_error(box):
    with pytest.raises(ValueError, match="'Layer 1' is not on the photograph"):
        strip(b"", [replace(TILE, box=box)], "key", alt="", on_click=print)


def test_there_are_no_more_units_than_colours():
    with pytest.raises(ValueError, match="'key' has 6 tiles; there are 5 colours"):
        strip(b"", [TILE] * (len(COLOURS) + 1), "key", alt="", on_click=print)


def test_a_unit_is_called_by_its_layer_and_its_map():
    assert TILE.words == "Layer 1: map 3: 0.5"
