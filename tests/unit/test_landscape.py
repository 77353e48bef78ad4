"""The picture of all networks as it is handed to Plotly."""

from dataclasses import replace
from math import log10

import pytest

from models import ARCHITECTURES
from vis.figures.labels import Rectangle, beside
from vis.figures.landscape import (
    COLOURS,
    LARGEST,
    SMALLEST,
    SYMBOLS,
    Words,
    landscape,
    points_of,
)

POINTS = points_of(a for a in ARCHITECTURES.values() if a.accuracy is not None)
BY_NAME = {point.name: point for point in POINTS}
WORDS = Words(
    {name: name.upper() for name in ("macs", "parameters", "year", "accuracy")},
    {family: family.title() for family in COLOURS},
    {name: f"by {name}" for name in SYMBOLS},
)
ACROSS, SIZES = ("macs", "parameters", "year"), ("parameters", "macs")


def drawn(figure) -> dict[str, dict]:
    """What is drawn of every network."""
    return {
        name: {
            "x": trace.x[i],
            "y": trace.y[i],
            "size": trace.marker.size[i],
            "symbol": trace.marker.symbol,
            "family": trace.name,
            "text": trace.text[i],
            "side": trace.textposition[i],
            "hover": trace.hovertext[i],
        }
        for trace in figure.data
        for i, (name,) in enumerate(trace.customdata)
    }


def test_an_accuracy_is_that_of_a_single_view_or_what_the_printed_error_leaves():
    found = {p.name: (p.accuracy, p.measured) for p in points_of(ARCHITECTURES.values())}
    assert found["resnet50"] == (ARCHITECTURES["resnet50"].accuracy, "torchvision")
    assert found["alexnet_2012"] == (59.3, "views")  # its paper prints an error of 40.7 %
    assert found["mobilenet_v1"] == (70.6, "paper")
    assert found["efficientnet_lite0"] == (75.1, "authors")
    assert not found.keys() & {"lenet5", "zfnet_mini"}  # digits, and 200 classes
    assert ARCHITECTURES["cifar_resnet20"].published.top1_error  # of CIFAR-10
    assert not any(name.startswith("cifar_") for name in found)


@pytest.mark.parametrize("x", ACROSS)
@pytest.mark.parametrize("size", SIZES)
def test_every_network_is_one_point_where_its_numbers_are(x, size):
    figure = landscape(POINTS, x, size, WORDS)
    assert sum(len(trace.x) for trace in figure.data) == len(POINTS)
    for name, seen in drawn(figure).items():
        point = BY_NAME[name]
        assert (seen["x"], seen["y"], seen["size"]) == (getattr(point, x), point.accuracy, getattr(point, size))
        assert seen["family"] == WORDS.families[point.family]
        assert seen["symbol"] == SYMBOLS[point.measured]


@pytest.mark.parametrize("size", SIZES)
def test_areas_are_proportional_and_the_largest_is_as_wide_as_it_should_be(size):
    figure = landscape(POINTS, "year", size, WORDS)
    assert {trace.marker.sizemode for trace in figure.data} == {"area"}
    (reference,) = {trace.marker.sizeref for trace in figure.data}
    largest = max(getattr(point, size) for point in POINTS)
    diameter = (2 * largest / reference) ** 0.5  # as Plotly documents sizeref for areas
    assert diameter == pytest.approx(LARGEST, abs=1e-9)
    assert {trace.marker.sizemin * 2 for trace in figure.data} == {SMALLEST}


@pytest.mark.parametrize("x", ACROSS)
def test_the_axes_have_every_point_inside_and_costs_are_in_powers_of_ten(x):
    layout = landscape(POINTS, x, "macs", WORDS).layout
    values = [getattr(point, x) if x == "year" else log10(getattr(point, x)) for point in POINTS]
    assert layout.xaxis.range[0] < min(values) < max(values) < layout.xaxis.range[1]
    accuracies = [point.accuracy for point in POINTS]
    assert layout.yaxis.range[0] < min(accuracies) < max(accuracies) < layout.yaxis.range[1]
    assert (layout.xaxis.type == "log") == (x != "year")
    assert layout.xaxis.title.text == x.upper()


def test_says_of_a_network_what_is_known_of_it_and_whose_accuracy_it_is():
    seen = drawn(landscape(POINTS, "macs", "parameters", WORDS))
    assert seen["resnet50"]["hover"].split("<br>") == [
        "<b>ResNet-50</b> (2015)",
        "PARAMETERS: 25.6 M",
        "MACS: 4.09 G",
        "ACCURACY: 76.1 %",
        "by torchvision",
    ]
    assert seen["mobilenet_v1"]["hover"].endswith("ACCURACY: 70.6 %<br>by paper")


def test_whose_accuracy_it_is_shows_in_the_shape():
    paper, torchvision = (replace(POINTS[0], name=whose, measured=whose) for whose in ("paper", "torchvision"))
    seen = drawn(landscape([paper, torchvision], "macs", "macs", WORDS))
    assert seen["paper"]["symbol"] != seen["torchvision"]["symbol"]


@pytest.mark.parametrize("x", ACROSS)
@pytest.mark.parametrize("size", SIZES)
def test_names_only_those_that_are_asked_for_and_the_first_of_them_for_certain(x, size):
    asked = ["alexnet", "resnet50", "no such network", "mobilenet_v2", "vgg16"]
    named = {
        name: seen["text"] for name, seen in drawn(landscape(POINTS, x, size, WORDS, asked)).items() if seen["text"]
    }
    assert named.items() <= {name: BY_NAME[name].title for name in asked if name in BY_NAME}.items()
    assert "alexnet" in named
    assert not any(seen["text"] for seen in drawn(landscape(POINTS, x, size, WORDS)).values())


def test_of_two_networks_at_one_place_only_the_first_is_named_where_there_is_room_for_one():
    crowd = [
        replace(POINTS[0], name=str(i), title="x" * 20, year=2010 + i % 2, accuracy=50 + i / 100) for i in range(40)
    ]
    named = [n for n, s in drawn(landscape(crowd, "year", "macs", WORDS, [p.name for p in crowd])).items() if s["text"]]
    assert len(named) < 10


def test_texts_that_overlap_are_found():
    box = Rectangle(0, 0, 10, 4)
    assert box.meets(Rectangle(9, 3, 20, 9))
    assert not box.meets(Rectangle(10, 0, 20, 4))
    assert box.meets_circle(12, 2, 3)
    assert not box.meets_circle(12, 2, 2)
    assert not box.meets_circle(13, 7, 4)  # the corner is 3√2 away


@pytest.mark.parametrize("side", [(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1)])
def test_a_name_stands_beside_its_own_point_and_not_on_it(side):
    box = beside(50, 60, 10, *side, width=30)
    assert not box.meets_circle(50, 60, 10)
    assert box.meets_circle(50, 60, 10 * 2**0.5 + 3)
    assert (box.right - box.left) == 30
