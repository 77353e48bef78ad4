"""MobileNet V1 of any width and resolution: the paper's tables, and the networks that are really built."""

import math

import pytest

from models.refusals import Refused
from vis.cost.mobilenet import (
    BY_BOTH,
    BY_SIDE,
    BY_WIDTH,
    FULL,
    SHALLOW,
    SIDES,
    WIDTHS,
    Accuracy,
    MobileNet,
    accuracy,
    grid,
    is_plotted,
)


def millions(count: int, digits: int = 1) -> float:
    return round(count / 1e6, digits)


# The paper's tables ----------------------------------------------------------------------------------------------


def test_table_1():
    network = MobileNet()
    shapes = [each.shape for each in network.layers.values()]
    assert shapes[:5] == [(32, 112, 112), (32, 112, 112), (64, 112, 112), (64, 56, 56), (128, 56, 56)]
    assert shapes[-4:] == [(1024, 7, 7), (1024, 7, 7), (1024, 1, 1), (1000,)]
    assert len([each for each in network.layers.values() if each.weights]) == 28
    assert (network.macs, network.params) == (568_740_352, 4_231_976)


def test_table_2_says_where_macs_and_weights_are():
    """In percent; the paper prints 1.19 for the first layer, with which its rows do not add to 100."""
    network = MobileNet()
    macs, weights = (network.shares(of) for of in ("macs", "weights"))
    kinds = ("pointwise", "depthwise", "conv", "linear")
    assert [round(float(100 * macs[kind]), 2) for kind in kinds] == [94.86, 3.06, 1.91, 0.18]
    assert [round(float(100 * weights[kind]), 2) for kind in kinds] == [74.59, 1.06, 0.02, 24.33]
    assert sum(macs.values()) == sum(weights.values()) == 1


def test_table_4_full_convolutions():
    """The paper's 4,866 M leave out the 1 M of the classifier."""
    network = MobileNet(separable=False)
    assert millions(network.macs - network.layers["fc"].macs, 0) == FULL.macs == 4866
    assert millions(network.params) == FULL.params == 29.3
    assert network.shares().keys() == {"conv", "linear"}


def test_table_5_shallow():
    network = MobileNet(shallow=True)
    assert (millions(network.macs, 0), millions(network.params)) == (SHALLOW.macs, SHALLOW.params) == (307, 2.9)


COMPUTED = {
    1.0: [568.7, 418.1, 290.7, 186.4],
    0.75: [325.4, 239.3, 166.4, 106.8],
    0.5: [149.5, 110.0, 76.5, 49.2],
    0.25: [41.0, 30.2, 21.1, 13.6],
}


@pytest.mark.parametrize("width", WIDTHS)
def test_tables_6_and_7(width):
    assert [millions(grid()[width, side].macs) for side in SIDES] == COMPUTED[width]


def test_what_is_computed_is_what_the_paper_prints():
    """It cuts 149.5 to 149, and 290.7 to 290."""
    networks = [(MobileNet(width), row) for width, row in BY_WIDTH.items()]
    networks += [(MobileNet(resolution=side), row) for side, row in BY_SIDE.items()]
    assert all(abs(network.macs / 1e6 - row.macs) < 1 for network, row in networks)
    assert all(millions(network.params) == row.params for network, row in networks)


def test_table_9_leaves_out_batch_norm():
    """α = 0.5 at 160×160: 76.5 M cut to 76, and 1.32 M without the scales and offsets, with which it has 1.33 M."""
    network, row = MobileNet(0.5, 160), BY_BOTH[0.5, 160]
    scales = [2 * each.shape[0] for each in network.layers.values() if each.kind not in ("linear", "global pool")]
    assert 0 <= network.macs / 1e6 - row.macs < 1
    assert millions(network.params - sum(scales), 2) == row.params == 1.32


# Accuracy --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("network", "percent"),
    [
        *((MobileNet(width), row.accuracy) for width, row in BY_WIDTH.items()),
        *((MobileNet(resolution=side), row.accuracy) for side, row in BY_SIDE.items()),
        (MobileNet(0.05 * 15), 68.4),  # 0.7500000000000001
        (MobileNet(separable=False), 71.7),
        (MobileNet(shallow=True), 65.3),
        (MobileNet(0.5, 160), 60.2),
        (MobileNet(0.05 * 10, 160), 60.2),
    ],
)
def test_the_papers_accuracy_is_the_papers(network, percent):
    assert accuracy(network) == Accuracy(percent, is_interpolated=False)


def test_the_papers_numbers_are_those_of_facts():
    assert [row.accuracy for row in BY_WIDTH.values()] == [70.6, 68.4, 63.7, 50.6]
    assert [row.accuracy for row in BY_SIDE.values()] == [70.6, 69.1, 67.2, 64.4]
    assert [row.macs for row in BY_WIDTH.values()] == [569, 325, 149, 41]
    assert [row.macs for row in BY_SIDE.values()] == [569, 418, 290, 186]
    assert [row.params for row in BY_WIDTH.values()] == [4.2, 2.6, 1.3, 0.5]
    assert (tuple(BY_WIDTH), tuple(BY_SIDE)) == (WIDTHS, SIDES)
    assert {at: (row.accuracy, row.macs, row.params) for at, row in BY_BOTH.items()} == {(0.5, 160): (60.2, 76, 1.32)}


@pytest.mark.parametrize(
    ("network", "percent"),
    [(MobileNet(0.875), 69.5), (MobileNet(0.3), 53.22), (MobileNet(resolution=208), 69.85)],
)
def test_between_the_papers_numbers_lies_a_straight_line_that_is_marked(network, percent):
    found = accuracy(network)
    assert found.is_interpolated
    assert found.percent == pytest.approx(percent, abs=1e-9)


@pytest.mark.parametrize(
    "network",
    [
        *(MobileNet(0.2), MobileNet(1.05), MobileNet(resolution=127), MobileNet(resolution=225)),
        *(MobileNet(0.5, 192), MobileNet(0.75, 160), MobileNet(num_classes=10), MobileNet(0.5, separable=False)),
        *(MobileNet(0.5, 160, num_classes=10), MobileNet(0.5, 160, shallow=True)),
        *(MobileNet(resolution=192, shallow=True), MobileNet(separable=False, shallow=True)),
    ],
)
def test_elsewhere_there_is_no_accuracy(network):
    assert accuracy(network) is None


def test_figure_4_plots_the_sixteen_and_no_other():
    assert all(is_plotted(network) for network in grid().values())
    assert not any(is_plotted(network) for network in [*grid(separable=False).values(), *grid(shallow=True).values()])
    assert not any(map(is_plotted, (MobileNet(0.6), MobileNet(resolution=161), MobileNet(0.5, num_classes=10))))


def test_of_the_sixteen_eight_have_an_accuracy_in_a_table():
    printed = {at for at, network in grid().items() if accuracy(network)}
    assert printed == {*((width, 224) for width in WIDTHS), *((1.0, side) for side in SIDES), (0.5, 160)}


# What cannot be, and how long the rest takes ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"width": 0.0}, "width must be from 0.05 to 2.0, not 0.0"),
        ({"width": 1e9}, "The width must be from 0.05 to 2.0, not 1000000000.0"),
        ({"width": math.nan}, "width must be from 0.05 to 2.0, not nan"),
        ({"width": None}, "width must be from 0.05 to 2.0, not None"),
        ({"resolution": 31}, "The resolution must be from 32 to 320 pixels, not 31"),
        ({"resolution": 10**9}, "pixels, not 1000000000"),
        ({"resolution": 10**5000}, "more than 18 digits"),
        ({"resolution": 99.5}, "99.5 is not a whole number"),
        ({"num_classes": 0}, "number of classes must be from 1 to \\d+, not 0"),
        ({"num_classes": 10**9}, "number of classes must be from 1 to \\d+, not 1000000000"),
        ({"num_classes": None}, "A number is missing"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(settings, said):
    with pytest.raises(Refused, match=said):
        MobileNet(**settings)


def test_integers_stay_integers():
    network = MobileNet(0.3, 224.0, num_classes=10.0)
    assert {type(n) for n in (network.macs, network.params, network.weights, network.activation_bytes)} == {int}
    assert network.macs == MobileNet(0.3, 224, num_classes=10).macs
