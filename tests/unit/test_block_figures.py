"""The blocks of the cost lab as drawings, and their curves."""

from itertools import combinations, pairwise

import pytest

from vis.cost.blocks import (
    INCEPTIONS,
    Block,
    bottleneck,
    dilated,
    grouped,
    inception,
    reduced,
    separable,
    stacked,
    wide,
)
from vis.figures.blocks import beside, drawn, title
from vis.figures.curves import curves, places
from vis.figures.graph_files import png, svg
from vis.figures.numbers import short

BLOCKS = {
    "inception": inception(INCEPTIONS["3a"]),
    "naive inception": inception(INCEPTIONS["4e"], is_reduced=False),
    "identity": bottleneck((256, 56, 56), 64, 256),
    "projection": bottleneck((256, 56, 56), 128, 512, 2),
    "wide": wide((64, 56, 56), 64),
    "one path": reduced((192, 28, 28), 16, 32, 5),
    "a stack": stacked((1, 224, 224), 10),
    "large numbers": separable((1024, 224, 224), 1024, 11, 8, 5),
    "a shuffle": grouped((240, 28, 28), 240, 1, 3, is_shuffled=True),
}
EACH = pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS.keys())


@EACH
def test_every_layer_has_a_box_that_says_its_shape_and_its_price(block: Block):
    drawing, paints = drawn(block)
    written = [box.texts for box in drawing.boxes if box.name not in ("input", "join")]
    assert [(texts[0], texts[1]) for texts in written] == [
        (title(layer), "×".join(map(str, layer.shape))) for layer in block.layers
    ]
    assert [texts[2:] for texts in written] == [
        () if layer.macs is None else (f"{short(layer.macs)} MACs",) for layer in block.layers
    ]
    assert {box.name for box in drawing.boxes} == paints.keys()
    ends = [box.texts[1] for box in drawing.boxes if box.name in ("input", "join")]
    assert ends == ["×".join(map(str, shape)) for shape in (block.given, *[block.shape] * bool(block.joined))]


def test_the_words_of_another_language_stand_in_the_boxes():
    texts = [box.texts for box in beside(BLOCKS["one path"], BLOCKS["a stack"], "đầu vào", "MAC")[0].boxes]
    assert {lines[-1].rpartition(" ")[2] for lines in texts if len(lines) == 3} == {"MAC"}
    assert [lines[0] for lines in texts].count("đầu vào") == 2
    assert ("input", "192×28×28") not in texts


@EACH
def test_no_two_boxes_overlap_and_all_are_on_the_sheet(block: Block):
    for drawing in drawn(block)[0], beside(block, BLOCKS["inception"])[0]:
        for one, other in combinations(drawing.boxes, 2):
            apart = (
                one.right <= other.left or other.right <= one.left or one.bottom <= other.top or other.bottom <= one.top
            )
            assert apart, (one.name, other.name)
        assert all(box.left >= 0 and box.right <= drawing.width for box in drawing.boxes)
        assert all(box.top >= 0 and box.bottom <= drawing.height for box in drawing.boxes)


@EACH
def test_every_line_runs_down_from_a_box_to_a_box_and_through_none(block: Block):
    drawing, _paints = drawn(block)
    boxes = {box.name: box for box in drawing.boxes}
    for line in drawing.lines:
        assert line.points[0][1] == boxes[line.source].bottom
        assert line.points[-1][1] == boxes[line.target].top
        for (x0, y0), (x1, y1) in pairwise(line.points):
            assert y1 >= y0
            for box in drawing.boxes:
                misses = max(x0, x1) <= box.left or min(x0, x1) >= box.right or y1 <= box.top or y0 >= box.bottom
                assert misses, (line, box.name)


@EACH
def test_the_lines_are_the_paths_of_the_block(block: Block):
    lines = {(line.source, line.target) for line in drawn(block)[0].lines}
    expected = set()
    for i, path in enumerate(block.paths):
        names = ["input", *(f"{i}.{j}" for j in range(len(path))), *["join"] * bool(block.joined)]
        expected |= set(pairwise(names))
    assert lines == expected


@EACH
def test_a_block_becomes_a_file(block: Block):
    drawing, paints = beside(BLOCKS["identity"], block)
    assert len({box.name for box in drawing.boxes}) == len(drawing.boxes)
    text = svg(drawing, paints, ["<b>two</b> blocks"])
    assert text.count("<rect") == 1 + len(drawing.boxes)
    assert "&lt;b&gt;two" in text
    assert png(drawing, paints, ["two blocks"], dark=True).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("block", "titles"),
    [
        (BLOCKS["projection"], ["1×1 conv", "3×3 conv /2", "1×1 conv", "1×1 conv /2"]),
        (BLOCKS["a shuffle"], ["1×1 conv g3", "shuffle g3"]),
        (dilated((64, 32, 32), 64, 3, 4), ["3×3 conv d4"]),
        (separable((8, 14, 14), 8, 5), ["5×5 depthwise", "1×1 conv"]),
        (BLOCKS["inception"], ["1×1 conv", "1×1 conv", "3×3 conv", "1×1 conv", "5×5 conv", "3×3 max pool", "1×1 conv"]),
    ],
)
def test_a_layer_is_named_as_in_the_papers(block, titles):
    assert [title(layer) for layer in block.layers] == titles


# Curves ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("values", [range(1, 1025), range(6), (1, 3, 5, 7, 9, 11), (5,), range(1, 65), range(1, 66)])
def test_a_curve_goes_through_both_ends_and_through_all_of_a_few_values(values):
    found = places(values)
    assert found == sorted(set(found))
    assert {values[0], values[-1]} <= set(found) <= set(values)
    assert len(found) == min(len(values), 64)


def test_the_curves_are_the_costs_with_a_point_on_each():
    across = [1, 2, 4]
    costs = {"plain": [10, None, 40], "cheap": [1, 2, 3]}
    figure = curves(across, costs, (3, [25, 2]), "maps", "MACs")
    lines, (points,) = figure.data[:2], figure.data[2:]
    assert [(line.name, list(line.x), list(line.y)) for line in lines] == [
        (name, across, values) for name, values in costs.items()
    ]
    assert (list(points.x), list(points.y)) == ([3, 3], [25, 2])
    assert figure.layout.yaxis.rangemode == "tozero"
    assert lines[1].hovertemplate == "<b>cheap</b><br>%{x}: %{y:,d}<extra></extra>"
