"""The page “Activation functions”, as its visitors set it and read it; its numbers against torch and by hand."""

import pytest
import torch
from torch import nn

from tests.app.visit import ROUTES, Visit
from vis.concepts.examples import both_ways, preactivations
from vis.figures.numbers import significant

PAGE = ROUTES["nonlinearities"]


def row_of(sheets: dict, row: int) -> list[float]:
    labels = sheets["labels"][8 * row : 8 * row + 8]
    return [float(label.rpartition(": ")[2].replace("−", "-")) for label in labels]


def test_values_slopes_and_what_is_left_of_a_gradient_are_torchs():
    visit = Visit(PAGE, functions="sigmoid,hardswish", x="-1.5", layers="20", slopes_guess="shown")
    x = torch.tensor(-1.5, dtype=torch.float64, requires_grad=True)
    rows = visit.at.table[0].value.itertuples(index=False)
    for row, function in zip(rows, (nn.Sigmoid(), nn.Hardswish()), strict=True):
        y = function(x)
        (slope,) = torch.autograd.grad(y, x)
        wanted = [significant(float(value)) for value in (y.detach(), slope, slope**20)]
        assert [cell.replace("\\", "") for cell in row[1:4]] == wanted
    assert visit.at.table[0].value.iloc[0, 4].replace("\\", "") == "9.09e−13"  # a quarter, twenty times over
    visit.press("answer slopes again")
    assert visit.at.table[0].value.shape == (2, 3)


def test_each_rule_lets_pass_what_it_should_once_the_reader_has_predicted():
    visit = Visit(PAGE)
    up, signal = both_ways()
    assert len(visit.sheets[0]["lines"]) == 2
    visit.press("answer backward 1")
    up.requires_grad_()
    (gradient,) = torch.autograd.grad(up.relu(), up, signal)
    rows = [up.detach(), signal, gradient, signal.clamp(min=0), gradient.clamp(min=0)]
    assert [row_of(visit.sheets[0], n) for n in range(5)] == [row.tolist() for row in rows]


@pytest.mark.parametrize(("kind", "function"), [("relu", nn.ReLU()), ("leaky", nn.LeakyReLU())])
def test_a_dead_unit_gets_no_gradient_but_with_a_leak(kind, function):
    visit = Visit(PAGE, bias="-4.0", kind=kind)
    bias = torch.tensor(-4.0, dtype=torch.float64, requires_grad=True)
    function(preactivations() + bias).sum().backward()
    assert "**0 of 160 inputs**" in visit.words
    assert f"its bias gets **{bias.grad.item():.1f}**" in visit.words
    assert ("The unit is dead" in visit.words) is (kind == "relu")
    assert sum(visit.sheets[1]["lit"]) == 0


def test_the_code_runs_and_does_what_its_remarks_say():
    made = Visit(PAGE, language="vi").made_by_code()
    assert made["left"].item() == pytest.approx(0.25**10)
    assert made["gradient"].tolist() == [1, -1, 0, 0]
    assert made["deconvnet"].tolist() == [1, 0, 1, 0]
    assert made["guided"].tolist() == [1, 0, 0, 0]
