"""The ideas between the architectures against torch and autograd in float64, and against arithmetic by hand."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from models.lenet import Subsampling
from models.refusals import Refused
from vis.concepts.activation import ACTIVATIONS, by_deconvnet, by_gradient, by_guided, prelu_backward
from vis.concepts.normalisation import (
    CONVENTIONS,
    LRN,
    Moving,
    batch_norm,
    batch_norm_backward,
    begun,
    inference,
    inference_backward,
    lrn,
    lrn_backward,
    means,
    moved_as_keras,
    moved_as_torch,
    sets_of,
    standardised,
    standardised_backward,
    window_of,
    window_sums,
)
from vis.concepts.pooling import (
    average_pool,
    average_pool_backward,
    down,
    max_pool,
    shared,
    subsample,
    subsample_backward,
    unpool_add,
    unpool_overwrite,
    up,
)
from vis.deconvnet import project, strongest_units

FEW = settings(max_examples=15, deadline=None)
EXACT = {"rtol": 1e-12, "atol": 1e-12}
SHAPES = st.tuples(st.integers(1, 3), st.sampled_from([1, 2, 4, 6]), st.integers(1, 4), st.integers(1, 4))


def drawn(shape: tuple[int, ...], seed: int = 0) -> Tensor:
    return 3 * torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) + 1


def same(ours: Tensor, theirs: Tensor) -> None:
    torch.testing.assert_close(ours, theirs, **EXACT)


def gradients(y: Tensor, gradient: Tensor, *of: Tensor) -> tuple[Tensor, ...]:
    return torch.autograd.grad(y, of, gradient)


# Local response normalisation ------------------------------------------------------------------------------------

SETTINGS = st.builds(
    LRN,
    n=st.integers(1, 9),
    alpha=st.floats(1e-4, 2),
    beta=st.floats(0.25, 1.5),
    k=st.floats(0.5, 3),
    convention=st.sampled_from([*CONVENTIONS.values()]),
    is_within=st.booleans(),
)


@FEW
@given(SHAPES, st.integers(1, 9), st.floats(1e-4, 2), st.floats(0.25, 1.5), st.floats(0.5, 3))
def test_lrn_between_channels_is_torchs_under_its_convention(shape, n, alpha, beta, k):
    x = drawn(shape)
    same(lrn(x, LRN(n, alpha, beta, k, CONVENTIONS["torch"])), nn.LocalResponseNorm(n, alpha, beta, k)(x))


@FEW
@given(SHAPES, st.integers(0, 3), st.floats(1e-4, 2))
def test_lrn_within_a_channel_is_divided_by_torchs_average_over_squares(shape, radius, alpha):
    """As Caffe's WITHIN_CHANNEL: what is missing at the border counts as 0."""
    x, side = drawn(shape), 2 * radius + 1
    of = LRN(side, alpha, 0.75, 1.0, CONVENTIONS["torch"], is_within=True)
    same(lrn(x, of), x / (1 + alpha * F.avg_pool2d(x.square(), side, 1, radius)) ** 0.75)


@FEW
@given(SHAPES, SETTINGS)
def test_lrn_backward_is_autograds_and_its_windows_are_those_of_a_loop(shape, of):
    x, gradient = drawn(shape).requires_grad_(), drawn(shape, 1)
    (theirs,) = gradients(lrn(x, of), gradient, x)
    same(lrn_backward(x.detach(), gradient, of), theirs)
    place = tuple(size // 2 for size in shape[1:])
    looked = x.detach()[0][window_of(place, shape[1:], of)].sum()
    same(window_sums(x.detach(), of)[0][place], looked)


def test_the_conventions_are_one_another_with_other_numbers():
    """α/n with n = 5 is α with a fifth of it; a radius of 2 is a window of 5."""
    x, five = drawn((2, 8, 2, 3)), LRN(5, 5e-4)
    paper, divided, radius, both = (replace(five, convention=each) for each in CONVENTIONS.values())
    same(lrn(x, divided), lrn(x, replace(paper, alpha=1e-4)))
    same(lrn(x, replace(radius, n=2)), lrn(x, paper))
    same(lrn(x, replace(both, n=2, alpha=25e-4)), lrn(x, paper))
    assert [each.entries for each in (paper, divided, radius, both)] == [5, 5, 11, 11]
    assert replace(divided, is_within=True).entries == 25


def test_alexnets_numbers_under_the_wrong_convention_differ_five_times():
    """By hand: one channel of 200 alone, so the sum of squares is 40,000: 2 + 4, and 2 + 0.8."""
    x = torch.full((1, 1, 1, 1), 200.0, dtype=torch.float64)
    right, wrong = lrn(x, LRN()), lrn(x, LRN(convention=CONVENTIONS["torch"]))
    assert float(right) == pytest.approx(200 / 6**0.75, rel=1e-14)
    assert float(wrong) == pytest.approx(200 / 2.8**0.75, rel=1e-14)
    assert LRN().share == pytest.approx(5 * LRN(convention=CONVENTIONS["torch"]).share, rel=1e-15)
    same(nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2)(x), right)  # how torch is given AlexNet's
    loud = x * 1e8  # where k no longer counts, the outputs are 5 to the ¾ apart
    assert float(lrn(loud, LRN(convention=CONVENTIONS["torch"])) / lrn(loud, LRN())) == pytest.approx(5**0.75)


# Norms -----------------------------------------------------------------------------------------------------------


def torchs(kind: str, shape: tuple[int, ...], groups: int, eps: float) -> nn.Module:
    return {
        "batch": lambda: nn.BatchNorm2d(shape[1], eps),
        "layer": lambda: nn.LayerNorm(shape[1:], eps),
        "group": lambda: nn.GroupNorm(groups, shape[1], eps),
        "instance": lambda: nn.InstanceNorm2d(shape[1], eps),
    }[kind]().double()


@FEW
@given(SHAPES, st.sampled_from(["batch", "layer", "group", "instance"]), st.sampled_from([1, 2, 3, 6]), st.data())
def test_every_norm_is_torchs_forward_and_backward(shape, kind, groups, data):
    shape = (shape[0], 6, max(2, shape[2]), shape[3])  # torch takes no map of one value either
    eps = data.draw(st.sampled_from([1e-5, 1e-3, 0.5]))
    x, gradient, sets = drawn(shape).requires_grad_(), drawn(shape, 1), sets_of(kind, shape, groups)
    y = torchs(kind, shape, groups, eps)(x)
    same(standardised(x, sets, eps), y)
    same(standardised_backward(x.detach(), gradient, sets, eps), *gradients(y, gradient, x))


@FEW
@given(SHAPES, st.floats(0, 1))
def test_batch_norm_is_torchs_in_both_modes_and_moves_its_averages(shape, momentum):
    shape = (shape[0], shape[1], 1 + shape[2], shape[3])
    channels, theirs = shape[1], nn.BatchNorm2d(shape[1], momentum=momentum).double()
    nn.init.normal_(theirs.weight, generator=torch.Generator().manual_seed(1))
    nn.init.normal_(theirs.bias, generator=torch.Generator().manual_seed(2))
    x, gradient, moving = drawn(shape).requires_grad_(), drawn(shape, 3), begun(channels)
    weight, bias = theirs.weight.detach(), theirs.bias.detach()
    y = theirs(x)
    same(batch_norm(x, weight, bias), y)
    for ours, autograds in zip(
        batch_norm_backward(x.detach(), weight, gradient),
        gradients(y, gradient, x, theirs.weight, theirs.bias),
        strict=True,
    ):
        same(ours, autograds)
    moving = moved_as_torch(moving, x.detach(), momentum)
    same(moving.mean, theirs.running_mean)
    same(moving.variance, theirs.running_var)
    y = theirs.eval()(x)
    same(inference(x, moving, weight, bias), y)
    same(inference_backward(gradient, moving, weight), *gradients(y, gradient, x))


def test_the_variance_is_biased_in_the_normalisation_and_unbiased_in_the_average():
    """By hand, n = 3: (1, 1, 3), (1, 2, 3) and (0, 1, 3) have 8/9, 6/9 and 14/9, and unbiased 12/9, 1 and 21/9."""
    x = torch.tensor([[1, 1, 0], [1, 2, 1], [3, 3, 3]], dtype=torch.float64)[:, :, None, None]  # (3, 3, 1, 1)
    sets = sets_of("batch", x.shape)
    biased = means((x - means(x, sets)).square(), sets)[0, :, 0, 0]
    assert biased.tolist() == pytest.approx([0.8889, 0.6667, 1.5556], abs=5e-5)
    assert moved_as_torch(begun(3), x, momentum=1).variance.tolist() == pytest.approx([1.3333, 1.0, 2.3333], abs=5e-5)
    assert moved_as_keras(begun(3), x, momentum=0).variance.tolist() == pytest.approx(biased.tolist(), rel=1e-14)


def test_after_twenty_norms_in_a_row_inference_is_smaller_than_training_by_0_854():
    """With n = 64 each one divides by the root of 64/63 more: (63/64) to the 10."""
    training = evaluated = drawn((64, 3, 1, 1))
    one, zero = torch.ones(3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64)
    for _ in range(20):
        moving = moved_as_torch(begun(3), training, momentum=1)
        training, evaluated = batch_norm(training, one, zero, 0), inference(evaluated, moving, one, zero, 0)
    same(evaluated, (63 / 64) ** 10 * training)
    assert float((evaluated / training).mean()) == pytest.approx(0.854, abs=5e-4)


def test_both_conventions_of_momentum_by_hand():
    """A batch of mean 10: Keras's 0.99 keeps 99 % of the old mean, torch's takes 99 % of the new one."""
    x = torch.tensor([9.0, 11.0], dtype=torch.float64)[:, None, None, None]  # mean 10, variance 1, unbiased 2
    keras, torchs_own = moved_as_keras(begun(1), x), moved_as_torch(begun(1), x)
    assert (float(keras.mean), float(keras.variance)) == pytest.approx((0.1, 1.0))
    assert (float(torchs_own.mean), float(torchs_own.variance)) == pytest.approx((1.0, 1.1))
    assert float(moved_as_torch(begun(1), x, 0.99).mean) == pytest.approx(9.9)
    same(moved_as_torch(begun(1), x, 0.01).mean, keras.mean)


def test_which_entries_share_a_mean():
    shape = (2, 4, 2, 3)
    count = {kind: int(sets_of(kind, shape, 2).max()) + 1 for kind in ("batch", "layer", "group", "instance")}
    assert count == {"batch": 4, "layer": 2, "group": 4, "instance": 8}
    assert sets_of("group", shape, 2)[:, :, 0, 0].tolist() == [[0, 0, 1, 1], [2, 2, 3, 3]]
    assert torch.equal(sets_of("group", shape, 1), sets_of("layer", shape))
    assert torch.equal(sets_of("group", shape, 4), sets_of("instance", shape))
    assert torch.equal(sets_of("instance", (1, 4, 2, 3)), sets_of("batch", (1, 4, 2, 3)))  # a batch of one


def test_what_cannot_be_is_refused_in_a_sentence():
    one, two = torch.ones(2, dtype=torch.float64), drawn((1, 2, 1, 1))
    for act in (lambda: batch_norm(two, one, one), lambda: moved_as_torch(begun(2), two)):
        with pytest.raises(Refused, match="one value per channel"):
            act()
    with pytest.raises(ValueError, match="more than 1 value per channel"):  # nor does torch
        nn.BatchNorm2d(2).double()(two)
    assert inference(two, Moving(one, one), one, one).shape == two.shape
    with pytest.raises(Refused, match="6 channels cannot be split into 4"):
        sets_of("group", (1, 6, 1, 1), 4)


# Pooling ---------------------------------------------------------------------------------------------------------

POOLS = st.sampled_from([(2, 2), (3, 2), (3, 3), (3, 1), (4, 2), (2, 1)])
MAPS = st.tuples(st.integers(1, 2), st.integers(1, 3), st.integers(4, 8), st.integers(4, 8))


@FEW
@given(MAPS, POOLS)
def test_max_pooling_is_torchs_with_its_switches_and_unpooling_by_addition_is_its_backward_pass(shape, pool):
    x = drawn(shape).requires_grad_()
    y, switches = max_pool(x, *pool)
    theirs, indices = F.max_pool2d(x, *pool, return_indices=True)
    same(y, theirs)
    assert torch.equal(switches, indices)
    gradient = drawn(y.shape, 1)
    same(unpool_add(gradient, switches, shape[2:]), *gradients(theirs, gradient, x))
    assert int(shared(switches, shape[2:]).sum()) == y.numel()


def test_of_equal_numbers_the_first_is_the_maximum_as_in_torch():
    x = torch.ones((1, 1, 4, 4), dtype=torch.float64)
    assert max_pool(x, 3, 1)[1].ravel().tolist() == [0, 1, 4, 5]
    assert torch.equal(max_pool(x, 3, 1)[1], F.max_pool2d(x, 3, 1, return_indices=True)[1])


@FEW
@given(MAPS)
def test_where_windows_do_not_overlap_both_ways_to_unpool_are_torchs(shape):
    y, switches = max_pool(drawn(shape), 2, 2)
    theirs = F.max_unpool2d(y, switches, 2, 2, output_size=shape[2:])
    same(unpool_add(y, switches, shape[2:]), theirs)
    same(unpool_overwrite(y, switches, shape[2:]), theirs)


def test_a_shared_maximum_is_added_or_overwritten():
    """By hand: 9 is the maximum of all four windows, which bring back 1, 2, 3 and 4."""
    x = torch.tensor([[0, 1, 2], [3, 9, 4], [5, 6, 7]], dtype=torch.float64)[None, None]
    y, switches = max_pool(x, 2, 1)
    assert y.unique().tolist() == [9]
    assert shared(switches, (3, 3))[0, 0].tolist() == [[0, 0, 0], [0, 4, 0], [0, 0, 0]]
    signal = torch.tensor([[1, 2], [3, 4]], dtype=torch.float64)[None, None]
    assert float(unpool_add(signal, switches, (3, 3))[0, 0, 1, 1]) == 10
    assert float(unpool_overwrite(signal, switches, (3, 3))[0, 0, 1, 1]) == 4
    same(unpool_overwrite(signal, switches, (3, 3)), F.max_unpool2d(signal, switches, 2, 1, output_size=(3, 3)))


@FEW
@given(MAPS, POOLS)
def test_average_pooling_is_torchs_forward_and_backward(shape, pool):
    x = drawn(shape).requires_grad_()
    y = F.avg_pool2d(x, *pool)
    same(average_pool(x.detach(), *pool), y)
    gradient = drawn(y.shape, 1)
    same(average_pool_backward(gradient, *pool, shape[2:]), *gradients(y, gradient, x))


def test_lenets_subsampling_is_the_networks_and_has_two_parameters_a_map():
    theirs, x = Subsampling(6).double(), drawn((2, 6, 4, 6)).requires_grad_()
    nn.init.normal_(theirs.coefficient, generator=torch.Generator().manual_seed(1))
    nn.init.normal_(theirs.bias, generator=torch.Generator().manual_seed(2))
    coefficient, bias = theirs.coefficient.detach().ravel(), theirs.bias.detach().ravel()
    y, gradient = theirs(x), drawn((2, 6, 2, 3), 3)
    same(subsample(x.detach(), coefficient, bias), y)
    autograds = gradients(y, gradient, x, theirs.coefficient, theirs.bias)
    for ours, autograd in zip(subsample_backward(x.detach(), gradient, coefficient), autograds, strict=True):
        same(ours, autograd.view_as(ours))
    assert coefficient.numel() + bias.numel() == 12  # S2 of LeNet-5


@pytest.mark.parametrize("pool", [(2, 2), (3, 2)])
def test_the_three_steps_are_the_deconvnets(pool):
    """Against the walk that the pages of networks show, on a network of these three layers."""
    x, filter = drawn((1, 1, 8, 8)), drawn((3, 3), 5)
    model = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1, bias=False), nn.ReLU(), nn.MaxPool2d(*pool)).double().eval()
    model[0].weight.data[0, 0] = filter
    (unit,) = strongest_units(model, x, "2", k=1)
    found = down(up(x, filter, *pool), filter, (unit.row, unit.column))
    (projection,) = project(model, x, [unit])
    assert unit.activation == pytest.approx(float(found.alone.max()), rel=1e-12)
    same(torch.as_tensor(projection.on_canvas())[None].double(), found.filtered)
    assert float(found.filtered.abs().max()) > 0


# Activation functions --------------------------------------------------------------------------------------------

TORCHS = {
    "sigmoid": nn.Sigmoid(),
    "tanh": nn.Tanh(),
    "relu": nn.ReLU(),
    "leaky": nn.LeakyReLU(),
    "prelu": nn.PReLU().double(),
    "elu": nn.ELU(),
    "relu6": nn.ReLU6(),
    "silu": nn.SiLU(),
    "gelu": nn.GELU(),
    "hardswish": nn.Hardswish(),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_function_and_its_derivative_is_torchs_and_autograds_also_at_its_kinks(name):
    x = torch.cat([torch.linspace(-8, 8, 1001), torch.tensor([-3, 0, 3, 6])]).double().requires_grad_()
    y = TORCHS[name](x)
    same(ACTIVATIONS[name].forward(x.detach()), y)
    same(ACTIVATIONS[name].slope(x.detach()), *gradients(y, torch.ones_like(y), x))


def test_the_slope_of_a_prelu_is_trained():
    x, gradient, theirs = drawn((3, 4)).requires_grad_(), drawn((3, 4), 1), nn.PReLU().double()
    autograds = gradients(theirs(x), gradient, x, theirs.weight)
    for ours, autograd in zip(prelu_backward(x.detach(), gradient), autograds, strict=True):
        same(ours, autograd.view_as(ours))


def test_ten_sigmoids_at_their_steepest_leave_a_millionth():
    steepest = torch.zeros(1, dtype=torch.float64)
    assert float(ACTIVATIONS["sigmoid"].slope(steepest)) == 0.25
    assert float(ACTIVATIONS["sigmoid"].slope(steepest) ** 10) == pytest.approx(9.5e-7, rel=0.01)


def test_each_rule_back_through_a_relu_by_hand_and_the_gradients_by_autograd():
    x = torch.tensor([1.0, 1.0, -1.0, -1.0], dtype=torch.float64).requires_grad_()
    signal = torch.tensor([2.0, -2.0, 2.0, -2.0], dtype=torch.float64)
    same(by_gradient(x.detach(), signal), *gradients(x.relu(), signal, x))
    assert by_deconvnet(x.detach(), signal).tolist() == [2, 0, 2, 0]
    assert by_guided(x.detach(), signal).tolist() == [2, 0, 0, 0]
