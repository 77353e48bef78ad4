"""The graph in colour: readable on every colour, whole as a file, and with the right words on every box."""

import io
from collections import OrderedDict
from itertools import product
from math import inf
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from torch import nn

from models.images import data_uri
from tests.unit.graphs import conv, drawn, graph_in_a_row, graph_of
from vis.cost.count import Counting
from vis.figures import graph as figure
from vis.figures import graph_files as files
from vis.figures.graph import INK, NOT_COUNTED, PAPER, Paint, quantity, settings_in_short, texts
from vis.figures.thumbnails import palette_png
from vis.graph import ROOT, Graph, layer_graph
from vis.layout import Drawing, drawing
from vis.operations import KINDS

SVG = "{http://www.w3.org/2000/svg}"
ENOUGH = 4.5  # contrast of a text, WCAG 2.2, 1.4.3
BLOCKED = ("resnet50", "googlenet", "densenet121", "efficientnet_b0")


def contrast(one: str, other: str) -> float:
    """After WCAG 2.2, from 1 to 21."""

    def luminance(colour: str) -> float:
        linear = []
        for i in (1, 3, 5):
            c = int(colour[i : i + 2], 16) / 255
            linear.append(c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4)
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def by_kind(graph: Graph, sheet: Drawing) -> dict[str, Paint]:
    return figure.painted_by_kind(graph, [box.name for box in sheet.boxes])


def odd() -> Graph:
    """A network whose modules' names mean something in XML."""
    modules = {'<a & "b">': conv(), "c'd]]>": conv(), "ü–×": nn.Sequential(conv(), nn.ReLU())}
    return layer_graph(nn.Sequential(OrderedDict(modules)).eval(), (1, 4, 8, 6))


# Colours ----------------------------------------------------------------------------------------------------------


def test_contrast_is_measured_as_it_should_be():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)


def test_there_is_a_colour_for_every_kind():
    assert set(figure.FILLS) == {*KINDS, "input", "block"}


def test_colours_of_kinds_that_stand_for_something_differ():
    for dark in (False, True):
        fills = [fill[dark] for kind, fill in figure.FILLS.items() if kind not in ("other", "input")]
        assert len(set(fills)) == len(fills)


@pytest.mark.parametrize(("kind", "dark"), list(product(figure.FILLS, (False, True))))
def test_every_kind_can_be_read(kind, dark):
    paint = figure.paint(figure.FILLS[kind])
    assert contrast(paint.fill[dark], paint.ink[dark]) >= ENOUGH


@pytest.mark.parametrize("dark", [False, True])
def test_every_place_on_the_scale_can_be_read(dark):
    shares = [i / 1000 for i in range(1001)]
    paints = figure.painted_by_quantity({str(share): share for share in shares}, 1.0)
    for share in shares:
        paint = paints[str(share)]
        assert contrast(paint.fill[dark], paint.ink[dark]) >= ENOUGH, share


@pytest.mark.parametrize("dark", [False, True])
def test_headers_of_open_blocks_and_captions_can_be_read(dark):
    assert max(contrast(PAPER[dark], ink) for ink in INK) >= ENOUGH
    assert contrast(PAPER[dark], figure.STROKE[dark]) >= 3  # lines and frames, WCAG 2.2, 1.4.11


@pytest.mark.parametrize("dark", [False, True])
def test_the_scale_gets_steadily_stronger(dark):
    fills = [figure.painted_by_quantity({"": i / 100}, 1)[""].fill[dark] for i in range(101)]
    against = [contrast(PAPER[dark], fill) for fill in fills]
    assert against == sorted(against)


def test_not_counted_and_the_ends_of_the_scale_have_colours_of_their_own():
    found = figure.painted_by_quantity({"none": None, "zero": 0.0, "most": 8.0, "whole": inf}, 8.0)
    assert found["none"].fill == NOT_COUNTED
    assert found["zero"].fill == tuple(scale[0] for scale in figure.SCALE)
    assert found["most"].fill == found["whole"].fill == tuple(scale[-1] for scale in figure.SCALE)
    assert found["none"].fill != found["zero"].fill
    assert figure.painted_by_quantity({"zero": 0.0}, 0.0)["zero"].fill == found["zero"].fill


def test_the_largest_quantity_is_counted_and_finite():
    assert figure.largest([None, 3.0, inf, 5.0]) == 5.0
    assert figure.largest([None, inf]) == 0.0


# Quantities -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BLOCKED)
@pytest.mark.parametrize("of", ["params", "operations", "memory", "time"])
def test_a_block_has_as_much_as_what_it_holds(name, of):
    graph = graph_of(name)
    times = {node: i / 64 for i, node in enumerate(graph.nodes)}
    for block in graph.blocks.values():
        parts = [quantity(graph, child, of, Counting(norm=True), times) for child in block.children]
        counted = [part for part in parts if part is not None]
        assert quantity(graph, block.name, of, Counting(norm=True), times) == (sum(counted) if counted else None)


def test_the_field_of_a_block_is_that_of_its_last_operation():
    graph = graph_of("resnet50")
    assert quantity(graph, "layer4", "field") == quantity(graph, "layer4.2.relu_2", "field") == 427
    assert quantity(graph, "fc", "field") == quantity(graph, "avgpool", "field") == inf


def test_without_a_measurement_there_is_no_time():
    assert quantity(graph_of("lenet5"), ROOT, "time") is None


def test_an_unknown_quantity_is_refused():
    with pytest.raises(ValueError, match="'weight' is not one of params, operations"):
        quantity(graph_of("lenet5"), ROOT, "weight")


# Texts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "written"),
    [
        (nn.Conv2d(4, 4, 3), "3×3"),
        (nn.Conv2d(4, 4, 1), "1×1"),
        (nn.Conv2d(4, 4, (1, 3), stride=(1, 2)), "1×3 /1×2"),
        (nn.Conv2d(4, 8, 3, 2, groups=4, dilation=2), "3×3 /2 g4 d2"),
        (nn.MaxPool2d(3, 2), "3×3 /2"),
        (nn.MaxPool2d(3, 1), "3×3"),
        (nn.AvgPool2d(2), "2×2 /2"),
        (nn.AdaptiveAvgPool2d(1), ""),
        (nn.ReLU(), ""),
        (nn.Dropout(), ""),
    ],
)
def test_settings_are_written_as_in_papers(module, written):
    (*_, node) = graph_in_a_row(module).nodes.values()
    assert settings_in_short(node) == written


def test_a_box_tells_its_name_what_it_is_and_what_comes_out():
    graph = graph_of("resnet50")
    assert texts(graph, "x") == ("input", "3×224×224")
    assert texts(graph, "conv1") == ("conv1", "Conv2d 7×7 /2", "64×112×112")
    assert texts(graph, "layer1.0.conv2") == ("conv2", "Conv2d 3×3", "64×56×56")  # as large, but it costs
    assert texts(graph, "layer1.0.relu") == ("relu", "ReLU")


def test_a_block_tells_its_costs_too():
    graph = graph_of("resnet50")
    assert texts(graph, "layer3.1…5") == ("1…5", "5 × Bottleneck → 1024×14×14", "5.59 M params · 1.09 G MACs")
    assert texts(graph, "layer3.2") == ("2", "Bottleneck → 1024×14×14", "1.12 M params · 218 M MACs")
    assert "2.18 G FLOPs" in texts(graph, "layer3.1…5", Counting(flops=True))[2]


def test_blocks_in_a_fold_are_called_as_in_their_module():
    graph = graph_of("resnet34")
    assert texts(graph, "layer1")[1].startswith("3 × ")
    assert [texts(graph, child)[0] for child in graph.blocks["layer1"].children] == ["0", "1", "2"]


# Files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("name", [*BLOCKED, "names of XML"])
def test_an_svg_file_has_every_box_line_and_text(name, dark):
    graph = odd() if name == "names of XML" else graph_of(name)
    sheet = drawn(graph)
    caption = ("A & B <c>", "second")
    root = ElementTree.fromstring(files.svg(sheet, by_kind(graph, sheet), caption, dark))
    assert len(root.findall(f"{SVG}g/{SVG}rect")) == len(sheet.boxes)
    assert len(root.findall(f".//{SVG}rect")) == len(sheet.boxes) + 1  # and the paper
    drawn_lines = root.findall(f"{SVG}polyline")
    assert [line.get("stroke-dasharray") is not None for line in drawn_lines] == [line.implied for line in sheet.lines]
    written = [element.text for element in root.findall(f".//{SVG}text")]
    wanted = [text for box in sheet.boxes for text in (box.texts[:1] if box.opened else box.texts)]
    assert sorted(written) == sorted([*wanted, *caption])
    assert root.find(f"{SVG}title").text == "A & B <c> · second"


RED_AND_BLUE = palette_png(np.array([[[200, 0, 0], [0, 0, 200]]], np.uint8))  # twice as wide as high


@pytest.mark.parametrize("opened", [set(), {"features"}])
def test_files_show_the_pictures_in_boxes(opened):
    graph = graph_of("alexnet")
    sheet = drawing(graph, opened, texts, aspect=1.7, pictured={"features", "features.0", "avgpool"})
    pictures = {"features": RED_AND_BLUE, "features.0": RED_AND_BLUE}  # that of avgpool is not there yet
    (box,) = (box for box in sheet.boxes if box.picture and box.name in pictures)
    left, top = box.left + (box.height - box.picture) / 2, box.top + (box.height - box.picture) / 2

    root = ElementTree.fromstring(files.svg(sheet, by_kind(graph, sheet), pictures=pictures))
    (image,) = root.iter(f"{SVG}image")
    assert [float(image.get(side)) for side in ("x", "y")] == pytest.approx([left, top], abs=0.06)
    assert image.get("width") == image.get("height") == f"{box.picture:.1f}"
    assert image.get("href") == data_uri(RED_AND_BLUE)
    assert image.get("style") == "image-rendering: pixelated"
    assert not list(ElementTree.fromstring(files.svg(sheet, by_kind(graph, sheet))).iter(f"{SVG}image"))

    picture = Image.open(io.BytesIO(files.png(sheet, by_kind(graph, sheet), pictures=pictures)))
    middle = 2 * (top + box.picture / 2)
    half = [picture.getpixel((round(2 * left + 2 * box.picture * share), round(middle))) for share in (0.4, 0.6)]
    assert half == [(200, 0, 0), (0, 0, 200)]
    above = picture.getpixel((round(2 * left + box.picture), round(2 * top + 2)))  # it keeps its proportions
    assert "#{:02x}{:02x}{:02x}".format(*above) == by_kind(graph, sheet)[box.name].fill[0]


@pytest.mark.parametrize("name", ["lenet5", "resnet50", "googlenet"])
@pytest.mark.parametrize("caption", [(), ("one", "two")])
def test_a_png_file_has_the_proportions_of_the_drawing(name, caption):
    graph = graph_of(name)
    sheet = drawn(graph, set())
    picture = Image.open(io.BytesIO(files.png(sheet, by_kind(graph, sheet), caption)))
    picture.load()
    assert picture.format == "PNG"
    assert picture.width == pytest.approx(2 * sheet.width, abs=1)
    assert picture.height == pytest.approx(2 * (sheet.height + files.CAPTION * len(caption)), abs=1)


def test_the_largest_network_makes_a_png_file_that_is_not_too_large():
    graph = graph_of("efficientnet_b7")
    sheet = drawn(graph)
    assert sheet.width * sheet.height * 4 > files.MOST_PIXELS
    picture = Image.open(io.BytesIO(files.png(sheet, by_kind(graph, sheet))))
    assert files.MOST_PIXELS * 0.99 < picture.width * picture.height <= files.MOST_PIXELS
    assert picture.height / picture.width == pytest.approx(sheet.height / sheet.width, rel=0.005)


@pytest.mark.parametrize("dark", [False, True])
def test_a_png_file_shows_its_boxes_in_their_colours(dark):
    graph = graph_of("alexnet")
    sheet = drawn(graph)
    paints = by_kind(graph, sheet)
    picture = Image.open(io.BytesIO(files.png(sheet, paints, dark=dark)))
    for box in sheet.boxes:
        place = round(2 * (box.left + 8)), round(2 * (box.top + 4))
        wanted = PAPER[dark] if box.opened else paints[box.name].fill[dark]
        assert "#{:02x}{:02x}{:02x}".format(*picture.getpixel(place)) == wanted
