"""The charts of the networks that were trained alike, as they are handed to Plotly."""

from dataclasses import replace
from itertools import pairwise
from math import log10

import numpy as np
import pytest

from models.cards import cards
from vis.cost.training import entrant
from vis.figures.arena import ROOM, WIDE, Point, against_cost, gradients, learning, taken_for
from vis.figures.labels import LETTER, SIDES, beside, sides

WORDS = {"across": "cost", "axis": "accuracy", "front": "best", "right": "right", "answer": "answer"}
ENTRANTS = [entrant(cards()[name]) for name in ("cifar_lenet5", "cifar_lenet5_bn", "cifar_vgg")]
POINTS = [
    Point("a", "A", "lenet", 1.0, 60.0, "said of A"),
    Point("b", "B", "vgg", 10.0, 80.0, "said of B"),
    Point("c", "C", "plain", 20.0, 70.0, "said of C"),
]


def drawn(figure) -> tuple:
    """The line and the points."""
    line, points, _further = figure.data
    return line, points


def named(figure, is_wide: bool) -> dict[tuple[float, float], tuple[str, str]]:
    """By its place, every name that is seen in a narrow or in a wide window, and its side."""
    _line, points, further = figure.data
    traces = [points, further] if is_wide else [points]
    found = [zip(t.x, t.y, t.text, t.textposition, strict=True) for t in traces]
    return {(x, y): (text, side) for trace in found for x, y, text, side in trace if text}


def test_every_network_is_a_point_at_its_cost_and_the_line_is_as_high_as_the_best_so_far():
    line, points = drawn(against_cost(POINTS, WORDS))
    assert list(zip(points.x, points.y, strict=True)) == [(point.cost, point.accuracy) for point in POINTS]
    assert [name for (name,) in points.customdata] == ["a", "b", "c"]
    assert list(points.hovertext) == ["said of A", "said of B", "said of C"]
    assert (list(line.x)[:2], list(line.y)) == ([1, 10], [60, 80, 80])
    assert line.x[2] > 20
    assert line.line.shape == "hv"


def test_a_network_of_another_recipe_has_another_shape():
    _line, points = drawn(against_cost([POINTS[0], replace(POINTS[1], is_apart=True)], WORDS))
    assert list(points.marker.symbol) == ["circle", "diamond"]


def test_a_network_that_is_alone_has_a_chart():
    figure = against_cost(POINTS[:1], WORDS)
    low, high = figure.layout.xaxis.range
    assert low < 0 < high


def test_names_are_hidden_until_they_may_be_shown():
    _line, points = drawn(against_cost(POINTS, WORDS, is_named=False))
    assert set(points.text) == {""}
    assert "said" not in points.hovertemplate


@pytest.mark.parametrize(("is_wide", "room", "least"), [(False, ROOM, 8), (True, WIDE, 12)])
def test_no_name_meets_another_one_or_another_point(is_wide, room, least):
    rng = np.random.default_rng(0)
    crowd = [
        replace(POINTS[0], name=str(i), title="Network-20", cost=10 ** rng.uniform(6, 8), accuracy=rng.uniform(70, 90))
        for i in range(16)
    ]
    figure = against_cost(crowd, WORDS, first=("15",))
    names = named(figure, is_wide)
    assert (crowd[15].cost, crowd[15].accuracy) in names
    (left, right), (bottom, top) = figure.layout.xaxis.range, figure.layout.yaxis.range

    def place(cost: float, accuracy: float) -> tuple[float, float]:
        return (log10(cost) - left) / (right - left) * room[0], (accuracy - bottom) / (top - bottom) * room[1]

    circles = [(point.cost, point.accuracy) for point in crowd]
    boxes = {at: beside(*place(*at), 6, *SIDES[side], LETTER[0] * len(text)) for at, (text, side) in names.items()}
    assert len(boxes) >= least
    for at, box in boxes.items():
        assert not [other for other in boxes if other != at and box.meets(boxes[other])]
        assert not [other for other in circles if other != at and box.meets_circle(*place(*other), 6)]


@pytest.mark.parametrize("cost", ["parameters", "macs"])
@pytest.mark.parametrize(("is_wide", "room"), [(False, ROOM), (False, (900, 340)), (True, WIDE), (True, (900, 340))])
def test_the_line_of_the_front_runs_through_no_name(cost, is_wide, room):
    points = [
        Point(one.name, one.title, "lenet", getattr(one, cost), one.training.top1, "")
        for one in (entrant(card) for card in cards().values())
    ]
    figure = against_cost(points, WORDS)
    line, _points = drawn(figure)
    spans = figure.layout.xaxis.range, figure.layout.yaxis.range

    def place(x: float, y: float) -> tuple[float, float]:
        (left, right), (low, high) = spans
        return (log10(x) - left) / (right - left) * room[0], (y - low) / (high - low) * room[1]

    corners = [place(x, y) for x, y in zip(line.x, line.y, strict=True)]
    on_the_line = []
    for (left, low), (right, high) in pairwise(corners):
        on_the_line += [(x, low) for x in np.arange(left, right, 0.5)] + [(right, y) for y in np.arange(low, high, 0.5)]
    names = named(figure, is_wide)
    assert len(names) >= 8
    for at, (text, side) in names.items():
        box = beside(*place(*at), 6, *SIDES[side], LETTER[0] * len(text))
        assert not [on for on in on_the_line if box.left < on[0] < box.right and box.bottom < on[1] < box.top]


def test_the_sides_that_are_better_for_some_are_tried_first():
    circles, titles = {"a": (100.0, 100.0, 6.0)}, {"a": "A"}
    assert dict(sides(circles, titles, ["a"], (200, 200))) == {"a": "middle right"}
    assert dict(sides(circles, titles, ["a"], (200, 200), {"a": ("top left",)})) == {"a": "top left"}
    in_a_corner = {"a": (3.0, 100.0, 6.0)}
    assert dict(sides(in_a_corner, titles, ["a"], (200, 200), {"a": ("top left",)})) == {"a": "middle right"}


@pytest.mark.parametrize("of", ["epochs", "core_seconds", "flop"])
def test_a_line_of_a_family_has_a_dash_of_its_own(of):
    figure = learning(ENTRANTS, ["lenet", "lenet", "vgg"], of, WORDS)
    assert [trace.line.dash for trace in figure.data] == ["solid", "dash", "solid"]
    unit = 1e15 if of == "flop" else 1
    for trace, one in zip(figure.data, ENTRANTS, strict=True):
        np.testing.assert_allclose(trace.x, np.array(one.spent[of][1:]) / unit)
        assert list(trace.y) == [one.training.top1_after(n) for n in range(1, 13)]


def test_every_stage_has_a_line_of_its_gradients():
    figure = gradients(ENTRANTS[2], WORDS)
    assert len(figure.data) == len(ENTRANTS[2].training.log[0].gradient)
    assert list(figure.data[1].y) == [list(e.gradient.values())[1] for e in ENTRANTS[2].training.log]


def test_right_answers_and_mistakes_have_a_colour_each_and_all_counts_are_written():
    counts = np.array([[8, 2], [0, 10]])
    right, wrong, written = taken_for(counts, ["x", "y"], WORDS).data
    assert np.nan_to_num(np.array(right.z, float), nan=-1).tolist() == [[0.8, -1], [-1, 1.0]]
    assert np.nan_to_num(np.array(wrong.z, float), nan=-1).tolist() == [[-1, 0.2], [0.0, -1]]
    assert list(zip(written.y, written.x, written.text, strict=True)) == [
        ("x", "x", "8"),
        ("x", "y", "2"),
        ("y", "x", ""),
        ("y", "y", "10"),
    ]
    assert [tuple(cell) for cell in written.customdata] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert list(written.hovertext) == ["8", "2", "0", "10"]


def test_without_a_mistake_there_is_a_table_too():
    _right, wrong, _written = taken_for(np.diag([5, 5]), ["x", "y"], WORDS).data
    assert wrong.zmax > 0
