"""The pictures of MobileNet's costs as they are handed to Plotly."""

from itertools import product

import pytest

from vis.cost.mobilenet import SIDES, WIDTHS, MobileNet
from vis.figures.costs import COLOURS, HERE, INK, block_costs, by_block, sixteen

KINDS = {kind: kind.title() for kind in COLOURS}
WORDS = {name: name.upper() for name in ("width", "resolution", "macs", "params", "accuracy")}
NETWORKS = [
    *(MobileNet(), MobileNet(0.25, 128), MobileNet(2.0, 320, num_classes=21_841)),
    *(MobileNet(0.6, 200, separable=False), MobileNet(0.05, 32, shallow=True)),
]


def bars(network: MobileNet, quantity: str = "macs"):
    return block_costs(network, MobileNet(shallow=network.shallow), quantity, KINDS, "beside", quantity)


def marks(network: MobileNet):
    """What stands on the sixteen cells: the frames and the points in the colour of this network."""
    figure = sixteen(network, WORDS)
    frames = [shape for shape in figure.layout.shapes if shape.line.color == HERE]
    points = [trace for trace in figure.data if trace.mode == "markers"]
    return frames, points


# Blocks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("network", NETWORKS, ids=str)
@pytest.mark.parametrize("quantity", ["macs", "params"])
def test_the_bars_together_are_the_whole_network(network, quantity):
    drawn = [trace for trace in bars(network, quantity).data if trace.type == "bar"]
    assert sum(sum(trace.x) for trace in drawn) == getattr(network, quantity)
    assert {trace.name for trace in drawn} == {KINDS[each.kind] for each in network.layers.values() if each.weights}
    assert all(trace.marker.color == COLOURS[trace.name.lower()] for trace in drawn)


@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_every_block_has_a_tick_where_the_other_network_ends_and_both_are_inside(network):
    figure = bars(network)
    ticks = figure.data[-1]
    ends = {block: sum(each.macs for _, each in layers) for block, layers in by_block(network).items()}
    assert list(ticks.y) == list(ends)
    assert sum(ticks.x) == MobileNet(shallow=network.shallow).macs
    assert figure.layout.xaxis.range[0] == 0
    assert figure.layout.xaxis.range[1] >= max(*ticks.x, *ends.values())


def test_at_the_papers_own_multipliers_every_bar_ends_at_its_tick():
    ticks = bars(MobileNet()).data[-1]
    assert list(ticks.x) == [sum(each.macs for _, each in layers) for layers in by_block(MobileNet()).values()]


def test_a_block_is_a_depthwise_and_a_pointwise_layer():
    blocks = by_block(MobileNet())
    assert len(blocks) == 15  # the first layer, 13 blocks, the classifier
    assert [each.kind for _, each in blocks["block7"]] == ["depthwise", "pointwise"]
    assert "pool" not in blocks


# The paper's sixteen ---------------------------------------------------------------------------------------------


def test_the_sixteen_cells_say_what_the_papers_tables_say():
    written = next(trace for trace in sixteen(MobileNet(), WORDS).data if trace.mode == "text")
    drawn = zip(written.x, written.y, written.text, strict=True)
    cells = {(sorted(WIDTHS)[y], sorted(SIDES)[x]): text for x, y, text in drawn}
    assert cells[1.0, 224] == "<b>568.7 M</b><br>4.23 M<br>70.6 %"
    assert cells[0.25, 224] == "<b>41.03 M</b><br>470 k<br>50.6 %"
    assert cells[1.0, 128] == "<b>186.4 M</b><br>4.23 M<br>64.4 %"
    assert cells[0.5, 160] == "<b>76.52 M</b><br>1.33 M"  # the paper prints no accuracy
    assert sum("%" in text for text in cells.values()) == 7
    assert len(cells) == 16


@pytest.mark.parametrize(("width", "side"), [*product(WIDTHS, SIDES)])
def test_a_network_of_the_paper_frames_its_cell(width, side):
    frames, points = marks(MobileNet(width, side))
    (frame,) = frames
    assert not points
    assert (frame.x0 + frame.x1) / 2 == sorted(SIDES).index(side)
    assert (frame.y0 + frame.y1) / 2 == sorted(WIDTHS).index(width)


@pytest.mark.parametrize(
    ("network", "place", "symbol"),
    [
        (MobileNet(0.625, 208), (2.5, 1.5), "circle-open"),
        (MobileNet(1.0, 144), (0.5, 3), "circle-open"),
        (MobileNet(2.0, 192), (2, 3.42), "triangle-up"),
        (MobileNet(0.05, 224), (3, -0.42), "triangle-down"),
        (MobileNet(0.5, 320), (3.42, 1), "triangle-right"),
        (MobileNet(0.5, 32), (-0.42, 1), "triangle-left"),
        (MobileNet(2.0, 320), (3.42, 3.42), "triangle-ne"),
        (MobileNet(0.05, 32), (-0.42, -0.42), "triangle-sw"),
    ],
)
def test_other_networks_stand_between_the_cells_or_at_the_edge(network, place, symbol):
    frames, (point,) = marks(network)
    assert not frames
    assert (point.x[0], point.y[0]) == pytest.approx(place)
    assert point.marker.symbol == symbol


@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_whatever_stands_on_the_cells_is_inside_the_picture(network):
    frames, points = marks(network)
    layout = sixteen(network, WORDS).layout
    for low, high, axis in [
        *((frame.x0, frame.x1, layout.xaxis) for frame in frames),
        *((frame.y0, frame.y1, layout.yaxis) for frame in frames),
        *((point.x[0], point.x[0], layout.xaxis) for point in points),
        *((point.y[0], point.y[0], layout.yaxis) for point in points),
    ]:
        assert axis.range[0] < low <= high < axis.range[1]


def test_an_accuracy_between_the_papers_is_marked_where_the_point_is_read():
    _, (point,) = marks(MobileNet(0.875))
    assert "ACCURACY: ≈ 69.5 %" in point.hovertext[0]
    _, (point,) = marks(MobileNet(0.6, 200))
    assert "ACCURACY" not in point.hovertext[0]


@pytest.mark.parametrize("is_dark", [False, True])
def test_numbers_can_be_read_on_the_dearest_cell(is_dark):
    """Contrast as of WCAG 2, of the ink with the blue over a page of Streamlit's colours; 4.5 is asked for."""
    figure = sixteen(MobileNet(), WORDS, is_dark)
    assert next(trace for trace in figure.data if trace.mode == "text").textfont.color == INK[is_dark]
    paper = (14, 17, 23) if is_dark else (255, 255, 255)
    fills = [shape.fillcolor.strip("rgba()").split(", ") for shape in figure.layout.shapes if shape.fillcolor]
    assert len(fills) == 16
    for *blue, opacity in fills:
        over = [float(opacity) * int(b) + (1 - float(opacity)) * p for b, p in zip(blue, paper, strict=True)]
        ink = [int(INK[is_dark][i : i + 2], 16) for i in (1, 3, 5)]
        bright, dim = sorted((luminance(over), luminance(ink)), reverse=True)
        assert (bright + 0.05) / (dim + 0.05) >= 4.5


def luminance(rgb) -> float:
    linear = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in rgb]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
