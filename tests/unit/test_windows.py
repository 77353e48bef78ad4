from itertools import product

import pytest
import torch

from vis.windows import Sliding, Windows, pair

MAP = (9, 7)
SEEDS = range(12)


def some_windows(seed: int, height: int = 4, width: int = 3, units: int = 3, inside: bool = False) -> Windows:
    """Windows at random places, which may reach over the border of MAP; there, and only there, they are zero."""
    draw = torch.Generator().manual_seed(seed)
    low, high = (0, 0) if inside else (1 - height, 1 - width), (MAP[0] - height, MAP[1] - width)
    top, left = (
        torch.randint(a, b + 1 + (0 if inside else 2), (units,), generator=draw) for a, b in zip(low, high, strict=True)
    )
    values = torch.rand((units, 2, height, width), generator=draw) + 0.5
    for i, y, x in product(range(units), range(height), range(width)):
        if not (0 <= top[i] + y < MAP[0] and 0 <= left[i] + x < MAP[1]):
            values[i, :, y, x] = 0
    first = torch.stack([top, left], 1)
    box = torch.cat([first, first + torch.tensor([height, width])], 1).clamp(min=0)
    return Windows(values, top, left, torch.minimum(box, torch.tensor(MAP * 2)))


def painted(windows: Windows, frame: int = 0) -> torch.Tensor:
    """The windows on whole maps with a margin of `frame` around, (U, C, H, W), pixel by pixel."""
    units, channels, height, width = windows.values.shape
    canvas = torch.zeros(units, channels, MAP[0] + 2 * frame, MAP[1] + 2 * frame)
    for i, y, x in product(range(units), range(height), range(width)):
        row, column = int(windows.top[i]) + y + frame, int(windows.left[i]) + x + frame
        if 0 <= row < canvas.shape[2] and 0 <= column < canvas.shape[3]:
            canvas[i, :, row, column] = windows.values[i, :, y, x]
    return canvas


@pytest.mark.parametrize("seed", SEEDS)
def test_a_moved_window_carries_the_same_signal(seed):
    windows = some_windows(seed)
    for up, before, more in product((0, 1, 4), (0, 2), (0, 3)):
        moved = windows.moved(windows.top - up, windows.left - before, 4 + up + more, 3 + before)
        assert torch.equal(painted(moved), painted(windows))
        assert moved.size == (4 + up + more, 3 + before)


@pytest.mark.parametrize("seed", SEEDS)
def test_windows_may_each_move_by_another_distance(seed):
    windows = some_windows(seed)
    nowhere = torch.zeros(3, dtype=torch.long)
    assert torch.equal(windows.moved(nowhere, nowhere, *MAP).values, painted(windows))
    assert torch.equal(windows.on_whole((1, 2, *MAP)).values, painted(windows))


@pytest.mark.parametrize("size", [(4, 3), (9, 7), (12, 3), (2, 11), (15, 16)])
@pytest.mark.parametrize("seed", SEEDS)
def test_clipping_clears_what_lies_beyond_the_border(seed, size):
    windows = some_windows(seed, *size)
    windows = windows.with_values(torch.ones_like(windows.values))
    clipped = windows.clipped((1, 2, *MAP))
    assert torch.equal(painted(clipped), painted(windows))
    frame = 20
    beyond = painted(clipped, frame)
    beyond[:, :, frame:-frame, frame:-frame] = 0
    assert not beyond.any()
    assert clipped.size == (min(size[0], MAP[0]), min(size[1], MAP[1]))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_sum_of_windows_is_the_sum_of_their_maps(seed):
    one, other = some_windows(seed), some_windows(seed + 100, 2, 6)
    both = one + other
    torch.testing.assert_close(painted(both), painted(one) + painted(other))
    for i in range(3):
        top, left, bottom, right = both.box[i].tolist()
        outside = painted(both)[i]
        outside[:, top:bottom, left:right] = 0
        assert not outside.any()


def test_a_unit_that_sees_nothing_by_one_way_sees_what_it_sees_by_the_other():
    one, other = some_windows(0, inside=True), some_windows(1, inside=True)
    nothing = Windows(one.values * 0, one.top, one.left, torch.zeros_like(one.box))
    assert torch.equal((nothing + other).box, other.box)
    assert torch.equal((other + nothing).box, other.box)


def test_signals_without_rows_and_columns_are_added_as_they_are():
    one, other = torch.rand(2, 5), torch.rand(2, 5)
    assert torch.equal((Windows.whole(one) + Windows.whole(other)).values, one + other)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_windows_of_another_map_lie_under_them(seed):
    windows, maps = some_windows(seed), torch.rand(1, 5, *MAP)
    cut = windows.cut_from(maps)
    assert cut.shape == (3, 5, 4, 3)
    for i, y, x in product(range(3), range(4), range(3)):
        row, column = int(windows.top[i]) + y, int(windows.left[i]) + x
        inside = 0 <= row < MAP[0] and 0 <= column < MAP[1]
        assert torch.equal(cut[i, :, y, x], maps[0, :, row, column] if inside else torch.zeros(5))


def test_windows_that_cover_their_maps_cut_these_out_whole():
    maps = torch.rand(1, 5, *MAP)
    assert torch.equal(Windows.whole(torch.rand(3, 2, *MAP)).cut_from(maps), maps)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_unit_is_read_inside_its_box(seed):
    windows = some_windows(seed)
    for i in range(3):
        (top, left, bottom, right), values = windows.of_unit(i)
        assert torch.equal(values, painted(windows)[i, :, top:bottom, left:right])


@pytest.mark.parametrize("dilation", [(1, 1), (2, 1)])
@pytest.mark.parametrize("padding", [(0, 0), (1, 0), (2, 1)])
@pytest.mark.parametrize("stride", [(1, 1), (2, 1), (3, 2)])
@pytest.mark.parametrize("kernel", [(1, 1), (3, 2), (2, 5)])
def test_the_box_below_is_what_the_kernel_reaches_from_the_box(kernel, stride, padding, dilation):
    height, width = 11, 9
    outputs = [
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, p, d, k, s in zip((height, width), padding, dilation, kernel, stride, strict=True)
    ]
    for row, column in product(range(outputs[0]), range(outputs[1])):
        box = torch.tensor([[row, column, row + 1, column + 1]])
        seed = Windows(torch.ones(1, 1, 1, 1), box[:, 0], box[:, 1], box)
        reach = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
        sliding = Sliding(kernel, stride, padding, dilation)
        below = seed.below(torch.ones(1, 1, *reach), sliding, torch.Size((1, 1, height, width)))
        rows, columns = (
            [y for y in range(at * s - p, at * s - p + r) if 0 <= y < n]
            for at, s, p, r, n in zip((row, column), stride, padding, reach, (height, width), strict=True)
        )
        found = below.box[0].tolist()
        if rows and columns:
            assert found == [rows[0], columns[0], rows[-1] + 1, columns[-1] + 1]
            assert below.of_unit(0)[1].sum() == len(rows) * len(columns)
        else:
            assert found[0] == found[2] or found[1] == found[3]
            assert not below.values.any()


@pytest.mark.parametrize("value", [3, (3,), [3], (3, 3), torch.Size((3, 3))])
def test_one_number_stands_for_rows_and_columns(value):
    assert pair(value) == (3, 3)
    assert pair([1, 2]) == (1, 2)
    assert Sliding.by(value, 1, (0,), [1, 1]) == Sliding((3, 3))


@pytest.mark.parametrize("size", [(1, 1), (4, 2)])
@pytest.mark.parametrize("stride", [(1, 1), (3, 2)])
@pytest.mark.parametrize("kernel", [(1, 1), (3, 2)])
def test_the_size_below_is_that_of_a_transposed_convolution(kernel, stride, size):
    for dilation in ((1, 1), (2, 3)):
        below = torch.conv_transpose2d(
            torch.ones(1, 1, *size), torch.ones(1, 1, *kernel), None, stride, dilation=dilation
        )
        assert Sliding(kernel, stride, (5, 5), dilation).size_below(size) == tuple(below.shape[2:])


def test_below_a_unit_that_sees_only_padding_nothing_is_seen():
    nothing = Windows(torch.zeros(1, 1, 1, 1), torch.tensor([-1]), torch.tensor([3]), torch.tensor([[0, 3, 0, 4]]))
    below = nothing.below(torch.zeros(1, 1, 3, 3), Sliding((3, 3), padding=(1, 1)), torch.Size((1, 1, 9, 9)))
    assert below.box.tolist() == [[0, 0, 0, 0]]
    assert below.of_unit(0)[1].numel() == 0
