"""A stack as a network that can learn: its layers, outputs and parameters are those that were counted."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from models.refusals import Refused
from vis.cost.design import Design
from vis.cost.presets import LENET, PRESETS
from vis.cost.sequential import as_torch
from vis.cost.stack import Row
from vis.cost.trainable import MOST_MACS, MOST_PARAMS, classifier

DIGIT = (1, 32, 32)
HEADLESS = Design(
    (Row("conv", 6, 5), Row("depthwise", kernel=3, padding=1), Row("average pool", kernel=2, stride=2)), DIGIT
)
OWN = Design((Row("conv", 8, 3), Row("relu"), Row("shuffle", groups=2), Row("global pool"), Row("linear", 10)), DIGIT)


def written(design: Design) -> nn.Sequential:
    """What its code builds."""
    names: dict = {}
    exec(as_torch(design.stack()), names)
    return names["stack"]


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize(
    "design", [PRESETS["lenet5"], HEADLESS, OWN, Design((), DIGIT)], ids=["lenet", "headless", "own", "empty"]
)
def test_it_has_the_layers_of_the_code_an_output_for_each_class_and_the_parameters_that_were_counted(design, norm):
    design = Design(design.rows, design.picture, True, norm)
    stack, net = design.stack(), classifier(design.stack(), 10)
    assert net(torch.zeros(2, *DIGIT)).shape == (2, 10)
    last = net[-1]
    assert isinstance(last, nn.Linear)
    head = 0 if stack.shape == (10,) else last.in_features * 10 + 10
    assert sum(p.numel() for p in net.parameters()) == stack.params + head

    def described(modules) -> list[str]:
        return [repr(module) for module in modules if not isinstance(module, nn.ReLU)]

    assert described(net)[: len(described(written(design)))] == described(written(design))
    loss = net(torch.randn(4, *DIGIT)).square().sum()
    loss.backward()
    assert all(p.grad is not None for p in net.parameters())


def test_relus_are_added_where_there_are_none_and_only_there():
    net = classifier(PRESETS["lenet5"].stack(), 10)
    for module, following in pairwise(net):
        assert isinstance(following, nn.ReLU) == isinstance(module, nn.Conv2d | nn.Linear)
    assert sum(isinstance(module, nn.ReLU) for module in net) == 4
    assert sum(isinstance(module, nn.ReLU) for module in classifier(OWN.stack(), 10)) == 1
    normed = classifier(Design(LENET, DIGIT, True, True).stack(), 10)
    for module, following in pairwise(normed):
        if isinstance(module, nn.Conv2d):
            assert isinstance(following, nn.BatchNorm2d)
        if isinstance(module, nn.BatchNorm2d):
            assert isinstance(following, nn.ReLU)


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ((Row("conv", 8, 99),), "kernel"),
        ((Row("conv", 256, 3), Row("conv", 256, 3)), "too large"),
        ((Row("linear", 2000),), "too large"),
        ((Row("conv", 300, 1),), "too large"),
    ],
)
def test_what_cannot_be_or_takes_too_much_is_refused_before_it_is_built(rows, why):
    design = Design(rows, DIGIT)
    with pytest.raises(Refused, match=why):
        classifier(design.stack(), 10)
    assert PRESETS["lenet5"].stack().macs < MOST_MACS
    assert PRESETS["lenet5"].stack().params < MOST_PARAMS
