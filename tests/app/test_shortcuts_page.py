"""The page “Shortcuts”, as its visitors set it and read it; its numbers against torch's convolutions and autograd."""

from itertools import islice

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from models.registry import ARCHITECTURES
from pages.learn.shortcuts.wiring import DEPTH, LINES, RATE, STEPS, hidden
from tests.app.test_depth_page import reach, readings, sliders
from tests.app.visit import ROUTES, Visit
from vis.concepts.classes import best, distance, equal, nested, target
from vis.concepts.depth import Stack, train
from vis.concepts.examples import residual_block
from vis.figures.numbers import scientific, significant

PAGE = ROUTES["shortcuts"]


def values(sheets: dict) -> list[np.ndarray]:
    """What the labels of the cells say, sheet by sheet."""
    said = [float(label.rpartition(": ")[2].replace("−", "-")) for label in sheets["labels"]]
    found = []
    for rows, columns in sheets["sizes"]:
        found.append(np.reshape(said[: rows * columns], (rows, columns)))
        said = said[rows * columns :]
    return found


@pytest.mark.parametrize("order", ["after", "before"])
@pytest.mark.parametrize("way", ["identity", "zeros", "projection"])
def test_a_block_and_both_parts_of_its_gradient_are_torchs(way, order):
    kind = {"block": "identity"} if way == "identity" else {"block": "convolutional", "shortcut": way}
    visit = Visit(PAGE, **kind, order=order, output="0,1,2", slope_guess="3")
    channels, stride = (1, 1) if way == "identity" else (2, 2)
    x, (first, second, projection) = residual_block(channels)
    x.requires_grad_()
    given = x.relu() if order == "before" else x
    h = F.conv2d(given, first, stride=stride, padding=1).relu()
    f = F.conv2d(h, second, padding=1)
    kept = {
        "identity": lambda: x,
        "zeros": lambda: F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, 1)),
        "projection": lambda: F.conv2d(given, projection, stride=2),
    }[way]()
    y = f + kept if order == "before" else (f + kept).relu()
    (whole,) = torch.autograd.grad(y[0, 0, 1, 2], x, retain_graph=True)
    alone = f + kept.detach() if order == "before" else (f + kept.detach()).relu()
    (by_layers,) = torch.autograd.grad(alone[0, 0, 1, 2], x)
    shown = values(visit.sheets[0])
    expected = [*x[0], *h[0], *f[0], *kept[0], *y[0], *whole[0], *(whole - by_layers)[0], *by_layers[0]]
    for ours, theirs in zip(shown, expected, strict=False):
        np.testing.assert_allclose(ours, theirs.detach(), rtol=1e-3, atol=1e-4)
    pixel = whole[0, 0, stride, 2 * stride].item()
    assert f"= **{significant(pixel, 4)}**" in visit.words


def test_the_whole_gradient_is_shown_once_predicted_and_a_click_chooses_another_output():
    visit = Visit(PAGE)
    before = len(visit.sheets[0]["sizes"])
    visit.press("answer slope 1")
    assert "You predicted “0.01”; it is: **1.01.**" in visit.words
    assert len(visit.sheets[0]["sizes"]) == before + 1
    assert visit.click_cell(0, 4 * 36 + 6 * 3 + 4).link["output"] == "0,3,4"
    assert visit.click_cell(0, 6 * 2 + 5).link["output"] == "0,2,5"
    visit.choose(block="convolutional")  # whose output is smaller
    assert visit.sheets[0]["chosen"] is not None


def test_blocks_of_2015_and_2016_are_shown_at_every_depth():
    visit = Visit(PAGE, zero_guess="2", order_seed="4")
    data = sliders(visit)[0]
    frame = reach(data)[data["sliders"][0]["values"].index(50)]
    for n, is_before in enumerate((False, True)):
        moment = next(train(Stack(50, "residual", is_normed=True, is_preactivated=is_before), 4, 0))
        np.testing.assert_allclose(frame["curves"][0]["lines"][n], np.log10(moment.of_signals), atol=0.006)
        assert readings(frame)[n] == scientific(moment.of_signals[0])


def test_a_hidden_net_is_found_by_its_line_and_the_line_is_not_said_before():
    junction = hidden(5)
    other = next(name for name in LINES if name != junction)
    visit = Visit(PAGE, misprint_guess="3", case="5")
    frames = reach(sliders(visit)[0])
    assert len(frames) == STEPS + 1
    for n, kind in enumerate(("plain", "residual", junction)):
        moment = [*islice(train(Stack(DEPTH, kind, is_normed=True), 1, RATE), 41)][-1]
        assert readings(frames[40])[n] == scientific(moment.loss, 3)
    assert sliders(visit)[0]["look"]["readings"][2] == "this net: ?"
    visit.press(f"suspect {other}")
    assert "Not that one." in visit.words
    assert visit.link["suspect"] == other
    visit.press(f"suspect {junction}")
    assert "Found." in visit.words
    assert sliders(visit)[0]["look"]["readings"][2] == f"this net: {LINES[junction]}"
    visit.press("another net")
    assert visit.link["case"] == "6"
    assert "suspect" not in visit.link
    assert {hidden(case) for case in range(1, 40)} == LINES.keys()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_net_with_a_product_trains_worse_than_the_plain_one(seed):
    losses = {
        kind: [*islice(train(Stack(DEPTH, kind, is_normed=True), seed, RATE), STEPS + 1)][-1].loss
        for kind in ("plain", "residual", "product")
    }
    assert losses["residual"] < losses["plain"] < losses["product"]


def test_a_net_can_be_made_with_a_wrong_line_that_is_shown():
    visit = Visit(PAGE, misprint_guess="3", wiring="doubled", language="vi")
    (code, _lesson) = (block.value for block in visit.at.code)
    assert code.splitlines()[-1] == "y = relu(f + f)"
    assert "y = relu(f + f)" in sliders(visit)[0]["look"]["readings"][2]


def test_the_classes_come_as_close_as_least_squares_and_only_nested_ones_never_get_worse():
    visit = Visit(PAGE, classes_guess="2")
    for place, frame in reach(sliders(visit)[0]).items():
        for n, way in enumerate((equal, nested), 1):
            found = best(target(), way(place + 1))
            assert readings(frame)[n] == significant(distance(target(), found))
            np.testing.assert_allclose(frame["curves"][0]["lines"][n], found[::40], atol=1e-3)


def test_the_code_runs_and_does_what_its_remarks_say():
    visit = Visit(PAGE)
    made = visit.made_by_code()
    torch.testing.assert_close(made["one"], torch.ones_like(made["x"]))
    assert made["option_a"].shape == made["option_b"].shape == (1, 32, 4, 4)


def test_the_errors_of_both_options_are_those_that_the_paper_prints():
    resnet = ARCHITECTURES["resnet34"]
    (option_a,) = (p for chosen, p in resnet.published_with.items() if ("shortcut", "A") in chosen)
    assert (option_a.top1_error, resnet.published.top1_error) == ("25.03 %", "24.52 %")
