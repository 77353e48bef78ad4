"""Who stands for whom: nothing of a network that is left out is joined as it is not in the one that stays."""

from collections.abc import Callable

import pytest
import torch

from models import ARCHITECTURES
from models.loading import skeleton
from tests.representatives import LEFT_OUT, REPRESENTATIVES
from vis.trace import operation, traced

Pair = tuple[Callable | type | str, Callable | type | str]


def joined(name: str) -> set[Pair]:
    """What follows what, by the kinds of operations; the picture, which none makes, is "placeholder"."""
    model = skeleton(name)

    def kind(node: torch.fx.Node) -> Callable | type | str:
        return operation(node, model) if node.op.startswith("call") else node.op

    return {(kind(before), kind(node)) for node in traced(model).graph.nodes for before in node.all_input_nodes}


@pytest.mark.parametrize(("name", "other"), LEFT_OUT.items())
def test_what_a_network_that_is_left_out_is_made_of_is_joined_so_in_the_one_that_stands_for_it(name, other):
    assert joined(name) <= joined(other)
    assert ARCHITECTURES[name].family == ARCHITECTURES[other].family
    assert other in REPRESENTATIVES


def test_the_pairs_are_found_and_one_that_is_joined_otherwise_would_not_be_covered():
    assert (torch.nn.Conv2d, torch.nn.BatchNorm2d) in joined("cifar_plain20")
    assert not joined("cifar_resnet20") <= joined("resnet18")  # its shortcuts are padded
    assert not joined("cifar_vgg") <= joined("vgg16")  # its convolutions have norms


def test_every_family_is_represented_and_every_network_is_or_has_a_representative():
    assert {ARCHITECTURES[name].family for name in REPRESENTATIVES} == {a.family for a in ARCHITECTURES.values()}
    assert {*REPRESENTATIVES, *LEFT_OUT} == ARCHITECTURES.keys()
