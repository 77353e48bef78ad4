"""Layers of two networks side by side: each once, in order, and what a pair differs in."""

from itertools import combinations

import pytest
from torch import nn
from torch.nn import functional as F

from tests.unit.graphs import conv, graph_by_hand, graph_in_a_row, graph_of
from vis.comparison import COMPARED, Pair, pairs
from vis.comparison import compared as boxes_compared
from vis.graph import Graph

SOME = ("lenet5", "alexnet", "zfnet", "vgg11", "plain18", "resnet18", "googlenet", "densenet121", "mobilenet_v2")


def compared(graph: Graph) -> list[str]:
    return [node.name for node in graph.nodes.values() if node.kind in COMPARED]


def pair_of(left: str, found: list[Pair]) -> Pair:
    return next(pair for pair in found if pair.left and pair.left.name == left)


@pytest.mark.parametrize(("left", "right"), list(combinations(SOME, 2)))
def test_every_layer_of_both_networks_is_there_once_and_in_order(left, right):
    found = pairs(graph_of(left), graph_of(right))
    assert [pair.left.name for pair in found if pair.left] == compared(graph_of(left))
    assert [pair.right.name for pair in found if pair.right] == compared(graph_of(right))
    for pair in found:
        assert pair.left or pair.right
        if pair.left and pair.right:
            assert pair.left.kind == pair.right.kind
        else:
            assert pair.differs[:1] in ((), ("order",))
    moved = [pair for pair in found if pair.is_alone and pair.differs]
    kinds = (sorted(pair.left.kind for pair in moved if pair.left), sorted(p.right.kind for p in moved if p.right))
    assert kinds[0] == kinds[1]


def test_pre_activation_changes_the_order_and_takes_the_norms_of_the_projections():
    """2016: batch norm and ReLU stand before the convolutions, and the shortcuts' projections have no norm."""
    found = pairs(graph_of("resnet50_v1"), graph_of("resnet50_v2"))
    assert not any(pair.differs for pair in found if not pair.is_alone)
    assert [pair.left.kind for pair in found if pair.is_alone and not pair.differs and pair.left] == ["norm"] * 4
    assert not [pair for pair in found if pair.is_alone and not pair.differs and pair.right]
    moved = [pair.left.kind for pair in found if pair.is_alone and pair.differs and pair.left]
    assert moved.count("add") == 16
    assert set(moved) == {"add", "conv"}
    assert {pair.differs for pair in found if pair.is_alone and pair.differs} == {("order",)}


def test_zfnet_pools_before_it_normalises_and_takes_steps_in_its_second_convolution():
    found = pairs(graph_of("alexnet_2012"), graph_of("zfnet"))
    second = pair_of("features.conv2", found)
    assert second.right.name == "features.conv2"
    assert set(second.differs) == {"stride", "padding", "groups", "size", "macs"}
    moved = [(pair.left.name, pair.differs[0]) for pair in found if pair.is_alone and pair.left]
    assert moved == [("features.pool1", "order"), ("features.pool2", "order")]
    assert len([pair for pair in found if pair.is_alone]) == 2 * 2


def test_a_layer_far_away_is_not_the_same_in_another_order():
    row = [conv(4, 4), nn.ReLU()] * 5
    one, other = graph_in_a_row(nn.MaxPool2d(2), *row), graph_in_a_row(*row, nn.MaxPool2d(2))
    assert [pair.differs for pair in pairs(one, other) if pair.is_alone] == [("order",)] * 2
    row = [layer for _ in range(8) for layer in (conv(4, 4), nn.ReLU())]
    one, other = graph_in_a_row(nn.MaxPool2d(1), *row), graph_in_a_row(*row, nn.MaxPool2d(1))
    assert [pair.differs for pair in pairs(one, other) if pair.is_alone] == [()] * 2


@pytest.mark.parametrize("name", SOME)
def test_a_network_does_not_differ_from_itself(name):
    for pair in pairs(graph_of(name), graph_of(name)):
        assert pair.left is pair.right
        assert not pair.differs


def test_zfnet_looks_through_smaller_windows_with_smaller_steps():
    found = pairs(graph_of("alexnet_2012"), graph_of("zfnet"))
    first = found[0]
    assert (first.left.name, first.right.name) == ("features.conv1", "features.conv1")
    assert {"kernel_size", "stride"} <= set(first.differs)
    assert "channels" not in first.differs
    assert first.left.settings["kernel_size"] == (11, 11)
    assert first.right.settings["kernel_size"] == (7, 7)
    last = found[-1]
    assert (last.left.kind, last.differs) == ("linear", ())


def test_a_residual_network_has_additions_and_projections_more_than_a_plain_one():
    found = pairs(graph_of("plain18"), graph_of("resnet18"))
    assert not [pair for pair in found if not pair.right]
    alone = [pair.right for pair in found if not pair.left]
    assert [node.kind for node in alone].count("add") == 8
    assert all(
        node.kind == "add" or node.name.split(".")[2] in ("projection", "shortcut", "downsample") for node in alone
    )
    assert len(alone) == 8 + 2 * 3  # three projections with their norms


def test_a_pool_written_as_a_function_does_not_differ_from_the_module_but_in_its_operation():
    one = graph_by_hand(lambda net, x: F.max_pool2d(net.a(x), 2), a=conv())
    other = graph_by_hand(lambda net, x: net.b(net.a(x)), a=conv(), b=nn.MaxPool2d(2))
    assert pair_of("max_pool2d", pairs(one, other)).differs == ("operation",)


def test_a_pair_tells_its_channels_its_size_and_its_costs():
    one, other = graph_in_a_row(conv(4, 8), nn.ReLU()), graph_in_a_row(nn.Conv2d(4, 6, 3, 2), nn.ReLU())
    (pair,) = pairs(one, other)
    assert pair.differs == ("stride", "padding", "channels", "size", "macs")


def test_sums_of_maps_without_channels_can_be_compared():
    graph = graph_by_hand(lambda net, x: net.a(x).mean() + net.a.bias.mean(), a=conv())
    assert [pair.differs for pair in pairs(graph, graph)] == [(), ()]


# Boxes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("left", "right"), [("plain18", "resnet18"), ("vgg11", "mobilenet_v2"), ("alexnet", "zfnet")])
def test_a_box_has_at_most_one_like_and_is_of_its_kind(left, right):
    ours, theirs = graph_of(left), graph_of(right)
    found = boxes_compared(ours, theirs)
    assert len(set(found.twins.values())) == len(found.twins)
    for name, twin in found.twins.items():
        assert (name in ours.blocks) == (twin in theirs.blocks)
        assert name in ours.blocks or ours.nodes[name].kind == theirs.nodes[twin].kind
    for graph, statuses in zip((ours, theirs), found.statuses, strict=True):
        assert statuses.keys() == graph.nodes.keys() | graph.blocks.keys()


def test_a_network_beside_itself_is_the_same_in_every_box():
    graph = graph_of("resnet18")
    found = boxes_compared(graph, graph)
    assert found.twins == {name: name for name in (*graph.nodes, *graph.blocks) if name}
    assert {status for statuses in found.statuses for status in statuses.values()} == {"same"}


def test_shortcuts_are_of_the_resnet_alone_and_make_the_blocks_around_them_differ():
    ours, theirs = graph_of("plain18"), graph_of("resnet18")
    found = boxes_compared(ours, theirs)
    left, right = found.statuses
    assert {n.name for n in theirs.nodes.values() if right[n.name] == "alone"} == {
        *(n.name for n in theirs.nodes.values() if n.kind == "add"),
        *(n for n in theirs.nodes if "shortcut" in n or "downsample" in n),
    }
    assert {name for name in ours.nodes if left[name] != "same"} == set()
    for stage in ("layer1", "layer2", "layer3", "layer4"):
        assert found.twins[stage] == stage
        assert left[stage] == right[stage] == "differs"
    assert left["conv1"] == right["conv1"] == "same"


def test_another_kernel_makes_a_layer_differ_and_nothing_around_it_but_its_block():
    behind = nn.Sequential(conv(6, 7), conv(7, 8))
    one, other = (graph_in_a_row(nn.Sequential(conv(4, 5), conv(5, 6, side)), behind) for side in (3, 1))
    left, right = boxes_compared(one, other).statuses
    assert {name for name, status in left.items() if status != "same"} == {"0.1", "0", ""}
    assert {left[name] for name in ("0.1", "0", "")} == {"differs"}
    assert left == right


def test_equal_blocks_of_the_same_name_are_the_same_though_more_of_their_kind_follow():
    """By hand: ResNet-18 has two blocks in each layer, ResNet-34 3, 4, 6 and 3; all else is equal."""
    found = boxes_compared(graph_of("resnet18"), graph_of("resnet34"))
    left, right = found.statuses
    blocks = [f"layer{layer}.{block}" for layer in (1, 2, 3, 4) for block in (0, 1)]
    assert {left[block] for block in blocks} == {right[block] for block in blocks} == {"same"}
    assert all(found.twins[block] == block for block in blocks)
    assert right["layer1.2"] == right["layer4.2"] == "alone"
    assert left["layer3"] == right["layer3"] == "differs"
    assert {status for name, status in left.items() if name not in (*found.twins, "")} == set()


@pytest.mark.parametrize(
    ("left", "right", "name", "twin", "differs"),
    [
        ("vgg11", "resnet18", "flatten", "flatten", ("channels",)),  # 25,088 values and 512
        ("vgg11", "resnet18", "x", "x", ()),
        ("lenet5", "alexnet", "x", "x", ("channels", "size")),
    ],
)
def test_what_follows_from_the_layers_is_compared_with_what_follows_from_their_like(left, right, name, twin, differs):
    found = boxes_compared(graph_of(left), graph_of(right))
    assert found.twins[name] == twin
    assert found.differs.get(name, ()) == differs
    assert found.statuses[0][name] == found.statuses[1][twin] == ("differs" if differs else "same")


def test_another_activation_function_differs_and_the_same_as_a_function_does_not():
    one, other = graph_in_a_row(conv(), nn.ReLU()), graph_in_a_row(conv(), nn.ReLU6())
    assert boxes_compared(one, other).differs == {"1": ("operation",)}
    other = graph_by_hand(lambda net, x: F.relu(net.a(x)), a=conv())
    found = boxes_compared(one, other)
    assert (found.differs, found.twins["1"]) == ({}, "relu")
    assert {*found.statuses[0].values()} == {"same"}
