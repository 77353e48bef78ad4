"""The page “Normalisation”, as its visitors set it and read it; its numbers against torch's own layers."""

import json
import time
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from models.learners import digits
from models.lenet import LeNet5
from models.training import Recipe, Training
from pages.common.components.sheets import Line, draw_sheets
from pages.learn.normalisation.compared import RECIPE, Compared
from tests.app.visit import ROUTES, Visit, in_vietnamese, redrawn
from vis.concepts.examples import activations, batch
from vis.figures.numbers import percent, significant

PAGE = ROUTES["normalisation"]


def value_of(label: str) -> float:
    return float(label.partition(": ")[2].partition(" · ")[0].replace("−", "-"))


def test_a_prediction_is_asked_before_the_answer_and_remembered_by_the_session_and_the_link():
    visit = Visit(PAGE)
    assert [table.value.columns[1] for table in visit.at.table] == ["LRN"]  # of four conventions nothing yet
    visit.press("answer lrn 1")
    conventions, _compared = (table.value for table in visit.at.table)
    assert [*conventions.iloc[:, 2]] == ["α", "α / 5", "α", "α / 11"]
    assert "You predicted “the same as in the paper”; it is: **larger numbers.**" in visit.words
    assert visit.link["lrn_guess"] == "1"
    visit.go(ROUTES["kernels"]).go(PAGE)
    assert "You predicted “the same as in the paper”" in visit.words
    visit.press("answer lrn again")
    assert "lrn_guess" not in visit.link
    visit.press("answer lrn 2")
    assert "You predicted it: **larger numbers.**" in visit.words


@pytest.mark.parametrize(
    ("link", "torchs"),
    [
        ({"cell": "4,1,2"}, nn.LocalResponseNorm(5, 5e-4, 0.75, 2.0)),
        ({"cell": "1,1,2", "convention": "tensorflow", "alpha": "0.01", "k": "1.0"}, nn.LocalResponseNorm(11, 0.11)),
    ],
)
def test_lrn_is_torchs_cell_by_cell_and_a_click_chooses_the_cell(link, torchs):
    visit = Visit(PAGE, lrn_guess="shown", **link)
    x, data = activations(), visit.sheets[0]  # then the batch's input and output, and the norms
    y = torchs(x)
    shown = [value_of(label) for label in data["labels"]]
    np.testing.assert_allclose(shown, torch.cat([x, y]).ravel(), rtol=5e-3)
    place = tuple(map(int, link["cell"].split(",")))
    assert data["chosen"] == np.ravel_multi_index(place, x.shape[1:])
    assert f"**{significant(float(y[0][place]), 4)}**" in visit.words
    lit = {cell // 16 for cell, is_lit in enumerate(data["lit"][: x.numel()]) if is_lit}
    reach = (torchs.size - 1) // 2
    assert lit == {c for c in range(8) if abs(c - place[0]) <= reach}
    assert visit.click_cell(0, 3 * 16 + 7).link["cell"] == "3,1,3"


def followed(count: int, momentum: float) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(3, momentum=momentum).double()
    for number in range(1, count + 1):
        norm(batch(number, 4, 2))
    return norm


def test_batch_norm_is_torchs_in_both_modes_and_its_averages_are_those_that_torch_keeps():
    visit = Visit(PAGE, batch_guess="2", average="variance", seen="7", momentum="0.5")
    norm, x = followed(7, 0.5), batch(7, 4, 2)

    def output() -> list[float]:
        return [value_of(label) for label in visit.sheets[2]["labels"]]

    def as_shown(y: Tensor) -> Tensor:
        return y.detach().transpose(0, 1).ravel()

    kept = significant(float(norm.running_var[2]))
    assert f"= **{kept}**" in visit.words
    assert f"unbiased, over 15, **{significant(float(x[:, 2].var()))}**" in visit.words
    np.testing.assert_allclose(output(), as_shown(nn.BatchNorm2d(3).double()(x)), atol=0.005)
    visit.choose(mode="inference")
    np.testing.assert_allclose(output(), as_shown(norm.eval()(x)), atol=0.005)
    visit.choose(pictures=1, map_side=1)
    assert "one value per channel" in visit.errors[0]
    assert len(visit.sheets) == 2  # the other parts are as they were


def test_entries_that_share_a_mean_are_lit_and_the_chosen_one_is_torchs():
    visit = Visit(PAGE, norm="group", groups="3", entry="1,4,0,1", language="vi")
    x, data = batch(1, 3, 2, 6), visit.sheets[3]
    lit = np.reshape(data["lit"], x.shape)
    assert lit[1, 4:].all()
    assert lit.sum() == 8
    result = nn.GroupNorm(3, 6).double()(x)[1, 4, 0, 1].item()
    assert f"**{in_vietnamese(f'{result:.2f}').replace('-', '−')}**" in visit.words
    visit.choose(norm="batch")
    assert np.reshape(visit.sheets[3]["lit"], x.shape)[:, 4].all()
    assert sum(visit.sheets[3]["lit"]) == 12


def test_the_code_runs_and_does_what_its_remarks_say():
    made = Visit(PAGE).made_by_code()
    x, same = made["x"], torch.testing.assert_close
    same(made["inhibited"], x / (2 + 1e-4 * five_squares(x)) ** 0.75)
    same(made["kept"], 0.9 + 0.1 * x.var((0, 2, 3)))
    same(made["used"], (x - made["norm"].running_mean[:, None, None]) / (made["kept"][:, None, None] + 1e-5).sqrt())
    same(made["trained"].mean((0, 2, 3)), torch.zeros(8), atol=1e-6, rtol=0)
    same(made["layer"].mean((1, 2, 3)), torch.zeros(4), atol=1e-6, rtol=0)
    same(made["instance"], nn.InstanceNorm2d(8)(x))


def test_sheets_that_do_not_fit_their_lines_or_labels_are_an_error():
    with pytest.raises(ValueError, match="do not fit their lines"):
        draw_sheets([Line(["a"])], np.zeros((2, 1, 1)), ["1", "2"], "two", alt="")


def five_squares(x: Tensor) -> Tensor:
    """A loop over the channels."""
    squares = x.square()
    return torch.stack([squares[:, max(0, c - 2) : c + 3].sum(1) for c in range(x.shape[1])], 1)


# Internal covariate shift ------------------------------------------------------------------------------------------

SHIFT_PAGE = {"covariate_guess": "3"}


def until_it_ends(visit: Visit, seconds: float = 120) -> Compared:
    """Watches both trainings to their end, as the page in a browser does."""
    end = time.monotonic() + seconds
    run = visit.at.session_state["kept"]["run apart"]
    while run.running and time.monotonic() < end:
        run.watched()
        time.sleep(0.02)
    assert not run.running
    visit.run()
    return run.training


def button(visit: Visit) -> list:
    """That which begins both trainings, where it is there."""
    return [each for each in visit.at.button if each.key == "train both"]


def charts(visit: Visit) -> list[dict]:
    """The bands without and with batch norm, and the histograms; before them there may be the averages'."""
    return [json.loads(chart.proto.spec) for chart in visit.at.get("plotly_chart")][-4:]


def alone(has_norm: bool, steps: int) -> nn.Module:
    """LeNet after so many steps of the page's recipe, trained here."""
    build = partial(LeNet5, 10, has_norm)
    training = Training(RECIPE, build, digits())
    while training.step < steps:
        training.advance()
    return training.net


def given_to(net: nn.Module, has_norm: bool) -> np.ndarray:
    """What C5's ReLU is given: the layers one after another."""
    features, images = net.train().features, digits().held_out[::15][:64]
    with torch.no_grad():
        return features[: 10 if has_norm else 7](images).double().numpy()


@pytest.mark.usefixtures("on_one_thread")
def test_the_shift_is_trained_once_predicted_and_every_number_is_that_of_a_training_of_its_own():
    visit = Visit(PAGE)
    assert not button(visit)
    visit.press("answer covariate 1")
    assert "it is: **more than ten times.**" in visit.words
    visit.press("train both")
    assert visit.link["train"] == "on"
    compared = until_it_ends(visit)
    assert compared.steps == [*range(0, 125, 4)]
    bands, histograms = charts(visit)[:2], charts(visit)[2:]
    for n, has_norm in enumerate((False, True)):
        lowest, highest, low, high, median = (trace["y"] for trace in bands[n]["data"])
        for place, step in ((0, 0), (10, 40), (-1, 124)):
            values = given_to(alone(has_norm, step), has_norm)
            shown = [of[place] for of in (lowest, low, median, high, highest)]
            np.testing.assert_allclose(shown, np.quantile(values, (0.05, 0.25, 0.5, 0.75, 0.95)), atol=1e-4, rtol=1e-4)
        edges = bands[n]["layout"]["yaxis"]["range"]
        counts, _edges = np.histogram(values, np.linspace(*edges, 49))
        np.testing.assert_allclose(histograms[n]["data"][0]["y"], counts / values.size, atol=2e-3)
        times = (highest[-1] - lowest[-1]) / (highest[0] - lowest[0])
        assert times < 1.2 if has_norm else times > 10  # the answer of the question
        assert f"{significant(times)} times as much" in visit.words
        assert percent(compared.trainings[n].held_out[-1].accuracy) in visit.words
    assert bands[0]["layout"]["yaxis"]["range"] == bands[1]["layout"]["yaxis"]["range"]
    assert histograms[0]["layout"]["yaxis"]["range"] == histograms[1]["layout"]["yaxis"]["range"]
    names = [f"{kind} {which}" for kind in ("bands", "bars") for which in ("without", "with")]
    drawn, frames = {name: visit.chart(name) for name in names}, visit.dragged("normalisation/step")
    assert len(frames) == len(compared.steps)
    visit.choose(step=40)  # as it was shown while the slider was dragged there
    for name in names:
        assert redrawn(drawn[name], frames[10].pop(f"st-key-{name.replace(' ', '-')}")) == visit.chart(name)
    assert {*frames[10].values()} <= {words.value for words in visit.at.markdown}
    assert len(frames[10]) == 2
    visit.choose(relu="features.relu1")
    assert visit.link.items() >= {"step": "40", "relu": "features.relu1"}.items()
    moved = compared.moved["features.relu1"]
    for chart, of in zip(charts(visit)[2:], moved, strict=True):
        np.testing.assert_allclose(chart["data"][0]["y"], of.shares[10])
        assert 0.99 <= sum(chart["data"][0]["y"]) <= 1 + 1e-9
    assert "after 40 steps" in visit.words


def test_the_shift_can_be_stopped_and_waits_for_a_training_of_the_same_session():
    visit = Visit(PAGE, **SHIFT_PAGE, train="on", language="vi")
    run = visit.at.session_state["kept"]["run apart"]
    visit.press("stop shift")
    run._thread.join(20)
    assert not run.running
    assert "train" not in visit.run().link
    assert visit.at.session_state["kept"]["run apart"] is None
    visit.go(ROUTES["train"]).press("training start")
    (other,) = visit.at.session_state["kept"]["runs"]
    visit.go(PAGE)
    assert button(visit)[0].disabled
    other.stop()
    other._thread.join(20)
    assert not button(visit.run())[0].disabled
    visit.press("train both")
    apart = visit.at.session_state["kept"]["run apart"]
    visit.go(ROUTES["train"]).press("training start")  # one training a session
    apart._thread.join(20)
    assert not apart.running
    visit.at.session_state["kept"]["runs"][-1].stop()


def test_another_seed_is_another_training_and_the_link_says_which():
    visit = Visit(PAGE, **SHIFT_PAGE, train="on", seed="7")
    run = visit.at.session_state["kept"]["run apart"]
    assert run.training.recipe.seed == 7
    assert [training.recipe.seed for training in run.training.trainings] == [7, 7]
    assert visit.link["seed"] == "7"
    visit.choose(seed=8)
    run._thread.join(20)
    assert not run.running
    other = visit.at.session_state["kept"]["run apart"]
    assert other.training.recipe.seed == 8
    assert visit.link["seed"] == "8"
    assert visit.widget("seed").value == 8
    visit.press("stop shift")
    other._thread.join(20)
    assert not other.running
    assert (
        Compared(Recipe(epochs=2, seed=7))
        .trainings[0]
        .net.features.c1.weight.ne(Compared().trainings[0].net.features.c1.weight)
        .any()
    )
