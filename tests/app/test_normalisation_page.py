"""The page “Normalisation”, as its visitors set it and read it; its numbers against torch's own layers."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pages.common.components.sheets import Line, draw_sheets
from tests.app.visit import ROUTES, Visit, in_vietnamese
from vis.concepts.examples import activations, batch
from vis.figures.numbers import significant

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
