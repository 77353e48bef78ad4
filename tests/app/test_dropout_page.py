"""The page “Dropout”, as its visitors set it and read it; its numbers against torch's own dropout."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from models import load
from models.decoding import decoded
from models.samples import SAMPLES
from tests.app.visit import ROUTES, Visit
from vis.concepts.dropout import mask
from vis.concepts.examples import units
from vis.figures.numbers import significant

PAGE = ROUTES["dropout"]


def values(sheets: dict) -> np.ndarray:
    """What the labels of the cells say, (sheets, 24)."""
    said = [label.rpartition(": ")[2].replace("−", "-") for label in sheets["labels"]]
    return np.reshape([float(number) for number in said], (-1, 24))


def charts(visit: Visit) -> list[dict]:
    return [json.loads(chart.proto.spec) for chart in visit.at.get("plotly_chart")]


def test_both_ways_through_the_mask_are_torchs_and_a_button_draws_another_mask():
    visit = Visit(PAGE, p="0.3", mask="7")
    x, gradient = units()
    x.requires_grad_()
    kept = mask((1024, 4, 6), 0.3, 7)[0]
    y = x * kept / 0.7
    (back,) = torch.autograd.grad(y, x, gradient)
    given, factors, made, of_x, _factors, of_y = values(visit.sheets[0])
    for ours, theirs in ((given, x), (made, y), (of_x, back), (of_y, gradient)):
        np.testing.assert_allclose(ours, theirs.detach().ravel(), rtol=5e-3)
    assert set(factors) == {0, 1.43}
    assert f"**{int(kept.sum())} of 24 units**" in visit.words
    visit.press("another mask")
    assert visit.link["mask"] == "8"
    np.testing.assert_array_equal(values(visit.sheets[0])[1] > 0, mask((1024, 4, 6), 0.3, 8)[0].ravel())
    assert visit.click_cell(0, 3 * 24 + 13).link["unit"] == "2,1"
    assert f"{significant(x[2, 1].item())} · " in visit.words
    visit.choose(scaling="2012").choose(mode="inference")
    np.testing.assert_allclose(values(visit.sheets[0])[2], 0.7 * x.detach().ravel(), rtol=5e-3)


def test_the_mean_comes_to_the_expectation_as_fast_as_is_expected_and_the_curve_is_shown_after_the_prediction():
    visit = Visit(PAGE, p="0.5", averaged="256")
    x, _gradient = units()
    passes = 2 * x * mask((1024, 4, 6), 0.5, 1)
    np.testing.assert_allclose(values(visit.sheets[1])[0], passes[:256].mean(0).ravel(), rtol=5e-3)
    error = float((passes[:256].mean(0) - x).square().mean().sqrt())
    assert f"is off by **{significant(error, 2)}**; {significant(float(x.square().mean().sqrt()) / 16, 2)} is" in (
        visit.words
    )
    assert not charts(visit)
    visit.press("answer passes 2")
    expected, found, here = charts(visit)[0]["data"]
    assert expected["y"][0] / expected["y"][-1] == pytest.approx(32)
    assert here["y"] == pytest.approx([error])
    assert found["x"][-1] == 1024


def test_a_networks_answers_scatter_around_the_one_without_dropout():
    visit = Visit(PAGE, scatter_guess="shown", photograph="chelsea", trained="zfnet_mini", rate="0.5", language="vi")
    loaded = load("zfnet_mini", "shipped", "cpu")
    given = loaded.classifier_input(decoded(SAMPLES["chelsea"].content()))
    usual = loaded.model(given).softmax(1)[0].detach()
    (figure,) = charts(visit)
    passes, mean, without = figure["data"]
    best = usual.topk(5)
    np.testing.assert_allclose(without["x"], best.values, rtol=1e-4)
    assert figure["layout"]["yaxis"]["ticktext"] == [loaded.categories[number] for number in best.indices]
    dots = np.reshape(passes["x"], (50, 5))
    np.testing.assert_allclose(dots.mean(0), mean["x"], rtol=1e-4)
    assert dots.std(0)[0] > 0
    flat = loaded.model.avgpool(loaded.model.features(given)).flatten(1)
    first = loaded.model.classifier[2:](flat * mask((50, flat.numel()), 0.5, 1)[:1] * 2).softmax(1)[0]
    np.testing.assert_allclose(dots[0], first.detach()[best.indices], rtol=1e-3)


def test_the_code_runs_and_does_what_its_remarks_say():
    made = Visit(PAGE).made_by_code()
    torch.testing.assert_close(made["trained"], 2 * made["trained_2012"])
    torch.testing.assert_close(made["used"], 2 * made["used_2012"])
    torch.testing.assert_close(made["mean"], made["x"], atol=6 * 2 / 64, rtol=0)
    assert isinstance(made["dropout"], nn.Dropout)
