"""The page “Pooling and switches”, as its visitors set it and read it; its numbers against torch's own functions."""

import numpy as np
import torch
from torch.nn import functional as F

from models.lenet import Subsampling
from tests.app.visit import ROUTES, Visit
from vis.concepts.examples import FILTERS, numbers, toy

PAGE = ROUTES["pooling"]


def values(sheets: dict) -> list[np.ndarray]:
    """What the labels of the cells say, sheet by sheet."""
    said = [float(label.partition(": ")[2].replace("−", "-")) for label in sheets["labels"]]
    ends = np.cumsum([rows * columns for rows, columns in sheets["sizes"]])[:-1]
    return [part.reshape(size) for part, size in zip(np.split(np.array(said), ends), sheets["sizes"], strict=True)]


def lit(sheets: dict, sheet: int) -> list[int]:
    """The cells of a sheet that stand out."""
    start = sum(rows * columns for rows, columns in sheets["sizes"][:sheet])
    rows, columns = sheets["sizes"][sheet]
    return np.flatnonzero(sheets["lit"][start : start + rows * columns]).tolist()


def test_what_comes_out_is_torchs_and_the_maximum_of_the_chosen_window_stands_out():
    visit = Visit(PAGE, sliding="3/2", output="2,3", pool_guess="1")
    x, sheets = numbers(), visit.sheets[0]
    y, switches = F.max_pool2d(x, 3, 2, return_indices=True)
    np.testing.assert_array_equal(values(sheets)[1], y[0, 0])
    assert sheets["chosen"] == int(switches[0, 0, 2, 3])
    assert lit(sheets, 0) == [9 * row + column for row in (4, 5, 6) for column in (6, 7, 8)]
    assert visit.click_cell(0, 81 + 1).link["output"] == "0,1"  # in what comes out
    assert visit.click_cell(0, 80).link["output"] == "3,3"  # in what goes in
    visit.choose(pooling="average", sliding="2/2")
    np.testing.assert_allclose(values(visit.sheets[0])[1], F.avg_pool2d(x, 2, 2)[0, 0])
    assert "The last row and column fill no whole window" in visit.captions
    visit.choose(pooling="lenet").choose(coefficient=0.5, bias=-20.0)
    theirs = Subsampling(1).double()
    theirs.coefficient.data.fill_(0.5)
    theirs.bias.data.fill_(-20)
    np.testing.assert_allclose(values(visit.sheets[0])[1], theirs(x)[0, 0].detach())


def test_before_the_prediction_the_chosen_output_alone_is_told():
    visit = Visit(PAGE, sliding="3/2", output="2,3")
    sheets = visit.sheets[0]
    told = [label.partition(": ")[2] for label in sheets["labels"][81:]]
    assert [number for number, words in enumerate(told) if words] == [4 * 2 + 3]
    assert sheets["labels"][81] == "Output, row 0, column 0"
    assert [number for number, words in enumerate(sheets["numbers"][81:]) if words] == [4 * 2 + 3]
    assert not any(np.delete(sheets["shades"][81:], 4 * 2 + 3))
    assert "once you have predicted" in visit.captions
    assert "Unpooling" not in visit.layers
    visit.press("answer pool 2")
    assert all(label.partition(": ")[2] for label in visit.sheets[0]["labels"])
    assert "Unpooling" in visit.layers


def test_unpooling_adds_or_overwrites_where_windows_share_a_maximum_and_the_latter_is_shown_after_the_prediction():
    visit = Visit(PAGE, pool_guess="3")
    x = numbers().requires_grad_()
    y, switches = F.max_pool2d(x, 3, 2, return_indices=True)
    (added,) = torch.autograd.grad(y, x, y.detach())
    count, ours = values(visit.sheets[1])  # no third sheet yet
    np.testing.assert_array_equal(ours, added[0, 0])
    np.testing.assert_array_equal(count.ravel(), np.bincount(switches.ravel(), minlength=81))
    assert lit(visit.sheets[1], 1) == np.flatnonzero(count > 1).tolist()
    shares = int(count[count > 1].sum())
    assert f"**{shares} of 16 windows**" in visit.words
    visit.press("answer unpool 2")
    overwritten = F.max_unpool2d(y.detach(), switches, 3, 2, output_size=(9, 9))
    np.testing.assert_array_equal(values(visit.sheets[1])[2], overwritten[0, 0])
    assert visit.link["unpool_guess"] == "2"
    visit.choose(sliding="2/2")
    assert "**0 of 16 windows**" in visit.words


def test_the_three_steps_are_those_of_torchs_functions_and_a_click_chooses_the_unit():
    visit = Visit(PAGE, pool_guess="3", toy="corner", edge="diagonal", pool="3/2", unit="0,1")
    assert "not active" in visit.words
    visit.click_cell(2, 3 * 64)
    assert visit.link["unit"] == "0,0"
    x, filter = toy("corner"), torch.tensor(FILTERS["diagonal"], dtype=torch.float64)[None, None]
    filtered = F.conv2d(x, filter, padding=1)
    pooled, switches = F.max_pool2d(filtered.relu(), 3, 2, return_indices=True)
    alone = torch.zeros_like(pooled)
    alone[0, 0, 0, 0] = pooled[0, 0, 0, 0]
    unpooled = torch.zeros(64, dtype=torch.float64)
    unpooled[switches[0, 0, 0, 0]] = pooled[0, 0, 0, 0]
    unpooled = unpooled.view(1, 1, 8, 8)
    back = F.conv_transpose2d(unpooled, filter, padding=1)
    wanted = x, filtered, filtered.relu(), pooled, back, unpooled, unpooled, alone
    for ours, theirs in zip(values(visit.sheets[2]), wanted, strict=True):
        np.testing.assert_allclose(ours, theirs[0, 0])
    assert float(back.min()) < 0


def test_the_code_runs_and_does_what_its_remarks_say():
    made = Visit(PAGE, language="vi").made_by_code()
    y, switches, size = made["y"].ravel(), made["switches"].ravel(), made["x"].numel()
    assert made["added"].ravel().tolist() == np.bincount(switches, y.detach(), size).astype(np.float32).tolist()
    torch.testing.assert_close(made["mean"], made["lenet"])
