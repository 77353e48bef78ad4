"""The drawing of a stack's shapes."""

from math import log2
from xml.etree import ElementTree

import pytest

from tests.unit.test_stack_figures import ALL, KINDS, STACKS
from vis.cost.design import Design, from_code
from vis.figures.numbers import sizes
from vis.figures.stack_shapes import CELL, FEW, LEAST, SMALL, TALLEST, WIDEST, stack_shapes

SVG = "{http://www.w3.org/2000/svg}"
NAMES = KINDS | {"conv": "<convolution> & a name that is too long"}


def drawn(stack, selected=None, across=840):
    return ElementTree.fromstring(stack_shapes(stack, "PICTURE", NAMES, selected, across, dark=False))


@pytest.mark.parametrize("name", STACKS)
def test_every_shape_is_a_box_to_scale_with_its_words_and_none_leaves_the_sheet(name):
    stack = STACKS[name]
    sheet = drawn(stack)
    shapes = [stack.picture, *(step.layer.shape for step in stack.steps)]
    side, most = max(max(shape[1:], default=1) for shape in shapes), max(log2(1 + shape[0]) for shape in shapes)
    boxes = sheet.findall(f"{SVG}rect")
    assert len(boxes) == len(shapes)
    place = CELL if len(shapes) + bool(stack.refused) <= FEW else SMALL
    for box, shape in zip(boxes, shapes, strict=True):
        wide, high = float(box.get("width")), float(box.get("height"))
        assert high == pytest.approx(max(LEAST, TALLEST * max(shape[1:], default=1) / side), abs=0.01)
        assert wide == pytest.approx(max(LEAST, min(WIDEST, place - 6) * log2(1 + shape[0]) / most), abs=0.01)
        assert 0 <= float(box.get("x")) <= float(sheet.get("width")) - wide
    words = [text.text for text in sheet.findall(f"{SVG}text")]
    if place == CELL:
        assert [word for word in words if word in map(sizes, shapes)] == [*map(sizes, shapes)]
    assert float(sheet.get("width")) <= 840


def test_the_chosen_row_is_framed_and_one_that_cannot_be_is_crossed_out():
    stack = Design(from_code("conv.8.3_conv.8.99"), (3, 20, 20)).stack()
    assert stack.refused
    sheet = drawn(stack, selected=0)
    frames = [box.get("stroke-width") for box in sheet.findall(f"{SVG}rect")]
    assert frames == [None, "3"]
    assert len(sheet.findall(f"{SVG}path")) == 1
    assert [text.text for text in sheet.findall(f"{SVG}text") if text.text in ("2", "✗")] == ["2", "✗"]
    assert not drawn(STACKS["everything"]).findall(f"{SVG}path")


def test_on_a_narrow_screen_it_has_more_rows_and_names_are_cut():
    stack = Design(from_code(ALL)).stack()
    wide, narrow = drawn(stack), drawn(stack, across=350)
    assert float(narrow.get("width")) <= 350 < float(wide.get("width"))
    assert float(narrow.get("height")) > float(wide.get("height"))
    assert "<convolution>…" in [text.text for text in wide.findall(f"{SVG}text")]
