"""No box on another, no line through a box, everything downwards or beside a column, and inside the sheet; always."""

import hashlib
import os
import random
import subprocess
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import matplotlib
import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ImageFont

from tests.unit.graphs import (
    NETWORKS,
    WIDE,
    Residual,
    conv,
    drawn,
    graph_by_hand,
    graph_in_a_row,
    graph_of,
    sheet_of,
    wide_sheet_of,
)
from vis.cost.count import LayerCost
from vis.figures.graph import texts
from vis.graph import NOTHING, ROOT, Block, Graph, Node
from vis.layered import HEADER, Line
from vis.layout import LINE, MANY, ONE_LINE, Box, Drawing, drawing

every_network = pytest.mark.parametrize("name", NETWORKS)
NEAR = 0.01  # of a pixel
Segment = tuple[float, float, float, float]  # left, top, right, bottom


def segments(line: Line) -> list[Segment]:
    return [(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)) for (x0, y0), (x1, y1) in pairwise(line.points)]


def meet(box: Box, other: Segment) -> bool:
    """Whether something reaches into the inside of a box."""
    left, top, right, bottom = other
    across = left < box.right - NEAR and right > box.left + NEAR
    return across and top < box.bottom - NEAR and bottom > box.top + NEAR


def around(graph: Graph, name: str) -> set[str]:
    return {name, *graph.ancestors(name)} - {ROOT}


def check(graph: Graph, sheet: Drawing, in_columns: bool = False) -> None:
    check_boxes(graph, sheet)
    check_lines(graph, sheet, in_columns)
    assert not [pair for pair in laid_on_each_other(sheet) if is_flat(pair[0])]


def check_boxes(graph: Graph, sheet: Drawing) -> None:
    seen: dict[str, Box] = {}
    by_height = sorted(sheet.boxes, key=lambda box: box.top)
    for box in sheet.boxes:
        assert box.name not in seen
        seen[box.name] = box
        assert 0 <= box.left < box.right <= sheet.width
        assert 0 <= box.top < box.bottom <= sheet.height
        if parent := graph.parent(box.name):
            frame = seen[parent]  # which came before
            assert frame.opened
            assert box.depth == frame.depth + 1
            assert frame.left < box.left
            assert box.right < frame.right
            assert frame.top + HEADER <= box.top + NEAR
            assert box.bottom < frame.bottom
        assert box.opened is None if box.name in graph.nodes else box.opened is not None
    for i, box in enumerate(by_height):
        for other in by_height[i + 1 :]:
            if other.top > box.bottom:
                break
            if meet(box, (other.left, other.top, other.right, other.bottom)):
                assert box.name in around(graph, other.name) or other.name in around(graph, box.name)


def check_lines(graph: Graph, sheet: Drawing, in_columns: bool = False) -> None:
    boxes = {box.name: box for box in sheet.boxes}
    level: dict[str, list[Box]] = {}
    for box in sheet.boxes:
        level.setdefault(graph.parent(box.name), []).append(box)
    frames = [box for box in sheet.boxes if box.opened]
    closed = sorted((box for box in sheet.boxes if not box.opened), key=lambda box: box.top)
    tops, tallest = [box.top for box in closed], max(box.height for box in closed)
    for line in sheet.lines:
        source, target = boxes[line.source], boxes[line.target]
        start, end = line.points[0], line.points[-1]
        from_outside = graph.parent(line.target) == line.source
        to_outside = graph.parent(line.source) == line.target
        assert start[1] == pytest.approx(source.top if from_outside else source.bottom)
        assert end[1] == pytest.approx(target.bottom if to_outside else target.top)
        assert source.left <= start[0] <= source.right
        assert target.left <= end[0] <= target.right
        assert all(0 <= x <= sheet.width and 0 <= y <= sheet.height for x, y in line.points)
        if line.implied:
            continue
        upwards = [above[0] for above, below in pairwise(line.points) if below[1] < above[1]]
        assert in_columns or not upwards
        inside = line.source if from_outside else line.target if to_outside else graph.parent(line.source)
        for x in upwards:  # between two columns of its block
            assert not [box for box in level[inside] if box.left <= x <= box.right]
            assert min(box.right for box in level[inside]) < x < max(box.left for box in level[inside])
        allowed = around(graph, line.source) & around(graph, line.target)
        for segment in segments(line):
            near = closed[bisect_left(tops, segment[1] - tallest) : bisect_right(tops, segment[3])]
            for box in (*frames, *near):
                assert box.name in allowed or not meet(box, segment), (line, box)


def is_flat(segment: Segment) -> bool:
    return segment[1] == segment[3]


def laid_on_each_other(sheet: Drawing) -> Iterator[tuple[Segment, Segment]]:
    """Pieces of lines that look like one, although the lines have neither their source nor their target in common."""
    pieces = [(line, piece) for line in sheet.lines if not line.implied for piece in segments(line)]
    pieces.sort(key=lambda found: found[1][1])
    for i, (line, one) in enumerate(pieces):
        for other_line, other in pieces[i + 1 :]:
            if other[1] > one[3] + 1:
                break
            if line.source == other_line.source or line.target == other_line.target:
                continue
            wide, high = min(one[2], other[2]) - max(one[0], other[0]), min(one[3], other[3]) - max(one[1], other[1])
            if is_flat(one) and is_flat(other):
                if abs(one[1] - other[1]) < 1 and wide > NEAR:
                    yield one, other
            elif not is_flat(one) and not is_flat(other) and wide > -1 and high > NEAR:
                yield one, other


def some_open(graph: Graph, seed: int) -> set[str]:
    return {name for name in graph.blocks if random.Random(f"{seed} {name}").random() < 0.6}


# Networks ---------------------------------------------------------------------------------------------------------


@every_network
def test_an_open_network_is_drawn_without_collisions_in_one_column(name):
    check(graph_of(name), sheet_of(name))
    assert not list(laid_on_each_other(sheet_of(name)))


@every_network
def test_an_open_network_is_drawn_without_collisions_in_columns(name):
    check(graph_of(name), wide_sheet_of(name), in_columns=True)
    assert not list(laid_on_each_other(wide_sheet_of(name)))


@every_network
def test_whatever_is_open_is_drawn_without_collisions_on_any_canvas(name):
    graph = graph_of(name)
    check(graph, drawn(graph, set(), WIDE), in_columns=True)
    check(graph, drawn(graph, some_open(graph, 0), 0.6), in_columns=True)


@every_network
def test_every_connection_is_drawn_at_its_own_level(name):
    graph = graph_of(name)
    named = {(block, way): block for block in graph.blocks for way in ("in", "out")}
    wanted = sorted((named.get(a, a), named.get(b, b)) for block in graph.blocks for a, b in graph.level(block).edges)
    for sheet in (sheet_of(name), wide_sheet_of(name)):
        assert sorted((line.source, line.target) for line in sheet.lines) == wanted


@every_network
def test_texts_are_not_wider_than_their_box(name):
    font = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    plain, bold = (ImageFont.truetype(font / f"DejaVuSans{kind}.ttf", 11) for kind in ("", "-Bold"))
    graph = graph_of(name)
    for sheet in (sheet_of(name), wide_sheet_of(name), drawn(graph, set())):
        for box in sheet.boxes:
            is_small = box.height == ONE_LINE and box.opened is None
            title, *rest = box.texts[:1] if box.opened or is_small else box.texts
            assert bold.getlength(title) < box.width
            assert max([0, *map(plain.getlength, rest)]) < box.width
            assert is_small or box.height >= (HEADER if box.opened else LINE * len(box.texts))


# Pictures in boxes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["alexnet", "zfnet_mini", "resnet50", "googlenet", "densenet121", "convnext_tiny"])
@pytest.mark.parametrize("opened", ["nothing", "some", "everything"])
def test_boxes_have_room_for_their_pictures_beside_their_texts_and_no_box_lies_on_another(name, opened):
    graph = graph_of(name)
    blocks = {"nothing": set(), "some": some_open(graph, 0), "everything": set(graph.blocks)}[opened]
    pictured = {*graph.blocks, *(node.name for node in graph.nodes.values() if len(node.output_shape) == 4)}
    sheet = drawing(graph, blocks, texts, aspect=WIDE, pictured=pictured)
    check(graph, sheet, in_columns=True)
    without = {box.name: box for box in drawn(graph, blocks, WIDE).boxes}
    font = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    plain, bold = (ImageFont.truetype(font / f"DejaVuSans{kind}.ttf", 11) for kind in ("", "-Bold"))
    for box in sheet.boxes:
        if box.opened or box.name not in pictured:
            assert box.picture == 0
            assert box.text_left == box.left
            if not box.opened:
                assert (box.width, box.height) == (without[box.name].width, without[box.name].height)
            continue
        around = (box.height - box.picture) / 2
        assert around >= 4
        assert box.picture >= (26 if box.height == ONE_LINE else 44)
        assert box.left + around + box.picture < box.text_left + 11  # where texts begin, as at an edge
        title, *rest = box.texts[:1] if box.height == ONE_LINE else box.texts
        assert max([bold.getlength(title), *map(plain.getlength, rest)]) < box.right - box.text_left


# Canvases ---------------------------------------------------------------------------------------------------------


def zoom(sheet: Drawing, width: float, height: float) -> float:
    """How large the whole drawing can be on a canvas, at most 2."""
    return min(width / sheet.width, height / sheet.height, 2)


@pytest.mark.parametrize("name", ["resnet50", "vgg16", "googlenet", "lenet5", "mobilenet_v2"])
def test_a_closed_network_fills_the_canvas_of_a_laptop(name):
    """Its longer side takes more than three quarters of 810 × 530 pixels, or it is twice as large as usual."""
    graph = graph_of(name)
    sheet = drawn(graph, set(), WIDE)
    share = max(sheet.width * (large := zoom(sheet, 810, 530)) / 810, sheet.height * large / 530)
    assert large > 0.9
    assert share > 0.75 or large == 2
    if len(sheet.boxes) > 10:
        assert min(sheet.width * large / 810, sheet.height * large / 530) > 0.75


@pytest.mark.parametrize(("name", "least"), [("vgg16", 0.95), ("resnet50", 0.4), ("densenet121", 0.32)])
def test_an_open_network_is_many_times_larger_in_columns_than_in_one(name, least):
    """At 1460 × 750 pixels, a canvas on a screen of 1920 × 1080, names of 14 units that may grow to twice that."""
    assert zoom(wide_sheet_of(name), 1428, 718) > least
    assert zoom(wide_sheet_of(name), 1428, 718) > 4 * zoom(sheet_of(name), 1428, 718)


def test_the_boxes_of_operations_are_small_only_where_there_are_many():
    many, few = wide_sheet_of("densenet121"), wide_sheet_of("vgg16")
    assert len(many.boxes) > MANY > len(few.boxes)
    assert {box.height for box in many.boxes if box.opened is None} == {ONE_LINE}
    assert {box.height for box in few.boxes if box.opened is None} == {12 + 2 * LINE, 12 + 3 * LINE}
    assert {box.height for box in sheet_of("densenet121").boxes if box.opened is None} > {12 + 3 * LINE}


def test_columns_are_read_from_left_to_right_and_begin_at_one_height():
    sheet = drawn(graph_of("resnet50"), set(), WIDE)
    columns: dict[float, list[Box]] = {}
    for box in sheet.boxes:
        columns.setdefault(box.left + box.width / 2, []).append(box)
    assert [name for boxes in columns.values() for name in (b.name for b in boxes)] == [b.name for b in sheet.boxes]
    assert list(columns) == sorted(columns)
    assert len(columns) == 3
    assert len({boxes[0].top for boxes in columns.values()}) == 1
    assert all(above.bottom < below.top for boxes in columns.values() for above, below in pairwise(boxes))


def test_a_column_ends_only_where_a_single_signal_goes_on():
    """A skip past all of a row leaves no place to cut it; without the skip there are columns."""
    modules = {f"c{i}": conv() for i in range(8)}

    def row(net, x):
        for name in modules:
            x = getattr(net, name)(x)
        return x

    skipped = drawn(graph_by_hand(lambda net, x: row(net, x) + x, **modules), aspect=WIDE)
    assert len({round(box.left) for box in skipped.boxes if box.name.startswith("c")}) == 1
    plain = drawn(graph_by_hand(row, **modules), aspect=WIDE)
    assert len({round(box.left) for box in plain.boxes if box.name.startswith("c")}) > 1


def test_what_is_closed_shows_nothing_of_its_inside():
    graph = graph_of("resnet50")
    names = {box.name for box in drawn(graph, {"layer1"}).boxes}
    assert names == {*graph.blocks[ROOT].children, *graph.blocks["layer1"].children}
    hidden = {box.name for box in drawn(graph, {"layer1.0"}).boxes}  # open in a closed one
    assert hidden == {*graph.blocks[ROOT].children}


@pytest.mark.parametrize("name", ["resnet152", "googlenet", "efficientnet_b0", "densenet121"])
def test_a_block_may_be_drawn_alone(name):
    graph = graph_of(name)
    for block in [block for block in graph.blocks if block][:9]:
        sheet = drawing(graph, graph.blocks, texts, block)
        assert {box.name for box in sheet.boxes if box.opened is None} == {n.name for n in graph.operations(block)}
        assert all(box.left >= 0 and box.right <= sheet.width for box in sheet.boxes)
        assert all(box.top >= 0 and box.bottom <= sheet.height for box in sheet.boxes)
        assert all(0 <= x <= sheet.width and 0 <= y <= sheet.height for line in sheet.lines for x, y in line.points)


def test_a_line_turns_off_above_one_that_arrives_below_its_source():
    layers = layer("a", 3, ()), layer("b", 2, ()), layer("c", 4, ("b", "a")), layer("d", 1, ("b",))
    nodes = {node.name: node for node in layers}
    graph = Graph(nodes, {ROOT: Block(ROOT, "Module", ROOT, tuple(nodes))}, (1, 8, 4, 4))
    check(graph, drawn(graph))
    assert not list(laid_on_each_other(drawn(graph)))


@every_network
def test_a_line_that_comes_in_passes_the_name_of_the_block_by(name):
    graph, sheet = graph_of(name), sheet_of(name)
    boxes = {box.name: box for box in sheet.boxes}
    for line in sheet.lines:
        if graph.parent(line.target) == line.source:
            frame = boxes[line.source]
            assert line.points[0][0] > frame.left + 10 + 7.4 * len(frame.texts[0])


# Shortcuts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["resnet18", "resnet152", "resnet50_v2", "mobilenet_v2", "efficientnet_b0", "googlenet"]
)
def test_a_skip_is_drawn(name):
    assert not [line for line in sheet_of(name).lines if line.implied]


@pytest.mark.parametrize("name", ["densenet121", "densenet201"])
def test_of_a_dense_block_only_what_no_longer_path_implies_is_drawn(name):
    graph = graph_of(name)
    lines = drawn(graph).lines
    for block in (f"features.denseblock{i}" for i in range(1, 5)):
        level = graph.level(block)
        here = [line for line in lines if {line.source, line.target} <= {block, *graph.blocks[block].children}]
        here = [line for line in here if graph.parent(line.source) == block or graph.parent(line.target) == block]
        shown = {(line.source, line.target) for line in here if not line.implied}
        ports = {(block, "in"): block, (block, "out"): block}
        reduced = nx.transitive_reduction(level).edges
        assert shown == {(ports.get(a, a), ports.get(b, b)) for a, b in reduced}
        assert len(here) == level.number_of_edges() > len(shown)


def test_few_skips_past_each_other_are_all_drawn():
    graph = graph_by_hand(lambda net, x: net.c(net.b(net.a(x)) + x) + x, a=conv(), b=conv(), c=conv())
    assert not [line for line in drawn(graph).lines if line.implied]


# The same every time ----------------------------------------------------------------------------------------------

PROOF = """
import hashlib
from tests.unit.graphs import drawn, graph_of
for name in ("googlenet", "efficientnet_b0"):
    for aspect in (None, 1.7):
        print(hashlib.sha256(repr(drawn(graph_of(name), aspect=aspect)).encode()).hexdigest())
"""


def test_another_process_draws_the_same():
    """Two hash seeds: that of this process, which Python drew, and one given to the other."""
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONHASHSEED": "1", "PYTHONPATH": str(root)}
    other = subprocess.run(
        [sys.executable, "-c", PROOF], env=environment, cwd=root, capture_output=True, text=True, check=True
    )
    here = [sheet for name in ("googlenet", "efficientnet_b0") for sheet in (sheet_of(name), wide_sheet_of(name))]
    assert other.stdout.split() == [hashlib.sha256(repr(sheet).encode()).hexdigest() for sheet in here]


# The checks themselves --------------------------------------------------------------------------------------------


def moved(sheet: Drawing, name: str, right: float, down: float) -> Drawing:
    boxes = (replace(b, left=b.left + right, top=b.top + down) if b.name == name else b for b in sheet.boxes)
    return replace(sheet, boxes=tuple(boxes))


def test_the_checks_find_a_box_on_another_and_a_line_through_a_box():
    graph = graph_in_a_row(conv(), Residual(), conv())
    sheet = drawn(graph)
    check(graph, sheet)
    second = next(box for box in sheet.boxes if box.name == "2")
    with pytest.raises(AssertionError):
        check_boxes(graph, moved(sheet, "0", 0, second.top - 100))
    with pytest.raises(AssertionError):
        check_lines(graph, moved(sheet, "1.relu", 0, 30))
    skip = next(line for line in sheet.lines if (line.source, line.target) == ("1", "1.add"))
    middle = skip.points[0][0], skip.points[-1][0]
    straight = replace(skip, points=((middle[0], skip.points[0][1]), (middle[0], skip.points[-1][1])))
    with pytest.raises(AssertionError):
        check_lines(graph, replace(sheet, lines=(straight,)))


def test_the_checks_find_lines_on_each_other():
    lines = [Line(f"a{i}", f"b{i}", ((0, i), (0, 5), (9, 5), (9, 9 + i)), False) for i in range(2)]
    found = list(laid_on_each_other(Drawing(9, 9, (), tuple(lines))))
    assert [is_flat(one) for one, _ in found].count(True) == 1
    assert [is_flat(one) for one, _ in found].count(False) == 2


# Random networks --------------------------------------------------------------------------------------------------


def layer(name: str, wide: int, inputs: tuple[str, ...], parent: str = ROOT) -> Node:
    cost = LayerCost(name, "conv", (1, 8, 4, 4), 0, 0, 0, 0, 0, 0)
    return Node(name, "conv", "Conv2d" * wide, parent, inputs, {}, cost, NOTHING)


def stub(tree: list, wires: random.Random, dense: float) -> Graph:
    """A graph of nested lists of blocks, whose operations read some of those before them."""
    nodes: dict[str, Node] = {}
    blocks: dict[str, Block] = {}

    def grow(name: str, inside: list, parent: str) -> None:
        children = tuple(f"{name}.{i}".lstrip(".") for i in range(len(inside)))
        blocks[name] = Block(name, "Module", parent, children)
        for child, what in zip(children, inside, strict=True):
            if isinstance(what, list) and what:
                grow(child, what, name)
                continue
            inputs = tuple(n for i, n in enumerate(reversed(nodes)) if wires.random() < dense / (1 + i * (i % 3)))
            nodes[child] = layer(child, wires.randint(1, 4), inputs, name)

    grow(ROOT, tree, ROOT)
    return Graph(nodes, blocks, (1, 8, 4, 4))


trees = st.recursive(st.none(), lambda inside: st.lists(inside, min_size=1, max_size=9), max_leaves=30)


@settings(max_examples=70, deadline=None)
@given(
    st.lists(trees, min_size=1, max_size=9),
    st.randoms(use_true_random=False),
    st.sampled_from([0.02, 0.1, 0.4, 0.7, 1.0]),
    st.integers(0, 2),
    st.sampled_from([None, 0.4, 1.7, 4.0]),
)
def test_any_graph_is_drawn_without_collisions(tree, wires, dense, seed, aspect):
    graph = stub(tree, wires, dense)
    check(graph, drawn(graph, some_open(graph, seed) if seed else None, aspect), aspect is not None)
