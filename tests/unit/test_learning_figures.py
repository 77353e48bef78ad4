"""The pictures of networks that learn."""

import numpy as np
import pytest

from vis.figures.costs import SERIES
from vis.figures.learning import MOST, SHOWN, Curve, filters_on_the_way, gradient_norms, learning_curves, times_shown

WORDS = {"learned": "training", "held out": "held out", "across": "epochs", "axis": "norm"}
CURVE = Curve("run", ([0.1, 0.2], [2.0, 1.0]), ([0, 0.2], [2.3, 1.5]))


def test_each_training_has_a_faint_line_for_its_batches_and_a_full_one_of_its_colour_for_what_is_held_out():
    figure = learning_curves([CURVE] * MOST, 3, "loss", WORDS)
    assert len(figure.data) == 2 * MOST
    for place, colour in enumerate(SERIES):
        faint, full = figure.data[2 * place : 2 * place + 2]
        assert faint.line.color == full.line.color == colour
        assert (faint.line.dash, full.line.dash) == ("dot", None)
        assert (list(faint.x), list(faint.y)) == ([0.1, 0.2], [2, 1])
        assert (list(full.x), list(full.y)) == ([0, 0.2], [2.3, 1.5])
    assert figure.data[0].name == "run: training"
    assert learning_curves([CURVE], 3, "loss", WORDS).data[1].name == "held out"
    assert tuple(figure.layout.xaxis.range) == (0, 3)


def test_shares_are_written_as_percents():
    figure = learning_curves([CURVE], 3, "accuracy", WORDS, is_share=True)
    assert figure.layout.yaxis.tickformat == ".0%"


@pytest.mark.parametrize("norms", [[[1e-9, 0.0], [2.0, 0.3]], [[0.0, 0.0]], [], [[0.2, 0.3], [0.4, 0.5]]])
def test_norms_have_a_line_for_each_layer_with_gaps_where_a_norm_is_zero(norms):
    figure = gradient_norms(range(len(norms)), norms, ["first", "last"], 5, WORDS)
    for place, trace in enumerate(figure.data):
        assert list(trace.y) == [each[place] or None for each in norms]
    ticks = figure.layout.yaxis.tickvals
    positive = [value for each in norms for value in each if value]
    if positive:
        assert min(ticks) < min(positive)
        assert max(ticks) > max(positive)
    assert len(ticks) < 40


def test_of_many_layers_some_are_named():
    figure = gradient_norms([0], [[1.0] * 30], [str(n) for n in range(30)], 5, WORDS)
    named = [trace.name for trace in figure.data if trace.showlegend]
    assert (len(named), named[0], named[-1]) == (6, "0", "29")


@pytest.mark.parametrize("count", [*range(1, 120)])
def test_the_first_and_the_last_filters_are_among_the_few_that_are_shown(count):
    shown = times_shown(count)
    assert (shown[0], shown[-1]) == (0, count - 1)
    assert shown == sorted(set(shown))
    assert len(shown) <= SHOWN


def test_filters_have_one_range_for_all_times_and_a_row_for_each():
    kernels = [np.full((3, 1, 2, 2), 0.5), np.full((3, 1, 2, 2), -1.0)]
    pixels, limit = filters_on_the_way(kernels, 2)
    assert limit == 1
    height, width = pixels.shape[:2]
    assert height == width  # two rows of two
    tones = pixels[pixels[..., 3] > 0][:, 0]
    assert sorted({*tones.tolist()}) == [1, 192]  # −1 and ½ of a range of ±1
    _, limit = filters_on_the_way([np.stack([np.ones((5, 2, 2)), np.zeros((5, 2, 2))])], 2)
    assert limit == 1
