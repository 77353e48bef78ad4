"""The pictures of MobileNet's costs."""

import io
from itertools import product

import pytest
from matplotlib.colors import to_hex
from PIL import Image

from vis.cost.mobilenet import SIDES, WIDTHS, MobileNet, grid
from vis.figures.costs import COLOURS, HERE, as_file, block_costs, by_block
from vis.figures.graph_files import png, svg
from vis.figures.numbers import short
from vis.figures.sixteen import sixteen
from vis.layout import Box

KINDS = {kind: kind.title() for kind in COLOURS}
NETWORKS = [
    *(MobileNet(), MobileNet(0.25, 128), MobileNet(2.0, 320, num_classes=21_841)),
    *(MobileNet(0.6, 200, separable=False), MobileNet(0.05, 32, shallow=True)),
]


def bars(network: MobileNet, quantity: str = "macs"):
    return block_costs(network, MobileNet(shallow=network.shallow), quantity, KINDS, "beside", quantity)


# Blocks ----------------------------------------------------------------------------------------------------------


def ticks(figure) -> list[float]:
    """Where the blocks of the other network end."""
    (line,) = figure.axes[0].lines
    return line.get_xdata().tolist()


@pytest.mark.parametrize("network", NETWORKS, ids=str)
@pytest.mark.parametrize("quantity", ["macs", "params"])
def test_the_bars_together_are_the_whole_network(network, quantity):
    kinds = {bar.get_label(): bar for bar in bars(network, quantity).axes[0].containers}
    assert sum(part.get_width() for bar in kinds.values() for part in bar) == getattr(network, quantity)
    assert {*kinds} == {KINDS[each.kind] for each in network.layers.values() if each.weights}
    assert all(to_hex(part.get_facecolor()) == COLOURS[name.lower()] for name, bar in kinds.items() for part in bar)


@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_every_block_has_a_tick_where_the_other_network_ends_and_both_are_inside(network):
    (axes,) = (figure := bars(network)).axes
    ends = {block: sum(each.macs for _, each in layers) for block, layers in by_block(network).items()}
    assert [label.get_text() for label in axes.get_yticklabels()] == [*ends]
    assert sum(ticks(figure)) == MobileNet(shallow=network.shallow).macs
    assert axes.get_xlim()[0] == 0
    assert axes.get_xlim()[1] >= max(*ticks(figure), *ends.values())


def test_at_the_papers_own_multipliers_every_bar_ends_at_its_tick_with_its_number():
    figure = bars(MobileNet())
    ends = [sum(each.macs for _, each in layers) for layers in by_block(MobileNet()).values()]
    assert ticks(figure) == ends
    assert [text.get_text().strip() for text in figure.axes[0].texts] == [*map(short, ends)]


def test_the_bars_as_a_file_are_wide_enough_for_print():
    picture = Image.open(io.BytesIO(as_file(bars(MobileNet()), "png")))
    assert picture.width >= 1200
    assert b"<svg" in as_file(bars(MobileNet()), "svg")


def test_a_block_is_a_depthwise_and_a_pointwise_layer():
    blocks = by_block(MobileNet())
    assert len(blocks) == 15  # the first layer, 13 blocks, the classifier
    assert [each.kind for _, each in blocks["block7"]] == ["depthwise", "pointwise"]
    assert "pool" not in blocks


# The paper's sixteen ---------------------------------------------------------------------------------------------


def box(network: MobileNet, name: str) -> Box:
    return next(box for box in sixteen(network)[0].boxes if box.name == name)


def middle(box: Box) -> tuple[float, float]:
    return box.left + box.width / 2, box.top + box.height / 2


def test_the_sixteen_cells_say_what_the_papers_tables_say():
    cells = {(width, side): box(MobileNet(), f"{width:g} {side}").texts for width, side in product(WIDTHS, SIDES)}
    assert cells[1.0, 224] == ("568.7 M", "4.23 M", "70.6 %")
    assert cells[0.25, 224] == ("41.03 M", "470 k", "50.6 %")
    assert cells[1.0, 128] == ("186.4 M", "4.23 M", "64.4 %")
    assert cells[0.5, 160] == ("76.52 M", "1.33 M", "60.2 %")
    assert cells[0.5, 192] == ("110.0 M", "1.33 M")  # the paper prints no accuracy
    assert sum(len(texts) == 3 for texts in cells.values()) == 8


@pytest.mark.parametrize(("width", "side"), [*product(WIDTHS, SIDES)])
def test_a_cell_stands_in_the_row_and_the_column_of_its_name(width, side):
    x, y = middle(box(MobileNet(), f"{width:g} {side}"))
    assert x == middle(box(MobileNet(), f"ρ {side}"))[0]
    assert y == middle(box(MobileNet(), f"α {width:g}"))[1]


@pytest.mark.parametrize(("width", "side"), [*product(WIDTHS, SIDES)])
def test_a_network_of_the_paper_frames_its_cell(width, side):
    network = MobileNet(width, side)
    frame, cell = box(network, "here"), box(network, f"{width:g} {side}")
    assert middle(frame) == middle(cell)
    assert frame.width > cell.width
    paints = sixteen(network)[1]
    assert (paints["here"].fill, paints["here"].frame) == (None, HERE)


@pytest.mark.parametrize(
    ("network", "column", "row"),
    [
        (MobileNet(0.625, 208), (192, 224, 0.5), (0.75, 0.5, 0.5)),
        (MobileNet(1.0, 144), (128, 160, 0.5), (1, 0.75, 0)),
        (MobileNet(0.55, 168), (160, 192, 0.25), (0.75, 0.5, 0.8)),
        (MobileNet(2.0, 192), (192, 224, 0), (1, 0.75, -0.42)),
        (MobileNet(0.05, 224), (192, 224, 1), (0.5, 0.25, 1.42)),
        (MobileNet(0.5, 320), (192, 224, 1.42), (0.75, 0.5, 1)),
        (MobileNet(0.5, 32), (128, 160, -0.42), (0.75, 0.5, 1)),
        (MobileNet(2.0, 320), (192, 224, 1.42), (1, 0.75, -0.42)),
        (MobileNet(0.05, 32), (128, 160, -0.42), (0.5, 0.25, 1.42)),
    ],
)
def test_other_networks_are_rings_between_the_cells_or_at_the_edge(network, column, row):
    """Each place: of two cells beside one another, and how far from the first to the second."""
    ring, whole = box(network, "here"), sixteen(network)[0]
    places = [
        (middle(box(network, f"1 {column[0]}"))[0], middle(box(network, f"1 {column[1]}"))[0], column[2]),
        (middle(box(network, f"{row[0]:g} 224"))[1], middle(box(network, f"{row[1]:g} 224"))[1], row[2]),
    ]
    assert middle(ring) == pytest.approx([first + part * (second - first) for first, second, part in places])
    assert ring.width == ring.height < box(network, "1 128").height / 2
    assert 0 < ring.left < ring.right < whole.width
    assert 0 < ring.top < ring.bottom < whole.height


def test_the_more_multiply_adds_the_stronger_the_colour():
    """By distance of the fill from the page's colour, on light and on dark pages."""
    paints = sixteen(MobileNet(separable=False))[1]
    cells = sorted(grid(separable=False).items(), key=lambda item: item[1].macs)
    for dark, page in ((0, 1.0), (1, 0.0)):
        light = [luminance(rgb(paints[f"{width:g} {side}"].fill[dark])) for (width, side), _ in cells]
        assert sorted(light, key=lambda value: abs(value - page)) == light


@pytest.mark.parametrize("dark", [0, 1])
def test_numbers_can_be_read_on_every_cell(dark):
    """Contrast as of WCAG 2; 4.5 is asked for."""
    drawing, paints = sixteen(MobileNet())
    for paint in (paints[box.name] for box in drawing.boxes if box.texts):
        bright, dim = sorted((luminance(rgb(colours[dark])) for colours in (paint.fill, paint.ink)), reverse=True)
        assert (bright + 0.05) / (dim + 0.05) >= 4.5


def test_the_picture_as_a_file_has_the_frame_in_its_colour():
    drawn = sixteen(MobileNet(0.75, 160))
    assert svg(*drawn).count(HERE) == 1
    frame, picture = box(MobileNet(0.75, 160), "here"), Image.open(io.BytesIO(png(*drawn)))
    assert picture.getpixel((round(2 * frame.left) + 2, round(frame.top + frame.bottom))) == tuple(rgb(HERE))


def rgb(colour: str) -> list[int]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


def luminance(colour) -> float:
    linear = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
