"""The pictures of a stack as they are handed to Plotly."""

import json

import pytest

from vis.cost.design import Design, from_code
from vis.cost.layer import SETTINGS, layer
from vis.cost.presets import PRESETS
from vis.cost.stack import MOST_ROWS, Row
from vis.figures.costs import COLOURS
from vis.figures.numbers import grouped
from vis.figures.stack import OTHERS, fields, row_costs, settings_of

KINDS = {kind: kind.upper() for kind in SETTINGS} | {"other": "OTHER"}
WORDS = KINDS | {name: name.upper() for name in ("field", "jump", "whole", "picture", "side", "row", "pixels")}
ALL = "conv.64.7.2.3_max-pool.3.2.1_depthwise..3..1_pointwise.128_shuffle.2_relu_conv.8.1x7..0x3_global-pool_linear.10"
STACKS = {name: design.stack() for name, design in PRESETS.items()} | {
    "everything": Design(from_code(ALL)).stack(),
    "as large as can be": Design((Row("conv", 10**6, 5_001, 1, 2_500),) * MOST_ROWS, (10**6, 4_998, 4_998)).stack(),
}


@pytest.mark.parametrize("quantity", ["macs", "params", "activation_bytes"])
@pytest.mark.parametrize("name", STACKS)
def test_every_row_that_is_counted_has_its_bar(name, quantity):
    stack = STACKS[name]
    figure = row_costs(stack, quantity, KINDS, quantity, "row")
    bars = {x: (y, said) for trace in figure.data for x, y, said in zip(trace.x, trace.y, trace.hovertext, strict=True)}
    counted = {n: getattr(step.layer, quantity) for n, step in enumerate(stack.steps, 1)}
    assert {n: bar[0] for n, bar in bars.items()} == {n: float(c) for n, c in counted.items() if c is not None}
    assert all(grouped(counted[n]) in said for n, (_, said) in bars.items())
    json.loads(figure.to_json(engine="json"))


def test_kinds_have_their_colours_and_each_is_named_once():
    figure = row_costs(STACKS["everything"], "activation_bytes", KINDS, "", "row")
    assert {trace.name: trace.marker.color for trace in figure.data} == {
        **{KINDS[kind]: colour for kind, colour in COLOURS.items()},
        "OTHER": OTHERS,
    }
    named = [trace.name for trace in figure.data if trace.showlegend]
    assert len(named) == len(set(named)) == len(COLOURS) + 1


@pytest.mark.parametrize("name", STACKS)
def test_the_fields_are_those_of_the_rows_and_begin_with_the_picture(name):
    stack = STACKS[name]
    size, jump, side = fields(stack, WORDS).data
    whole = max(stack.picture[1:])
    assert list(size.y) == [1, *(whole if step.field is None else max(step.field.size) for step in stack.steps)]
    assert list(jump.y) == [1, *(None if step.field is None else max(step.field.jump) for step in stack.steps)]
    assert list(side.y) == [whole, whole]
    drawn = [symbol == "diamond" for symbol in size.marker.symbol[1:]]
    assert drawn == [step.field is None for step in stack.steps]


def test_fields_that_differ_along_rows_and_columns_are_both_said():
    size = fields(STACKS["everything"], WORDS).data[0]
    assert "FIELD: 19×43<br>JUMP: 4×4" in size.hovertext[7]
    assert "WHOLE" in size.hovertext[8]


@pytest.mark.parametrize(
    ("of", "said"),
    [
        (layer("conv", (3, 64, 64), 8, 7, 2, 3), "7×7 /2 p3"),
        (layer("conv", (4, 64, 64), 8, (1, 7), 1, (0, 3), 2, 4), "1×7 p0×3 d2 g4"),
        (layer("depthwise", (4, 64, 64), None, 3), "3×3"),
        (layer("pointwise", (4, 64, 64), 8, stride=2), "/2"),
        (layer("max pool", (4, 64, 64), kernel=3, stride=2), "3×3 /2"),
        (layer("shuffle", (4, 64, 64), groups=2), "g2"),
        (layer("linear", (4, 64, 64), 10), ""),
    ],
)
def test_settings_in_short(of, said):
    assert settings_of(of) == said
