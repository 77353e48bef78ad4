"""Attributions against Captum where Captum is right, against arithmetic elsewhere, and against their axioms."""

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
from captum import attr
from torch import Tensor, nn
from torch.nn import functional as F

from models.refusals import Refused
from tests.agreement.networks import EXACT, NORMALISED, UNUSUAL, Net, gated, last_layer, picture, seeded
from vis.attribution import METHODS, FeatureMap, Question, attribute
from vis.attribution.gradients import blurred
from vis.attribution.linearity import without_rule
from vis.attribution.perturbing import coarse_to_fine, occluded, random_masks, superpixels
from vis.deconvnet import Unit, strongest_units

CAPTUM_WARNS = pytest.mark.filterwarnings(
    "ignore:Setting backward hooks", "ignore:Input Tensor 0 did not already", "ignore:required_grads"
)
TARGET, SEED = 2, 10  # with these weights no method is silent about the best class


def layers() -> dict[str, nn.Module]:
    return {
        "a": nn.Conv2d(3, 6, 3, padding=1),
        "b": nn.Conv2d(6, 8, 3, 2),
        "c": nn.Conv2d(8, 5, 2),
        "end": nn.Linear(5, 4),
    }


def own_modules(net: nn.Module, x: Tensor) -> Tensor:
    x = F.max_pool2d(net.relu_a(net.a(x)), 2)
    return net.end(net.relu_c(net.c(net.relu_b(net.b(x)))).mean((2, 3)))


def one_relu(net: nn.Module, x: Tensor) -> Tensor:
    x = F.max_pool2d(net.relu(net.a(x)), 2)
    return net.end(net.relu(net.c(net.relu(net.b(x)))).mean((2, 3)))


def functional(net: nn.Module, x: Tensor) -> Tensor:
    x = F.max_pool2d(F.relu(net.a(x)), 2)
    return net.end(F.relu(net.c(torch.relu(net.b(x)))).mean((2, 3)))


RELUS = {"relu_a": nn.ReLU(), "relu_b": nn.ReLU(), "relu_c": nn.ReLU()}
WAYS = {
    "own modules": lambda: Net(own_modules, **layers(), **RELUS),
    "one reused ReLU": lambda: Net(one_relu, **layers(), relu=nn.ReLU()),
    "functions": lambda: Net(functional, **layers()),
}
AT = {"own modules": "relu_b", "one reused ReLU": "relu_1", "functions": "relu_1"}


@pytest.fixture(scope="module")
def model() -> nn.Module:
    return seeded(WAYS["own modules"], seed=SEED)


def target_of(model: nn.Module, image: Tensor) -> int:
    """A class whose logit is positive, so that the walks have something to send down."""
    return int(model(image)[0].argmax())


def stretched(coarse: Tensor, image: Tensor) -> Tensor:
    return F.interpolate(coarse, image.shape[2:], mode="bilinear", align_corners=False)[0, 0]


CAPTUM = {
    "saliency": lambda model, x, t: attr.Saliency(model).attribute(x, t),
    "input_x_gradient": lambda model, x, t: attr.InputXGradient(model).attribute(x, t),
    "integrated_gradients": lambda model, x, t: attr.IntegratedGradients(model).attribute(
        x, torch.zeros_like(x), t, n_steps=50, method="gausslegendre"
    ),
    "deconvnet": lambda model, x, t: attr.Deconvolution(model).attribute(x, t),
    "guided": lambda model, x, t: attr.GuidedBackprop(model).attribute(x, t),
    "guided_grad_cam": lambda model, x, t: (
        attr.GuidedBackprop(model).attribute(x, t)
        * stretched(attr.LayerGradCam(model, model.relu_b).attribute(x, t, relu_attributions=True), x)
    ),
}


@CAPTUM_WARNS
@pytest.mark.parametrize("method", CAPTUM)
def test_captum_gives_the_same(method, model):
    image = picture()
    target = target_of(model, image)
    found = attribute(model, image, method, target)
    truth = CAPTUM[method](model, image.clone().requires_grad_(), target)[0].detach()
    near = 1e-7 if method == "integrated_gradients" else 1e-9  # Captum's steps are in single precision
    torch.testing.assert_close(found.per_channel, truth, rtol=near, atol=near * truth.abs().max().item())
    assert found.fidelity == "exact"
    assert found.score == pytest.approx(model(image)[0, target].item(), rel=1e-12)


class Asked(nn.Module):
    """A network that answers with one score, which Captum then explains without a target."""

    def __init__(self, model: nn.Module, score: Callable[[Tensor], Tensor]):
        super().__init__()
        self.model, self.score = model, score

    def forward(self, x: Tensor) -> Tensor:
        return self.score(self.model(x))


SCORES: dict[str, tuple[dict, Callable[[Tensor], Tensor]]] = {
    "the best and not the worst": ({"target": (2, 1)}, lambda y: y[:, 2] - y[:, 1]),
    "the worst and not the best": ({"target": (1, 2)}, lambda y: y[:, 1] - y[:, 2]),
    "a logit below 0": ({"target": 1}, lambda y: y[:, 1]),
    "minus a logit": ({"target": 2, "negative": True}, lambda y: -y[:, 2]),
    "minus a difference": ({"target": (3, 0), "negative": True}, lambda y: y[:, 0] - y[:, 3]),
}


@CAPTUM_WARNS
@pytest.mark.parametrize("name", SCORES)
def test_walks_start_with_1_and_minus_1_as_captums_do_on_a_network_that_answers_with_the_score(name, model):
    image, (asked, score) = picture(), SCORES[name]
    assert model(image)[0, 1] < 0 < model(image)[0, 2]
    for method, theirs in (("deconvnet", attr.Deconvolution), ("guided", attr.GuidedBackprop)):
        truth = theirs(Asked(model, score)).attribute(image.clone().requires_grad_())[0].detach()
        found = attribute(model, image, method, **asked)
        torch.testing.assert_close(found.per_channel, truth, rtol=1e-9, atol=1e-9 * truth.abs().max().item())
        assert truth.any()
        assert found.fidelity == "exact"
        assert found.score == pytest.approx(score(model(image)).item(), rel=1e-12)


@CAPTUM_WARNS
def test_a_walk_from_a_unit_starts_with_1_whatever_it_answers(model):
    image = picture()
    answers = model.b(F.max_pool2d(model.relu_a(model.a(image)), 2))[0]
    channel, row, column = (answers == answers.min()).nonzero()[0].tolist()
    assert answers.min() < 0
    for method, theirs in (("deconvnet", attr.NeuronDeconvolution), ("guided", attr.NeuronGuidedBackprop)):
        neuron = theirs(model, model.b)
        truth = neuron.attribute(image.clone().requires_grad_(), (channel, row, column))[0].detach()
        for sign in (1, -1):
            unit = Unit("b", channel, row, column, 0.0)
            found = attribute(model, image, method, unit, negative=sign < 0)
            if sign > 0:
                torch.testing.assert_close(found.per_channel, truth, rtol=1e-9, atol=1e-12)
            assert found.map.any()
            assert found.score == pytest.approx(sign * answers.min().item(), rel=1e-12)


@CAPTUM_WARNS
@pytest.mark.parametrize(
    ("method", "theirs"), [("deconvnet", attr.NeuronDeconvolution), ("guided", attr.NeuronGuidedBackprop)]
)
def test_a_walk_from_a_whole_map_is_captums(model, method, theirs):
    image = picture()
    truth = theirs(model, model.b).attribute(image.clone().requires_grad_(), lambda maps: maps[:, 5].sum((1, 2)))
    found = attribute(model, image, method, FeatureMap("b", 5))
    torch.testing.assert_close(found.per_channel, truth[0].detach(), rtol=1e-9, atol=1e-12)


@CAPTUM_WARNS
def test_captums_grad_cam_is_the_same_at_every_layer(model):
    image = picture()
    for layer in ("a", "relu_a", "b", "relu_b", "c", "relu_c"):
        for target in range(4):
            truth = attr.LayerGradCam(model, model.get_submodule(layer)).attribute(
                image.clone().requires_grad_(), target, relu_attributions=True
            )
            found = attribute(model, image, "grad_cam", target, layer=layer)
            torch.testing.assert_close(found.map, stretched(truth.detach(), image), rtol=1e-9, atol=1e-12)


def test_layer_cam_is_its_equation(model):
    image = picture().requires_grad_()
    maps = model.relu_b(model.b(F.max_pool2d(model.relu_a(model.a(image)), 2)))
    score = model.end(model.relu_c(model.c(maps)).mean((2, 3)))[0, TARGET]
    (gradient,) = torch.autograd.grad(score, maps)
    h, w = maps.shape[2:]
    cam = torch.zeros(1, 1, h, w, dtype=maps.dtype)
    for k in range(maps.shape[1]):
        for i in range(h):
            for j in range(w):
                cam[0, 0, i, j] += max(gradient[0, k, i, j].item(), 0) * maps[0, k, i, j].item()
    found = attribute(model, image, "layer_cam", TARGET, layer="relu_b")
    torch.testing.assert_close(found.map, stretched(cam.clamp(min=0), image), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("method", sorted(METHODS.keys() - {"lrp"}))  # which has no rule for a mean
def test_three_ways_to_write_a_network_give_one_map(method):
    image, found = picture(), {}
    for way, build in WAYS.items():
        net = seeded(build, seed=SEED)
        state = {name: value.clone() for name, value in net.state_dict().items()}
        hooks = [module for module in net.modules() if module._forward_hooks or module._backward_hooks]
        layer = AT[way] if "cam" in method else None
        found[way] = attribute(net, image, method, target_of(net, image), layer=layer)
        assert not hooks
        assert all(torch.equal(value, state[name]) for name, value in net.state_dict().items())
        assert all(parameter.grad is None and parameter.requires_grad for parameter in net.parameters())
    first, *others = found.values()
    assert first.map.shape == image.shape[2:]
    assert first.map.abs().max() > 0
    for other in others:
        torch.testing.assert_close(other.map, first.map, rtol=1e-12, atol=1e-15)
        assert other.score == first.score


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_integrated_gradients_of_a_linear_network_are_its_terms_for_any_number_of_steps(steps):
    net = seeded(lambda: nn.Sequential(nn.Conv2d(3, 4, 3, 2), nn.Flatten(), nn.LazyLinear(3)))
    image = picture()
    net(image)
    weights = torch.autograd.functional.jacobian(lambda x: net(x)[0, 1], image)[0]
    found = attribute(net, image, "integrated_gradients", 1, steps=steps)
    torch.testing.assert_close(found.per_channel, weights * image[0], rtol=1e-9, atol=1e-12)
    assert abs(found.residual) < 1e-12
    assert found.passes == (steps + 2, steps)


def test_integrated_gradients_are_their_sum_step_by_step(model):
    image, total = picture(), 0
    for place, weight in zip(*np.polynomial.legendre.leggauss(12), strict=True):
        point = ((place + 1) / 2 * image).requires_grad_()
        total = total + weight / 2 * torch.autograd.grad(model(point)[0, TARGET], point)[0]
    found = attribute(model, image, "integrated_gradients", TARGET, steps=12)
    torch.testing.assert_close(found.per_channel, (image * total)[0], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("baseline", ["mean", "blurred"])
def test_integrated_gradients_are_complete_up_to_the_residual_that_they_state(baseline, model):
    image = picture()
    coarse, fine = (
        attribute(model, image, "integrated_gradients", (0, 1), steps=steps, baseline=baseline) for steps in (2, 300)
    )
    assert abs(fine.residual) < 0.02 * abs(fine.score)
    assert abs(fine.residual) < abs(coarse.residual)
    if baseline == "mean":
        zero = model(torch.zeros_like(image))[0]
        wanted = (model(image)[0, 0] - model(image)[0, 1] - zero[0] + zero[1]).item()
        assert fine.map.sum().item() - fine.residual == pytest.approx(wanted, rel=1e-9)


def test_smoothgrad_is_the_mean_over_its_noisy_copies_and_the_same_in_every_run(model):
    image = picture()
    first, again = (attribute(model, image, "smoothgrad", TARGET, samples=13, noise=0.2) for _ in range(2))
    assert torch.equal(first.map, again.map)
    generator, total = torch.Generator().manual_seed(0), 0
    for count in (10, 3):
        for draw in torch.randn(count, *image.shape[1:], generator=generator, dtype=torch.float64):
            noisy = (image + 0.2 * (image.max() - image.min()) * draw).requires_grad_()
            total = total + torch.autograd.grad(model(noisy)[0, TARGET], noisy)[0].abs()
    torch.testing.assert_close(first.per_channel, total[0] / 13, rtol=1e-9, atol=1e-12)


def test_gradient_shap_of_a_linear_network_is_its_terms_from_the_mean_baseline_and_adds_up():
    net = seeded(lambda: nn.Sequential(nn.Conv2d(3, 4, 3, 2), nn.Flatten(), nn.Linear(96, 3)))
    image = picture()
    weights = torch.autograd.functional.jacobian(lambda x: net(x)[0, 1], image)[0]
    found, again = (attribute(net, image, "gradient_shap", 1, samples=25, noise=0.0) for _ in range(2))
    assert torch.equal(found.map, again.map)
    generator, blurry = torch.Generator().manual_seed(0), 0
    for count in (10, 10, 5):
        blurry += torch.randint(2, (count,), generator=generator).sum().item()
        torch.rand(count, generator=generator, dtype=torch.float64)
    assert 5 < blurry < 20
    wanted = weights * (image - blurry / 25 * blurred(image))[0]
    torch.testing.assert_close(found.per_channel, wanted, rtol=1e-9, atol=1e-12)
    assert abs(found.residual) < 1e-12


def test_gradient_shap_comes_near_its_axiom_with_many_draws(model):
    found = attribute(model, picture(), "gradient_shap", (0, 1), samples=200, noise=0.0)
    assert 0 < abs(found.residual) < 0.2 * abs(found.score)
    assert found.fidelity == "approximated: random draws"
    assert found.options["samples"] == 200


def test_units_maps_differences_and_probabilities_are_explained_too(model):
    image = picture().requires_grad_()
    logits = model(image)[0]
    wanted = {
        "difference": ((logits[0] - logits[2]), {"target": (0, 2)}),
        "probability": (logits.softmax(0)[1], {"target": 1, "probability": True}),
        "unit": (
            model.b(F.max_pool2d(model.relu_a(model.a(image)), 2))[0, 5, 1, 0],
            {"target": Unit("b", 5, 1, 0, 0.0)},
        ),
        "map": (
            model.b(F.max_pool2d(model.relu_a(model.a(image)), 2))[0, 5].sum(),
            {"target": FeatureMap("b", 5)},
        ),
    }
    for score, asked in wanted.values():
        (gradient,) = torch.autograd.grad(score, image, retain_graph=True)
        found = attribute(model, image, "input_x_gradient", **asked)
        torch.testing.assert_close(found.per_channel, (gradient * image)[0].detach(), rtol=1e-9, atol=1e-12)
        assert found.score == pytest.approx(score.item(), rel=1e-12)


def test_what_cannot_be_explained_is_refused_in_a_sentence(model):
    image = picture()
    with pytest.raises(Refused, match="classes 0 to 3, no 4"):
        attribute(model, image, "saliency", 4)
    with pytest.raises(Refused, match="does not depend on layer"):
        attribute(model, image, "grad_cam", Unit("a", 0, 0, 0, 0.0), layer="b")
    for method in ("saliency", "deconvnet", "occlusion"):
        with pytest.raises(Refused, match="no scores of classes"):
            attribute(seeded(lambda: nn.Sequential(nn.Conv2d(3, 4, 3))), image, method, 0)
    with pytest.raises(Refused, match="steps cannot be 0"):
        attribute(model, image, "integrated_gradients", 0, steps=0)
    with pytest.raises(TypeError, match="has no option samples"):
        attribute(model, image, "saliency", 0, samples=3)


# Covering --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "stride"), [(3, 3), (4, 2), (5, 3), (13, 1), (5, 5)])
def test_occlusion_is_the_mean_over_all_squares_the_clipped_ones_too(size, stride, model):
    image = picture()
    found = attribute(model, image, "occlusion", TARGET, size=size, stride=stride)
    truth = slowly_occluded(model, image, size, stride)
    torch.testing.assert_close(found.map, truth, rtol=1e-9, atol=1e-12)
    if size <= image.shape[3]:  # what Captum does; it adds up in single precision
        captums = attr.Occlusion(model).attribute(image, (3, size, size), strides=(3, stride, stride), target=TARGET)
        torch.testing.assert_close(found.map, captums[0, 0].double(), rtol=1e-5, atol=1e-6)
    assert found.passes[0] == len(list(squares(image, size, stride))) + 1


def test_squares_with_gaps_between_them_are_refused(model):
    with pytest.raises(Refused, match="leave gaps between squares of 1; choose at most 1"):
        attribute(model, picture(), "occlusion", TARGET, size=1, stride=5)


def squares(image: Tensor, size: int, stride: int):
    """Every square, moved on until one has reached the edge."""
    height, width = image.shape[2:]
    top = 0
    while True:
        left = 0
        while True:
            yield top, left
            if left + size >= width:
                break
            left += stride
        if top + size >= height:
            return
        top += stride


def slowly_occluded(model: nn.Module, image: Tensor, size: int, stride: int) -> Tensor:
    total, count = torch.zeros(image.shape[2:]).double(), torch.zeros(image.shape[2:]).double()
    for top, left in squares(image, size, stride):
        covered = image.clone()
        covered[:, :, top : top + size, left : left + size] = 0
        total[top : top + size, left : left + size] += (model(image) - model(covered))[0, TARGET].item()
        count[top : top + size, left : left + size] += 1
    return total / count


def test_occlusion_is_refined_from_coarse_to_fine_and_ends_at_the_whole(model):
    image = picture()
    partial = list(occluded(Question(model, image, TARGET), 2, 1))
    parts = [one.part for one in partial]
    assert parts == sorted(parts)
    assert parts[0] < 0.1
    assert parts[-1] == 1
    for one in partial:
        known = ~one.falls.isnan()
        assert torch.equal(one.falls[known], partial[-1].falls[known])
    first, *others = coarse_to_fine(9, 7)
    assert first == [(0, 0), (8, 0)]
    assert others[0] == [(0, 4), (4, 0), (4, 4), (8, 4)]
    assert sorted(sum(others, first)) == [(row, column) for row in range(9) for column in range(7)]


def test_rise_is_its_sum_mask_by_mask_and_its_masks_keep_what_they_should(model):
    image = picture()
    masks = torch.cat(list(random_masks(image, 23, 4, 0.3)))
    scores = [model(image * mask)[0].softmax(0)[TARGET].item() for mask in masks]
    total = sum((score - sum(scores) / 23) * mask for score, mask in zip(scores, masks, strict=True))
    found = attribute(model, image, "rise", TARGET, probability=True, masks=23, cells=4, kept=0.3)
    torch.testing.assert_close(found.map, total / (23 * 0.3), rtol=1e-9, atol=1e-12)
    many = torch.cat(list(random_masks(image, 4000, 4, 0.3)))
    assert many.amin() >= 0
    assert many.amax() <= 1
    assert (many.mean(0) - 0.3).abs().max() < 0.03  # everywhere, the edges too


def test_score_cam_is_its_algorithm(model):
    image = picture()
    maps = model.relu_b(model.b(F.max_pool2d(model.relu_a(model.a(image)), 2)))[0].detach()
    scores = []
    for one in maps:
        large = stretched(one[None, None], image)
        flat = large.max() == large.min()
        mask = torch.zeros_like(large) if flat else (large - large.min()) / (large.max() - large.min())
        scores.append(model(image * mask)[0, TARGET].item())
    weights = torch.tensor(scores).double().softmax(0)
    cam = sum(weight * one for weight, one in zip(weights, maps, strict=True)).relu()
    found = attribute(model, image, "score_cam", TARGET, layer="relu_b")
    torch.testing.assert_close(found.map, stretched(cam[None, None], image), rtol=1e-9, atol=1e-12)
    assert found.passes == (len(maps) + 2, 0)


# Through Captum --------------------------------------------------------------------------------------------------


def all_modules() -> nn.Module:
    shape = nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 8, 3, 2), nn.ReLU()
    return nn.Sequential(*shape, nn.Flatten(), nn.Linear(32, 4))


@CAPTUM_WARNS
@pytest.mark.parametrize("baseline", ["mean", "blurred"])
def test_captums_deep_lift_is_the_same_where_a_linear_layer_stands_between_any_two_rules(baseline):
    def apart() -> nn.Module:
        shape = nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 6, 1), nn.MaxPool2d(2), nn.Conv2d(6, 8, 3, 2)
        return nn.Sequential(*shape, nn.ReLU(), nn.Flatten(), nn.Linear(32, 4))

    net, image = seeded(apart, SEED), picture()
    start = {"mean": torch.zeros_like, "blurred": blurred}[baseline](image)
    truth = attr.DeepLift(net).attribute(image.clone().requires_grad_(), start, target=TARGET)[0].detach()
    found = attribute(net, image, "deep_lift", TARGET, baseline=baseline)
    torch.testing.assert_close(found.per_channel, truth, rtol=1e-9, atol=1e-12)


@CAPTUM_WARNS
@pytest.mark.parametrize("activation", [nn.ReLU6, nn.SiLU, nn.GELU, nn.Hardswish, lambda: nn.ReLU(inplace=True)])
def test_deep_lift_adds_up_with_every_activation_function_and_with_functions(activation):
    def way(net: nn.Module, x: Tensor) -> Tensor:
        x = F.max_pool2d(net.act(net.a(x)), 2)
        return net.end(net.act(net.c(net.act(net.b(x)))).mean((2, 3)))

    net, image = seeded(lambda: Net(way, **layers(), act=activation()), SEED), 3 * picture()
    found = attribute(net, image, "deep_lift", TARGET)
    delta = (net(image) - net(torch.zeros_like(image)))[0, TARGET].item()
    assert found.map.sum().item() == pytest.approx(delta, rel=1e-9)
    assert abs(found.residual) < 1e-12
    assert not any(module._forward_hooks or module._backward_hooks for module in net.modules())


SMALL = EXACT | NORMALISED | UNUSUAL | {"gated": gated}
OF_TWO = {"gated", "a product of two signals", "a product by name", "a square", "sine"}
APPROXIMATED = OF_TWO | NORMALISED.keys() | UNUSUAL.keys() | {"adaptive max pools"}
ONE_PICTURE = {"a constant map", "groups in the batch"}  # at a time: DeepLIFT asks for two


@CAPTUM_WARNS
@pytest.mark.parametrize("name", sorted(SMALL.keys() - ONE_PICTURE))
def test_where_deep_lift_is_said_to_be_exact_it_adds_up(name):
    net, image = seeded(SMALL[name]), picture()
    (unit,) = strongest_units(net, image, last_layer(net), k=1)
    found = attribute(net, image, "deep_lift", unit, baseline="blurred")
    assert found.fidelity.startswith("approximated") == (name in APPROXIMATED), found.fidelity
    if found.fidelity == "exact":
        assert abs(found.residual) < 1e-7 * max(1, abs(found.score))  # rules divide by differences down to 1e-10
    elif "product" in found.fidelity:
        assert abs(found.residual) > 1e-3 * abs(found.score)


@CAPTUM_WARNS
@pytest.mark.parametrize("pool_first", [False, True])
@pytest.mark.parametrize(("kernel", "stride"), [(2, 2), (3, 1)])
def test_deep_lift_adds_up_where_a_pool_stands_beside_a_relu_and_captums_does_not(kernel, stride, pool_first):
    """Captum reads the signal of the one before the rule of the other has changed it; and where overlapping windows
    share a maximum it keeps one of them.
    """

    def beside() -> nn.Module:
        both, last = (nn.ReLU(), nn.MaxPool2d(kernel, stride)), nn.Linear({2: 6 * 5 * 4, 3: 6 * 9 * 6}[kernel], 4)
        return nn.Sequential(nn.Conv2d(3, 6, 3), *(reversed(both) if pool_first else both), nn.Flatten(), last)

    net, image = seeded(beside, SEED), picture()
    (delta,) = (net(image) - net(blurred(image)))[:, TARGET].tolist()
    found = attribute(net, image, "deep_lift", TARGET, baseline="blurred")
    assert found.map.sum().item() == pytest.approx(delta, rel=1e-9)
    assert abs(found.residual) < 1e-12
    theirs = attr.DeepLift(net).attribute(image.clone().requires_grad_(), blurred(image), target=TARGET)
    assert abs(theirs.sum().item() - delta) > 1e-3 * abs(delta)


@CAPTUM_WARNS
def test_deep_lift_names_what_it_has_no_rule_for():
    net, image = seeded(all_modules, SEED), picture()
    assert attribute(net, image, "deep_lift", 0).fidelity == "exact"
    found = attribute(net, image, "deep_lift", 0, probability=True)
    assert found.fidelity == "approximated: operations without a rule by their gradient"
    assert abs(found.residual) > 1e-3 * abs(found.score)
    network = {name: seeded(way) for name, way in UNUSUAL.items()} | {"gated": seeded(gated)}
    for name, one in network.items():
        unit = Unit(last_layer(one), 0, 0, 0, 0.0)
        assert ("products of two" in without_rule(Question(one, image, unit))) == (name in OF_TWO), name


@CAPTUM_WARNS
def test_captums_lrp_is_the_same_and_leaves_the_weights_as_they_were():
    def way(net: nn.Module, x: Tensor) -> Tensor:  # Captum has no rule for nn.Flatten
        return net.end(torch.flatten(net.features(x), 1))

    net, image = seeded(lambda: Net(way, features=all_modules()[:-2], end=nn.Linear(32, 4)), SEED), picture()
    truth = attr.LRP(copy.deepcopy(net)).attribute(image.clone().requires_grad_(), target=TARGET)[0].detach()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    found = attribute(net, image, "lrp", TARGET)
    torch.testing.assert_close(found.per_channel, truth, rtol=1e-9, atol=1e-12)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


@CAPTUM_WARNS
def test_relevance_is_conserved_without_biases_through_shortcuts_too():
    def way(net: nn.Module, x: Tensor) -> Tensor:
        x = F.relu(net.a(x))
        return net.end(torch.flatten(net.pool(F.relu(net.b(x) + x)), 1))

    convolutions = {name: nn.Conv2d(c, 6, 3, padding=1, bias=False) for name, c in (("a", 3), ("b", 6))}
    ends = {"pool": nn.AdaptiveAvgPool2d(1), "end": nn.Linear(6, 4, bias=False)}
    net, image = seeded(lambda: Net(way, **convolutions, **ends), SEED), picture()
    found = attribute(net, image, "lrp", TARGET)
    assert abs(found.residual) < 1e-6 * abs(found.score)  # the rule's ε is 1e-9 of each sum
    third = attribute(net, image, "lrp", 1)
    apart = attribute(net, image, "lrp", (TARGET, 1))  # which is handed down class by class
    torch.testing.assert_close(apart.map, found.map - third.map, rtol=1e-9, atol=1e-12)
    assert abs(apart.residual) < 1e-6 * abs(apart.score)
    with pytest.raises(Refused, match="logit instead of the probability"):
        attribute(net, image, "lrp", TARGET, probability=True)
    curved = seeded(lambda: Net(lambda net, x: net.end(F.silu(x).mean((2, 3))), end=nn.Linear(3, 4)))
    with pytest.raises(Refused, match=r"no rule for “silu” at “\w+”"):
        attribute(curved, image, "lrp", 0)


@CAPTUM_WARNS
def test_relevance_passes_clipped_units_pads_and_pools_that_are_functions():
    """Where no unit is clipped, a network of ReLUs gives input × gradient (Ancona et al. 2018, proposition 1)."""

    def way(net: nn.Module, x: Tensor) -> Tensor:
        x = net.b(F.relu6(net.a(F.pad(net.pad(x), (0, 0, 1, 0)))))
        return net.end(torch.flatten(F.adaptive_avg_pool2d(net.act(x), (1, 1)), 1))

    def build() -> nn.Module:
        modules = {"pad": nn.ZeroPad2d((0, 1, 0, 2)), "act": nn.ReLU6(), "end": nn.Linear(5, 4)}
        return Net(way, a=nn.Conv2d(3, 6, 3, 2), b=nn.Conv2d(6, 5, 2), **modules)

    net, image = seeded(build, SEED), picture()
    found, truth = (attribute(net, image, method, TARGET) for method in ("lrp", "input_x_gradient"))
    torch.testing.assert_close(found.per_channel, truth.per_channel, rtol=1e-6, atol=1e-9)
    with torch.no_grad():
        for name, value in net.named_parameters():
            value.mul_(0 if name.endswith("bias") else 20)
    found = attribute(net, image, "lrp", TARGET)
    assert (net.a(F.pad(net.pad(image), (0, 0, 1, 0))) > 6).any()
    assert abs(found.residual) < 1e-6 * abs(found.score)  # what is clipped hands on all that it got


def test_ablation_of_superpixels_is_the_fall_for_each_of_them(model):
    image = blurred(picture((1, 3, 52, 40)))
    mask = superpixels(image, 6)
    truth = torch.zeros(image.shape[2:]).double()
    for number in mask.unique().tolist():
        covered = torch.where(mask == number, 0.0, image)
        truth[mask == number] = (model(image) - model(covered))[0, TARGET].item()
    found = attribute(model, image, "feature_ablation", TARGET, parts=6)
    torch.testing.assert_close(found.map, truth, rtol=1e-5, atol=1e-6)  # Captum adds up in single precision
    assert 2 < len(mask.unique()) < 12
    assert found.passes == (len(mask.unique()) + 1, 0)


def test_what_is_usual_and_what_was_used_is_stated(model):
    sizes = {side: METHODS["occlusion"].chosen({}, side) for side in (224, 64, 32, 8)}
    assert sizes[224] == {"size": 32, "stride": 16}
    assert sizes[32] == {"size": 4, "stride": 2}
    assert all(0 < value["stride"] <= value["size"] <= side // 4 for side, value in sizes.items())
    layers = {method: attribute(model, picture(), method, TARGET).layer for method in ("grad_cam", "saliency")}
    assert layers == {"grad_cam": "relu_b", "saliency": None}
