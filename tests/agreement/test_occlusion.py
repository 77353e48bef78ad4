"""Covered pictures: passes of which only a part is computed anew, against whole passes; and figure 7 against a slow
twin, one picture after the other.
"""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models import load
from models.refusals import Refused
from tests.agreement.networks import EXACT, NORMALISED, UNUSUAL, Net, gated, picture, seeded
from vis.attribution import partial
from vis.attribution.figure7 import figure7
from vis.attribution.partial import covered, covered_passes
from vis.attribution.patches import Patches
from vis.deconvnet import Box, project_map
from vis.trace import record

BOXES = [Box(0, 0, 3, 3), Box(11, 8, 14, 11), Box(5, 3, 8, 6), Box(10, 0, 13, 3), Box(4, 9, 7, 12)]


@pytest.fixture
def always(monkeypatch) -> None:
    """Windows are used however large they are."""
    monkeypatch.setattr(partial, "MOST", 1.0)


def differences(model: nn.Module, image: Tensor, boxes: list[Box]) -> dict[str, float]:
    """By layer, how far the largest value is from that of the passes of the covered pictures, one after the other."""
    recording = record(model, image)
    nodes = [
        node
        for node, value in recording.values.items()
        if node in recording.trace.from_picture and isinstance(value, Tensor) and value.is_floating_point()
    ]
    found = covered_passes(recording, boxes, nodes)
    truth = [record(model, one).values for one in covered(image, boxes).split(1)]
    apart = {}
    for node in nodes:
        wanted = torch.cat([values[node] for values in truth])
        assert found.values[node].shape == wanted.shape
        difference = (found.values[node] - wanted).abs().max() / wanted.abs().max().clamp(min=1e-300)
        apart[recording.trace.names[node]] = difference.item()
    return apart


SMALL = {**EXACT, **NORMALISED, "gated": gated, "several kinds of maximum": UNUSUAL["a maximum over maps"]}
NOT_IN_BATCHES = {"groups in the batch", "a constant map"}  # these networks themselves take one picture only


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("name", sorted(SMALL.keys() - NOT_IN_BATCHES))
def test_what_is_computed_anew_is_what_whole_passes_give(name):
    apart = differences(seeded(SMALL[name]), picture(), BOXES)
    assert apart
    assert max(apart.values()) < 1e-12, apart


def pads(net: nn.Module, x: Tensor) -> Tensor:
    x = F.max_pool2d(net.a(x), 3, 2, 1, ceil_mode=True)
    x = F.pad(x, (2, 0, 1, 3), value=-0.7) * 2 + 1
    x = torch.cat([F.avg_pool2d(x, 3, 1, padding=1), F.max_pool2d(x, (3, 1), 1, (1, 0)), x.sigmoid() - x], 1)
    return F.avg_pool2d(net.b(F.local_response_norm(x, 3)), 2, ceil_mode=True, count_include_pad=False)


SLIDING: dict[str, Callable[[], nn.Module]] = {
    "pads and pools": lambda: Net(pads, a=nn.Conv2d(3, 4, 3, padding=2), b=nn.Conv2d(12, 4, (3, 2), (2, 1), (0, 1))),
    "dilated": lambda: nn.Sequential(nn.Conv2d(3, 4, 3, 2, 3, dilation=2), nn.ReLU(), nn.Conv2d(4, 4, 2, dilation=3)),
    "depthwise": lambda: nn.Sequential(nn.Conv2d(3, 6, 5, 2, 2, groups=3), nn.PReLU(6), nn.Conv2d(6, 4, 1, 2)),
    "gaps between windows": lambda: nn.Sequential(nn.Conv2d(3, 4, 1, 4), nn.MaxPool2d(1, 2)),
    "mirrored": lambda: nn.Sequential(nn.ReflectionPad2d(2), nn.Conv2d(3, 4, 3, padding=1, padding_mode="circular")),
}


@pytest.mark.parametrize("limit", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("name", SLIDING)
def test_windows_slide_over_every_border_as_the_layers_do(name, limit, monkeypatch):
    monkeypatch.setattr(partial, "MOST", limit)
    for shape in ((1, 3, 13, 10), (1, 3, 8, 17)):
        apart = differences(seeded(SLIDING[name]), picture(shape), BOXES)
        assert max(apart.values()) < 1e-12, apart


# One of each family, on pictures as small as it takes, of which a square still changes a part of the early maps.
FAMILIES = {"zfnet_mini": 128, "googlenet": 96, "resnet18": 96, "densenet121": 64, "squeezenet1_0": 96} | {
    **{"mobilenet_v2": 96, "mobilenet_v3_small": 96, "efficientnet_lite0": 96},
}


def of_some_size(model: nn.Module) -> nn.Module:
    """The network with weights that let signals keep their size, so that its answer depends on the picture."""
    generator = torch.Generator().manual_seed(0)
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight, generator=generator)
    return model


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_of_networks_gives_the_same_answer(name, monkeypatch):
    side, kinds = FAMILIES[name], []
    passed = partial._passed

    def watched(*given: object) -> object:
        kinds.append(isinstance(value := passed(*given), Patches))
        return value

    monkeypatch.setattr(partial, "_passed", watched)
    network = load(name, "random", "cpu").model
    model, image = of_some_size(seeded(lambda: network)), picture((1, 3, side, side))
    boxes = [
        Box(0, 0, 9, 9),
        Box(side - 5, side - 9, side + 4, side),
        Box(side // 2, side // 3, side // 2 + 9, side // 3 + 9),
    ]
    recording = record(model, image)
    end = next(reversed(recording.values))
    found = covered_passes(recording, boxes, [end]).values[end]
    with torch.no_grad():
        truth = model(covered(image, boxes))
    torch.testing.assert_close(found, truth, rtol=1e-9, atol=1e-9 * truth.abs().max().item())
    assert (truth - recording.values[end]).abs().max() > 1e-6 * truth.abs().max()  # it does depend on the squares
    assert any(kinds)
    assert not all(kinds)


def test_a_covered_picture_is_grey_there_and_as_before_elsewhere():
    image, grey = picture(), torch.tensor([0.1, -0.2, 0.3])
    found = covered(image, BOXES, grey)
    for one, box in zip(found, BOXES, strict=True):
        truth = image[0].clone()
        truth[:, box.top : box.bottom, box.left : box.right] = grey[:, None, None].double()
        assert torch.equal(one, truth)


def test_a_network_that_is_followed_for_each_size_anew_has_whole_passes():
    def way(net: nn.Module, x: Tensor) -> Tensor:
        x = net.a(x).relu()
        return net.end((x if x.shape[2] > 5 else 2 * x).mean((2, 3)))

    apart = differences(seeded(lambda: Net(way, a=nn.Conv2d(3, 4, 3), end=nn.Linear(4, 3))), picture(), BOXES)
    assert max(apart.values()) < 1e-12


# Figure 7 --------------------------------------------------------------------------------------------------------


def classifier() -> nn.Module:
    first = nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 8, 3), nn.ReLU()
    return nn.Sequential(*first, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 5))


@pytest.mark.parametrize(("size", "stride", "grey"), [(4, 3, 0.0), (5, 5, 0.7), (1, 4, 0.0), (20, 3, -1.0)])
def test_figure_7_is_what_a_plain_loop_gives(size, stride, grey):
    model, image = seeded(classifier), picture()
    *_, found = figure7(model, image, 3, "4", size, stride, grey)
    with torch.no_grad():
        maps = model[:5](image)[0]
        channel = int(maps.amax((1, 2)).argmax())
        top = row = 0
        while True:
            left = column = 0
            while True:
                one = image.clone()
                one[:, :, top : top + size, left : left + size] = grey
                answers = model(one)[0].softmax(0)
                assert found.activation[row, column].item() == pytest.approx(
                    model[:5](one)[0, channel].sum().item(), rel=1e-9
                )
                assert found.probability[row, column].item() == pytest.approx(answers[3].item(), rel=1e-9)
                assert found.best[row, column] == answers.argmax()
                box = found.box(row, column)
                ends = min(top + size, 13), min(left + size, 10)
                assert (box.top, box.left, box.bottom, box.right) == (top, min(left, 10), *ends)
                if left + size >= 10:
                    break
                left, column = left + stride, column + 1
            if top + size >= 13:
                break
            top, row = top + stride, row + 1
        assert found.best.shape == (row + 1, column + 1)
        answers = model(image)[0].softmax(0)
    assert (found.channel, found.layer) == (channel, "4")
    assert found.before == (
        pytest.approx(maps[channel].sum().item()),
        pytest.approx(answers[3].item()),
        answers.argmax(),
        pytest.approx(answers.max().item()),
    )
    assert answers.argmax() != 3  # the best class is another one than the one asked about
    truth = project_map(model, image, "4", channel)
    assert torch.equal(found.projection.on_canvas(), truth.on_canvas())


def test_figure_7_is_refined_from_coarse_to_fine():
    *partial_results, last = figure7(seeded(classifier), picture((1, 3, 32, 40)), 0, "4", 2, 2)
    parts = [one.part for one in partial_results]
    assert parts == sorted(parts)
    assert 0 < parts[0] < 0.1
    assert last.part == 1
    for one in partial_results:
        known = one.best >= 0
        assert torch.equal(known, ~one.activation.isnan())
        assert torch.equal(one.probability[known], last.probability[known])
        assert one.projection is last.projection


def test_figure_7_refuses_what_it_cannot_show():
    with pytest.raises(Refused, match="classes 0 to 4, no 5"):
        next(figure7(seeded(classifier), picture(), 5, "4", 4, 3))
    with pytest.raises(Refused, match="no layer “44”"):
        next(figure7(seeded(classifier), picture(), 0, "44", 4, 3))
    with pytest.raises(Refused, match="no scores of classes"):
        next(figure7(seeded(lambda: nn.Sequential(nn.Conv2d(3, 4, 3))), picture(), 0, "0", 4, 3))
