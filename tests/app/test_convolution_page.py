"""The page “Convolution”, as its visitors set it and read it; its numbers against torch's own functions."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tests.app.visit import ROUTES, Visit
from vis.concepts.examples import FILTERS, toy

PAGE = ROUTES["convolution"]


def values(sheets: dict) -> list[np.ndarray]:
    """What the labels of the cells say, sheet by sheet."""
    said = [float(label.partition(": ")[2].replace("−", "-")) for label in sheets["labels"]]
    return split(np.array(said), sheets)


def split(cells: np.ndarray, sheets: dict) -> list[np.ndarray]:
    ends = np.cumsum([rows * columns for rows, columns in sheets["sizes"]])[:-1]
    return [part.reshape(size) for part, size in zip(np.split(cells, ends), sheets["sizes"], strict=True)]


def kernel(name: str) -> Tensor:
    return torch.tensor(FILTERS[name], dtype=torch.float64)[None, None]


def test_what_comes_out_is_torchs_and_the_window_of_the_chosen_number_is_lit_and_summed():
    link = {"toy": "corner", "edge": "diagonal", "stride": "2", "padding": "2", "dilation": "2", "output": "1,3"}
    visit = Visit(PAGE, **link)
    x, w = F.pad(toy("corner"), [2] * 4), kernel("diagonal")
    y = F.conv2d(x, w, stride=2, dilation=2)
    given, moved, made = values(visit.sheets[0])
    for ours, theirs in ((given, x), (moved, w), (made, y)):
        np.testing.assert_array_equal(ours, theirs[0, 0])
    lit, _kernel, chosen = split(np.array(visit.sheets[0]["lit"]), visit.sheets[0])
    assert np.argwhere(lit).tolist() == [[row, column] for row in (2, 4, 6) for column in (6, 8, 10)]
    assert np.argwhere(chosen).tolist() == [[1, 3]]
    terms = (x[0, 0, 2:7:2, 6:11:2] * w[0, 0]).sum()
    assert f"= **{terms:.0f}**".replace("-", "−") in visit.words
    assert f"Window 8 of 4×4: **{8 * 9}** of {16 * 9} multiplications." in visit.words
    assert visit.click_cell(0, 144 + 9 + 6).link["output"] == "1,2"  # in what comes out
    assert visit.click_cell(0, 2).link["output"] == "0,0"  # in what goes in
    visit.press("step back")
    assert visit.link["output"] == "3,3"  # the last one is before the first
    visit.press("step on").press("step on")
    assert visit.link["output"] == "0,1"
    visit.choose(so_far=True)
    written = split(np.array(visit.sheets[0]["numbers"]), visit.sheets[0])[2]
    assert np.flatnonzero(written.ravel()).tolist() == [0, 1]


@pytest.mark.parametrize("so_far", ["on", "off"])
def test_the_window_that_a_browser_moves_makes_the_same_numbers(so_far):
    link = {"toy": "corner", "edge": "diagonal", "stride": "2", "padding": "1", "so_far": so_far}
    data = Visit(PAGE, **link).sheets[0]
    walk, x = data["walk"], F.pad(toy("corner"), [1] * 4).ravel()
    y = F.conv2d(toy("corner"), kernel("diagonal"), stride=2, padding=1).ravel()
    made = [(x[window] * kernel("diagonal").ravel()).sum().item() for window in walk["windows"]]
    assert made == y.tolist()
    assert walk["first"] == len(data["labels"]) - len(made) == 100 + 9
    assert walk["always"] == [*range(100, 109)]
    assert [said.rpartition(" = ")[2].replace("−", "-") for said in walk["sums"]] == [f"{value:.0f}" for value in made]
    assert (walk["grows"] == {}) == (so_far == "off")
    if so_far == "on":
        assert [float(number.replace("−", "-")) for number in walk["grows"]["numbers"]] == made


def test_a_click_on_a_weight_raises_it_and_a_click_on_a_pixel_of_ones_own_draws():
    visit = Visit(PAGE, toy="own", edge="blur").click_cell(0, 64 + 4)
    assert (visit.link["edge"], visit.link["kernel"]) == ("own", "1,1,1,1,2,1,1,1,1")
    visit.click_cell(0, 9)
    assert visit.link["drawn"] == "0" * 9 + "1" + "0" * 54
    x, w, y = values(visit.sheets[0])
    assert np.argwhere(x).tolist() == [[1, 1]]
    assert w.tolist() == [[1, 1, 1], [1, 2, 1], [1, 1, 1]]
    np.testing.assert_array_equal(y[:2, :2], [[2, 1], [1, 1]])
    visit.click_cell(0, 9)
    assert "drawn" not in visit.link
    again = Visit(PAGE, edge="own", kernel="4,0,0,0,9,0,0,0,0")  # no kernel of this page
    assert values(again.sheets[0])[1].tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]
    again.choose(edge="outline").click_cell(0, 64 + 4)
    assert again.link["kernel"] == "0,-1,0,-1,-4,-1,0,-1,0"  # beyond the largest it begins anew
    again.choose(toy="photograph")
    assert values(again.sheets[0])[0].shape == (12, 12)
    assert values(again.sheets[0])[0].max() <= 9


@pytest.mark.parametrize("which", ["one", "all"])
def test_the_gradients_are_autograds(which):
    visit = Visit(PAGE, toy="stroke", edge="horizontal", padding="1", output="2,3", gradient=which)
    x, w = toy("stroke").requires_grad_(), kernel("horizontal").requires_grad_()
    y = F.conv2d(x, w, padding=1)
    (y.sum() if which == "all" else y[0, 0, 2, 3]).backward()
    of_x, of_w, of_y = values(visit.sheets[1])
    np.testing.assert_array_equal(of_x, x.grad[0, 0])
    np.testing.assert_array_equal(of_w, w.grad[0, 0])
    assert of_y.sum() == (64 if which == "all" else 1)


def counted(*layers: tuple[int, int, int, int]) -> int:
    """The multiplications of convolutions of 6×6 in a row: maps in, maps out, kernel, groups.

    Every input is 1 and every weight is 1, so that a number of the output says how many products it is a sum of.
    """
    maps, total = (6, 6), 0
    for inputs, outputs, size, groups in layers:
        y = F.conv2d(torch.ones(1, inputs, *maps), torch.ones(outputs, inputs // groups, size, size), groups=groups)
        maps, total = y.shape[2:], total + int(y.sum())
    return total


def test_four_kinds_of_convolution_are_counted_as_torch_counts_them():
    visit = Visit(PAGE)
    assert [reading[0] for reading in visit.following["now"]["readings"]] == ["2,160", "?", "?", "?"]
    visit.press("answer separable 2")
    flat, thin = (3, 3, 3, 3), (3, 5, 1, 1)
    wanted = [counted((3, 5, 3, 1)), counted(thin), counted(flat), counted(flat, thin)]
    assert [reading[0] for reading in visit.following["now"]["readings"]] == [f"{macs:,}" for macs in wanted]
    assert wanted == [2160, 540, 432, 432 + 240]
    *_, both = visit.following["now"]["chains"]
    assert [step[1:5] for step in both["steps"]] == [
        *([3, 6, 6, 1], [1, 3, 3, 3], [3, 4, 4, 1], [3, 1, 1, 5], [5, 4, 4, 1]),
    ]


def test_what_a_number_depends_on_is_lit_down_to_the_picture_once_predicted():
    visit = Visit(PAGE, stack="gaps", number="2,6")
    assert sum(visit.sheets[2]["lit"]) == 1
    visit.press("answer field 1")
    assert "You predicted “3×3”; it is: **7×7.**" in visit.words
    maps = [torch.ones((1, 1, 11, 11), dtype=torch.float64, requires_grad=True)]
    for _layer in range(2):
        maps.append(F.conv2d(maps[-1], torch.ones((1, 1, 3, 3), dtype=torch.float64), padding=2, dilation=2))
    for lit, gradient in zip(
        split(np.array(visit.sheets[2]["lit"]), visit.sheets[2]),
        torch.autograd.grad(maps[-1][0, 0, 2, 6], maps),
        strict=True,
    ):
        np.testing.assert_array_equal(lit, gradient[0, 0] > 0)
    assert "depends on **20 pixels**; its receptive field is **9×9**" in visit.words  # 4 of 5 rows, 5 columns
    assert "The border cuts the field off" in visit.captions
    assert "Dilation leaves gaps" in visit.captions
    assert visit.click_cell(2, 2 * 121).link["number"] == "0,0"
    visit.choose(stack="three").click_cell(2, 5 * 11 + 5)
    assert "depends on **49 pixels**; its receptive field is **7×7**. The layers have 27 weights" in visit.words
    assert "cuts the field off" not in visit.captions


def test_the_code_runs_and_does_what_its_remarks_say():
    made = Visit(PAGE, language="vi").made_by_code()
    torch.testing.assert_close(made["by_hand"], made["y"][0, 4, 1, 2])
    assert (made["flat"].shape, made["thin"].shape) == ((1, 3, 4, 4), (1, 5, 4, 4))
    assert made["multiplications"] == (2160, 432 + 240)
    assert made["of_w"].shape == (5, 3, 3, 3)
