"""The checks of a map: curves, random weights, a mosaic, infidelity and sensitivity, each against arithmetic."""

import math
import threading
import warnings

import numpy as np
import pytest
import torch
from scipy.stats import rankdata
from torch import Tensor, nn

from models.refusals import Refused
from tests.agreement.networks import Net, picture, seeded
from vis.attribution import Question, attribute
from vis.attribution.checks import BLIND, centred, deletion, edges, insertion, random_map
from vis.attribution.gradients import blurred
from vis.attribution.infidelity import infidelity, random_squares, sensitivity
from vis.attribution.pointing import is_largest_within, mosaic, pointed, quadrants, share_within
from vis.attribution.randomisation import draw_anew, layers_with_weights, randomised, similarity

TARGET, SEED = 2, 10


@pytest.fixture(scope="module")
def model() -> nn.Module:
    return seeded(convolutional, SEED)


def convolutional() -> nn.Module:
    first = nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2)
    return nn.Sequential(*first, nn.Conv2d(6, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4))


def linear() -> nn.Module:
    """Its scores are sums w · x of the numbers of a picture, and nothing else."""
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 13 * 10, 4, bias=False))


# Curves ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check", [deletion, insertion])
def test_a_curve_is_the_score_picture_by_picture_and_its_area_that_of_its_trapezoids(check, model):
    image = picture()
    height, width = image.shape[2:]
    ranked = (torch.arange(height * width) * 7 % 11).double().view(height, width)  # many are equal
    found = check(Question(model, image, TARGET), ranked, steps=6)
    begin, end = (image, torch.zeros_like(image)) if check is deletion else (blurred(image), image)
    places = sorted(range(height * width), key=lambda place: (-ranked.flatten()[place].item(), place))
    area = 0
    for i, part in enumerate(found.parts.tolist()):
        now = begin.clone()
        for place in places[: round(part * height * width)]:
            now[0, :, place // width, place % width] = end[0, :, place // width, place % width]
        assert found.scores[i].item() == pytest.approx(model(now)[0, TARGET].item(), rel=1e-9, abs=1e-12)
        if i:
            area += (found.scores[i] + found.scores[i - 1]).item() / 2 * (found.parts[i] - found.parts[i - 1]).item()
    assert found.parts[0] == 0
    assert found.parts[-1] == 1
    assert found.area == pytest.approx(area, rel=1e-12)


def test_a_faithful_map_has_the_smaller_deletion_and_the_larger_insertion():
    """Of a linear network with weights of one sign the best order is known: that of its terms."""
    net, image = nn.Sequential(nn.Flatten(), nn.Linear(390, 1, bias=False)).double().eval(), picture().abs()
    with torch.no_grad():
        net[1].weight.abs_()
    asked = Question(net, image, 0)
    best, worst = attribute(net, image, "input_x_gradient", 0).map, -attribute(net, image, "input_x_gradient", 0).map
    others = [*(blind(image) for blind in BLIND.values()), worst]
    assert all(deletion(asked, best).area < deletion(asked, other).area for other in others)


def test_the_maps_that_know_nothing_are_what_they_say():
    assert torch.equal(random_map((4, 5)), random_map((4, 5)))
    assert not torch.equal(random_map((4, 5)), random_map((4, 5), seed=1))
    assert {name: blind(picture()).shape for name, blind in BLIND.items()} == dict.fromkeys(BLIND, (13, 10))
    middle = centred((5, 7))
    assert middle.argmax() == 2 * 7 + 3
    assert middle[2, 3] == 1
    assert middle[0, 3].item() == pytest.approx(np.exp(-2))
    step = torch.zeros(1, 3, 6, 6).double()
    step[..., 3:] = 1
    assert torch.equal(edges(step)[2], torch.tensor([0, 0, 4, 4, 0, 0]).double())


# Random weights --------------------------------------------------------------------------------------------------


def test_layers_are_drawn_anew_from_the_top_down_and_the_network_stays_as_it_is(model):
    before = {name: value.clone() for name, value in model.state_dict().items()}
    drawn = torch.get_rng_state(), np.random.get_state()[1].copy()
    found = list(randomised(model, picture(), "grad_cam", TARGET, layer="4"))
    assert [one.layer for one in found] == ["8", "4", "1", "0"]
    assert [one.part for one in found] == [0.25, 0.5, 0.75, 1]
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), drawn[0])
    assert (np.random.get_state()[1] == drawn[1]).all()
    again = list(randomised(model, picture(), "grad_cam", TARGET, layer="4"))
    assert all(torch.equal(one.found.map, two.found.map) for one, two in zip(found, again, strict=True))
    other = list(randomised(model, picture(), "grad_cam", TARGET, layer="4", seed=1))
    assert not torch.equal(found[-1].found.map, other[-1].found.map)


def test_each_stop_is_the_map_of_the_network_with_these_layers_drawn_by_hand(model):
    """And the draws have the mean and the deviation of the weights that they replace."""
    image, own = picture(), seeded(convolutional, SEED)
    generator = torch.Generator().manual_seed(5)
    for one, names in zip(
        randomised(model, image, "saliency", TARGET, stops=2, seed=5), (("8", "4"), ("1", "0")), strict=True
    ):
        for name in names:
            for values in own.get_submodule(name).parameters():
                drawn = torch.randn(values.shape, generator=generator, dtype=torch.float64)
                values.data = drawn * values.data.std(correction=0) + values.data.mean()
        assert one.layer == names[-1]
        torch.testing.assert_close(one.found.map, attribute(own, image, "saliency", TARGET).map, rtol=1e-9, atol=0)


def test_what_is_drawn_has_the_mean_and_the_deviation_of_what_it_replaces():
    wide = nn.Linear(300, 400).double()
    before = wide.weight.mean().item(), wide.weight.std().item(), wide.bias.std().item()
    own = wide.weight.detach().clone()
    draw_anew([wide.weight, wide.bias], torch.Generator().manual_seed(0))
    assert wide.weight.mean().item() == pytest.approx(before[0], abs=5 * before[1] / 120_000**0.5)
    assert wide.weight.std().item() == pytest.approx(before[1], rel=0.02)
    assert wide.bias.std().item() == pytest.approx(before[2], rel=0.2)
    assert abs(np.corrcoef(wide.weight.detach().flatten(), own.flatten())[0, 1]) < 0.02


def test_weights_that_are_shared_count_once_and_those_of_functions_too():
    shared = nn.Conv2d(3, 3, 3, padding=1)

    def way(net: nn.Module, x: Tensor) -> Tensor:
        return torch.nn.functional.linear(net.a(net.b(net.a(x)).relu()).mean((2, 3)), net.end.weight)

    net = seeded(lambda: Net(way, a=shared, b=nn.Conv2d(3, 3, 1), end=nn.Linear(3, 4)))
    found = layers_with_weights(net, (1, 3, 13, 10))
    assert [parameter.shape for layer in found.values() for parameter in layer] == [
        *((4, 3), (3, 3, 3, 3), (3,), (3, 3, 1, 1), (3,))
    ]
    assert list(found)[1:] == ["a_1", "b"]


def windows(values: Tensor) -> Tensor:
    """All windows of 7×7, (n, 49)."""
    return values.unfold(0, 7, 1).unfold(1, 7, 1).reshape(-1, 49)


def test_similarity_is_the_correlation_of_ranks_and_structural_similarity():
    """Both by their formulas: Pearson's coefficient of the ranks; SSIM of Wang et al. 2004, equation 13, window by
    window.
    """
    generator = torch.Generator().manual_seed(3)
    one = torch.randn(9, 12, generator=generator, dtype=torch.float64)
    other = one + 0.7 * torch.randn(9, 12, generator=generator, dtype=torch.float64)
    for first, second, span in ((one, other, 2.0), (one.abs(), other.abs(), 1.0)):
        a, b = (rankdata(values.flatten()) for values in (first, second))
        found = similarity(first, second)
        assert found.rank == pytest.approx(np.corrcoef(a, b)[0, 1], rel=1e-12)
        a, b = (
            (values / values.abs().max()).unfold(0, 7, 1).unfold(1, 7, 1).reshape(-1, 49) for values in (first, second)
        )
        means, variances = [a.mean(1), b.mean(1)], [a.var(1), b.var(1)]
        covariance = ((a - means[0][:, None]) * (b - means[1][:, None])).sum(1) / 48
        c1, c2 = (0.01 * span) ** 2, (0.03 * span) ** 2
        above = (2 * means[0] * means[1] + c1) * (2 * covariance + c2)
        below = (means[0] ** 2 + means[1] ** 2 + c1) * (variances[0] + variances[1] + c2)
        assert found.structure == pytest.approx((above / below).mean().item(), rel=1e-9)
    same = similarity(one, 3 * one)
    assert (same.rank, same.structure) == (pytest.approx(1), pytest.approx(1))
    assert similarity(one, -one).rank == pytest.approx(-1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert similarity(one, torch.zeros(9, 12)) == similarity(torch.ones(9, 12), one)
        assert similarity(one, torch.zeros(9, 12)).rank is None
    assert similarity(one[:4, :5], other[:4, :5]).structure is not None


# A mosaic --------------------------------------------------------------------------------------------------------


def test_a_mosaic_is_four_pictures_at_half_their_size():
    images = [torch.full((1, 3, 8, 6), float(value)).double() for value in (1, 2, 3, 4)]
    whole = mosaic(images)[0, 0]
    assert whole.shape == (8, 6)
    for corner in (whole[::4, ::3], whole[3::4, 2::3]):
        torch.testing.assert_close(corner, torch.tensor([[1.0, 2], [3, 4]]).double())
    uneven = mosaic([torch.full((1, 1, 5, 7), float(value)) for value in (1, 2, 3, 4)])[0, 0]
    assert [(uneven.round() == value).sum().item() for value in (1, 2, 3, 4)] == [6, 8, 9, 12]
    small = mosaic([torch.arange(16).view(1, 1, 4, 4).double()] * 4)
    assert small[0, 0, :2, :2].sum().item() == pytest.approx(4 * 7.5)  # as bright as before
    for wrong in (images[:3], [*images[:3], images[3][..., :4]]):
        with pytest.raises(Refused, match="four pictures of the same size"):
            mosaic(wrong)


def test_the_share_of_a_made_map_is_its_sum():
    made = torch.tensor([[1.0, 2, -9, 0], [0, 0, 4, -1], [3, 0, 0, 0], [-5, 0, 0, 0]])
    shares = [share_within(made, inside) for inside in quadrants((4, 4))]
    assert shares == [0.3, 0.4, 0.3, 0]
    assert [is_largest_within(made, inside) for inside in quadrants((4, 4))] == [False, True, False, False]
    assert [share_within(-made.abs(), inside) for inside in quadrants((4, 4))] == [None] * 4
    assert not any(is_largest_within(0 * made, inside) for inside in quadrants((4, 4)))


class Quarters(nn.Module):
    """Class i is the sum of the i-th quarter of the picture, and reads nothing else."""

    def __init__(self, right: list[int]):
        super().__init__()
        self.end = nn.Linear(4, 4, bias=False)
        self.end.weight.data = torch.eye(4)[right]

    def forward(self, x: Tensor) -> Tensor:
        return self.end(torch.nn.functional.avg_pool2d(x.mean(1, keepdim=True), (4, 3)).flatten(1))


@pytest.mark.parametrize("method", ["input_x_gradient", "integrated_gradients", "occlusion", "saliency"])
def test_what_reads_one_quarter_alone_points_there(method):
    images = [picture((1, 3, 8, 6), seed).abs() for seed in range(4)]
    options = {"size": 1, "stride": 1} if method == "occlusion" else {}
    for right in ([0, 1, 2, 3], [1, 0, 3, 2]):
        net = Quarters(right).double().eval()
        found = list(pointed(net, images, [0, 1, 2, 3], method, **options))
        assert [one.target for one in found] == [one.quadrant for one in found] == [0, 1, 2, 3]
        assert [one.share for one in found] == pytest.approx([float(i == place) for i, place in enumerate(right)])
        assert [one.is_inside for one in found] == [i == place for i, place in enumerate(right)]
    with pytest.raises(Refused, match="four classes"):
        next(pointed(net, images, [0, 1, 1, 2], method))


# Infidelity and sensitivity --------------------------------------------------------------------------------------


def test_the_terms_of_a_linear_network_foretell_every_fall():
    net, image = seeded(linear), picture()
    exact = attribute(net, image, "input_x_gradient", TARGET).map
    asked = Question(net, image, TARGET)
    for is_scaled in (False, True):
        found = infidelity(asked, exact, squares=12, is_scaled=is_scaled)
        assert found.value == pytest.approx(0, abs=1e-15)
        assert found.of_nothing > 0.01
    assert infidelity(asked, 3 * exact, squares=12).relative == pytest.approx(0, abs=1e-12)
    assert infidelity(asked, 3 * exact, squares=12, is_scaled=False).relative == pytest.approx(4)  # (3 − 1)²
    assert infidelity(asked, 0 * exact, squares=12, is_scaled=False).relative == 1
    assert infidelity(Question(net, 0 * image, TARGET), exact, squares=3).relative is None


def test_infidelity_is_its_mean_square_by_square(model):
    image, squares = picture(), 23
    made = picture((1, 1, 13, 10), seed=7)[0, 0]
    generator, masks = torch.Generator().manual_seed(4), []
    for count in (10, 10, 3):
        masks += [*random_squares(count, (13, 10), generator)]
    falls = [(model(image) - model(image * (1 - mask)))[0, TARGET].item() for mask in masks]
    told = [(made * mask).sum().item() for mask in masks]
    factor = sum(map(math.prod, zip(told, falls, strict=True))) / sum(one**2 for one in told)
    state = torch.get_rng_state()
    for by, is_scaled in ((1, False), (factor, True)):
        wanted = sum((by * one - fall) ** 2 for one, fall in zip(told, falls, strict=True)) / squares
        found = infidelity(Question(model, image, TARGET), made, squares, seed=4, is_scaled=is_scaled)
        assert found.value == pytest.approx(wanted, rel=1e-6)
        assert found.of_nothing == pytest.approx(sum(fall**2 for fall in falls) / squares, rel=1e-6)
    assert torch.equal(torch.get_rng_state(), state)


def test_squares_lie_anywhere_inside():
    masks = random_squares(2000, (16, 9), torch.Generator().manual_seed(0))
    covered = masks.mean(0)
    assert covered.min() > 0
    areas = masks.sum((1, 2))
    assert areas.min() == 2  # ⌊16 / 8⌋ × ⌊9 / 8⌋
    assert areas.max() == 8 * 4


def test_sensitivity_is_the_largest_change_and_none_where_the_map_never_changes(model):
    image = picture()
    state, numpys = torch.get_rng_state(), np.random.get_state()[1].copy()
    assert sensitivity(seeded(linear), image, "saliency", TARGET, samples=3) == 0
    found = sensitivity(model, image, "input_x_gradient", TARGET, radius=0.1, samples=4, seed=6)
    generator, reach = torch.Generator().manual_seed(6), 0.1 * (image.max() - image.min())
    before = attribute(model, image, "input_x_gradient", TARGET).map
    changes = []
    for _ in range(4):
        noise = torch.rand(image.shape, generator=generator, dtype=torch.float64) * 2 - 1
        after = attribute(model, image + reach * noise, "input_x_gradient", TARGET).map
        changes.append(((after - before).norm() / before.norm()).item())
    assert found == pytest.approx(max(changes), rel=1e-9)
    assert torch.equal(torch.get_rng_state(), state)
    assert (np.random.get_state()[1] == numpys).all()


def test_checks_by_four_threads_at_once_are_what_one_alone_gives(model):
    image, asked = picture(), Question(model, picture(), TARGET)
    checks = {
        "randomised": lambda: [one.signed for one in randomised(model, image, "saliency", TARGET)],
        "infidelity": lambda: infidelity(asked, image[0, 0], squares=5),
        "sensitivity": lambda: sensitivity(model, image, "grad_cam", TARGET, samples=2, layer="4"),
    }
    truth, wrong = {name: check() for name, check in checks.items()}, []

    def work() -> None:
        wrong.extend(name for name, check in checks.items() if check() != truth[name])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
