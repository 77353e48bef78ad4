"""Every operation once, in the right block, with what it reads; blocks that add up; what is folded and what is not."""

import copy
from collections import OrderedDict

import networkx as nx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from models.registry import ARCHITECTURES
from tests.agreement.networks import Net
from tests.representatives import LEFT_OUT
from tests.unit.graphs import NETWORKS, Residual, conv, graph_by_hand, graph_in_a_row, graph_of, network, pair
from vis.cost.count import Counting, layers
from vis.graph import FOLD, NOTHING, ROOT, Graph, layer_graph
from vis.shapes import record_shapes
from vis.trace import TraceRefused

EVERYTHING = Counting(bias=True, norm=True, pooling=True, flops=True)
every_network = pytest.mark.parametrize("name", NETWORKS)


def children(graph: Graph, block: str = ROOT) -> tuple[str, ...]:
    return graph.blocks[block].children


def folds(graph: Graph) -> list[str]:
    return [name for name, block in graph.blocks.items() if block.folded]


# Every network ----------------------------------------------------------------------------------------------------


def check_tree(graph: Graph) -> None:
    assert [node.name for node in graph.operations()] == list(graph.nodes)  # every one once, in the order of execution
    assert not graph.nodes.keys() & graph.blocks.keys()
    held = [child for block in graph.blocks.values() for child in block.children]
    assert sorted([*held, ROOT]) == sorted([*graph.nodes, *graph.blocks])
    for block in graph.blocks.values():
        assert len(block.children) > 1 or block.name == ROOT
        assert all(graph.parent(child) == block.name for child in block.children)
        within = block.parent if FOLD in block.name else block.name
        assert all(child.startswith(f"{within}.") for child in block.children if within)
        inside = [node.name for node in graph.operations(block.name)]
        assert inside == sorted(inside, key=list(graph.nodes).index)
        assert graph.last(block.name).name == inside[-1]


def check_totals(graph: Graph) -> None:
    for block in graph.blocks.values():
        parts = block.children
        assert graph.params(block.name) == sum(map(graph.params, parts))
        assert graph.activation_bytes(block.name) == sum(map(graph.activation_bytes, parts))
        for counting in (Counting(), EVERYTHING):
            counted = [n for n in (graph.counted(part, counting) for part in parts) if n is not None]
            assert graph.counted(block.name, counting) == (sum(counted) if counted else None)
    assert graph.params() == sum(node.params for node in graph.nodes.values())


def check_edges(graph: Graph) -> None:
    for edge in graph.edges:
        assert edge.source in graph.nodes
        assert edge.target in graph.nodes
    order = list(graph.nodes)
    assert all(order.index(edge.source) < order.index(edge.target) for edge in graph.edges)
    assert len(set(graph.edges)) == len(graph.edges)
    for block in graph.blocks:
        assert nx.is_directed_acyclic_graph(graph.level(block))


@every_network
def test_every_operation_is_in_the_tree_once_and_knows_its_block(name):
    check_tree(graph_of(name))


@every_network
def test_a_block_is_the_sum_of_what_it_holds(name):
    check_totals(graph_of(name))


@every_network
def test_results_flow_downwards_at_every_level(name):
    check_edges(graph_of(name))


@every_network
def test_an_operation_reads_the_maps_that_its_call_is_given(name):
    recording = record_shapes(*network(name))
    names, made = recording.trace.names, list(layers(recording))
    maps = {next(iter(recording.values)), *made}
    given = {names[node]: [names[n] for n in node.all_input_nodes if n in maps] for node in made}
    found = {node.name: list(node.inputs) for node in graph_of(name).nodes.values() if node.kind != "input"}
    assert found == given


@every_network
def test_a_level_connects_what_its_operations_connect(name):
    graph = graph_of(name)
    for block in graph.blocks:
        home = {node.name: child for child in children(graph, block) for node in graph.operations(child)}
        between = {(home.get(e.source, (block, "in")), home.get(e.target, (block, "out"))) for e in graph.edges}
        wanted = {(a, b) for a, b in between if a != b and (a, b) != ((block, "in"), (block, "out"))}
        assert set(graph.level(block).edges) == wanted


@pytest.mark.parametrize("name", ["alexnet", "mobilenet_v2", "resnet50", "resnet152", "densenet201", "efficientnet_b7"])
def test_at_first_there_are_few_boxes(name):
    assert 4 <= len(children(graph_of(name))) <= 13


@pytest.mark.parametrize("name", ["densenet121", "densenet201"])
def test_dense_layers_are_never_folded(name):
    assert not [fold for fold in folds(graph_of(name)) if "dense" in fold]


# What an operation reads ------------------------------------------------------------------------------------------


def test_an_addition_reads_its_branch_and_the_skip():
    graph = graph_in_a_row(conv(), Residual())
    assert graph.nodes["1.add"].inputs == ("1.conv2", "0")


def test_a_concatenation_reads_all_that_it_joins_in_order():
    graph = graph_by_hand(lambda net, x: torch.cat([net.b(x), x, net.a(x)], 1), a=conv(), b=conv())
    assert graph.nodes["cat"].inputs == ("b", "x", "a")


def test_what_is_read_twice_is_one_edge():
    graph = graph_by_hand(lambda net, x: net.a(x + x), a=conv())
    assert graph.nodes["add"].inputs == ("x",)


@pytest.mark.parametrize(
    "side", [lambda x: x.shape[-2:], lambda x: x.size()[2:], lambda x: (x.size(2), x.shape[3]), lambda x: x.shape[2:4]]
)
def test_a_size_that_is_computed_is_no_edge(side):
    graph = graph_by_hand(lambda net, x: F.interpolate(net.a(x), side(x)), a=nn.Conv2d(4, 4, 3, 2))
    assert graph.nodes["interpolate"].inputs == ("a",)
    assert list(graph.nodes) == ["x", "a", "interpolate"]


def test_weights_that_a_function_is_given_belong_to_it_and_are_no_edge():
    graph = graph_by_hand(lambda net, x: F.conv2d(x, net.a.weight, net.a.bias, padding=1), a=conv())
    (_, node) = graph.nodes.values()
    assert (node.inputs, node.params, node.macs) == (("x",), 4 * 4 * 9 + 4, 4 * 4 * 9 * 48)


def test_what_the_picture_cannot_change_sees_nothing():
    graph = graph_by_hand(lambda net, x: net.a(x) * torch.sigmoid(net.a.bias).view(1, 4, 1, 1), a=conv())
    assert graph.nodes["sigmoid"].inputs == ()
    assert graph.nodes["sigmoid"].receptive_field == NOTHING
    assert NOTHING.size == 0
    assert graph.nodes["mul"].receptive_field.size == 3


# Settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "function"),
    [
        (nn.MaxPool2d(2), lambda net, x: F.max_pool2d(x, 2)),
        (nn.MaxPool2d(3, 2, 1, ceil_mode=True), lambda net, x: F.max_pool2d(x, 3, 2, 1, 1, True)),
        (nn.MaxPool2d((3, 2), dilation=2), lambda net, x: F.max_pool2d(x, kernel_size=[3, 2], dilation=2)),
        (nn.AvgPool2d(3, 2, 1, True), lambda net, x: F.avg_pool2d(x, 3, 2, 1, True)),
        (nn.AdaptiveAvgPool2d(1), lambda net, x: F.adaptive_avg_pool2d(x, 1)),
        (nn.Conv2d(4, 4, 3, 2, 1), lambda net, x: F.conv2d(x, net.a.weight, net.a.bias, 2, 1)),
        (nn.Conv2d(4, 4, (1, 3), padding="same"), lambda net, x: F.conv2d(x, net.a.weight, padding="same")),
        (
            nn.ConvTranspose2d(4, 4, 2, 2, groups=2, dilation=3),
            lambda net, x: F.conv_transpose2d(x, net.a.weight, None, 2, 0, 0, 2, 3),
        ),
    ],
)
def test_a_function_has_the_settings_of_the_module_that_does_the_same(module, function):
    (*_, one), (*_, other) = (
        graph_by_hand(way, a=module).nodes.values() for way in (lambda net, x: net.a(x), function)
    )
    assert one.settings == other.settings
    assert one.settings
    assert all(isinstance(value, (tuple, str, int)) for value in one.settings.values())


def test_a_mean_has_no_kernel():
    assert graph_by_hand(lambda net, x: net.a(x).mean((2, 3)), a=conv()).nodes["mean"].settings == {}


# Blocks -----------------------------------------------------------------------------------------------------------


def test_a_block_of_one_operation_is_that_operation():
    graph = graph_in_a_row(nn.Sequential(nn.Sequential(conv())), nn.Sequential(conv(), nn.ReLU()))
    assert children(graph) == ("input", "0.0.0", "1")
    assert children(graph, "1") == ("1.0", "1.1")


def test_blocks_are_nested_as_modules_are():
    graph = graph_in_a_row(conv(), nn.Sequential(conv(), Residual()))
    assert list(graph.ancestors("1.1.conv1")) == ["1.1", "1"]
    assert graph.blocks["1.1"].operation == "Residual"
    assert graph.blocks[ROOT].operation == "Sequential"


def test_a_function_may_be_called_like_a_block():
    graph = graph_by_hand(lambda net, x: net.add(x + 1), add=pair())
    assert children(graph) == ("x", "add", "add.0", "add.1")
    check_tree(graph)


def test_a_picture_may_be_called_like_a_block():
    graph = graph_by_hand(lambda net, x: net.x(x), x=pair())
    check_tree(graph)


def test_a_block_that_is_called_twice_is_opened():
    graph = graph_by_hand(lambda net, x: net.a(net.between(net.a(x))), a=pair(), between=conv())
    assert children(graph) == ("x", "a.0", "a.1", "between", "a.0_1", "a.1_1")
    check_tree(graph)
    check_edges(graph)
    assert graph.nodes["a.0_1"].params == 0  # which the first call has


class Unet(nn.Module):
    """Down and up in two blocks, each of which gives something to the other at every depth."""

    def __init__(self):
        super().__init__()
        self.way = nn.ModuleDict({"a": pair(), "b": pair(), "c": pair()})
        self.side = nn.ModuleDict({name: nn.Sequential(nn.ReLU(), conv()) for name in "ab"})

    def forward(self, x: Tensor) -> Tensor:
        one = self.way["a"](x)
        two = self.way["b"](self.side["a"](one))
        return self.way["c"](self.side["b"](two) + one)


def test_blocks_that_data_crosses_between_are_opened_so_that_every_level_can_be_drawn():
    graph = layer_graph(Net(lambda net, x: net.u(net.first(x)), u=Unet(), first=conv()).eval(), (1, 4, 8, 6))
    assert children(graph, "u") == ("u.way.a", "u.side.a", "u.way.b", "u.side.b", "u.add", "u.way.c")
    check_tree(graph)
    check_edges(graph)


def test_a_block_ends_with_the_operation_that_runs_last():
    """Of two blocks that take turns without reading from each other."""

    def way(net: nn.Module, x: Tensor) -> Tensor:
        one, other = net.a[0](x), net.b[0](x)
        return net.a[1](one) + net.b[1](other)

    graph = graph_by_hand(way, a=pair(), b=pair())
    assert children(graph) == ("x", "a", "b", "add")
    assert graph.last("a").name == "a.1"
    check_tree(graph)


# Folds ------------------------------------------------------------------------------------------------------------


def test_the_blocks_of_a_stage_after_the_first_are_folded():
    graph = graph_of("resnet50")
    assert children(graph, "layer3") == ("layer3.0", "layer3.1…5")
    assert graph.blocks["layer3.1…5"].count == 5
    assert children(graph, "layer3.1…5") == tuple(f"layer3.{i}" for i in range(1, 6))
    assert graph.blocks["layer3.1…5"].operation == "Bottleneck"
    assert graph.blocks["layer3.0"].count == 1


def test_equal_blocks_in_a_row_are_folded():
    assert children(graph_in_a_row(conv(), Residual(), Residual(), Residual())) == ("input", "0", "1…3")


def test_a_block_of_nothing_but_equal_blocks_is_their_fold():
    graph = graph_of("resnet34")
    assert children(graph, "layer1") == ("layer1.0", "layer1.1", "layer1.2")
    assert graph.blocks["layer1"].folded
    assert graph.blocks["layer1"].operation == "Basic"


def test_a_fold_has_a_name_of_its_own_whatever_modules_are_called():
    named = OrderedDict({"0…1": Residual(), "0": pair(), "1": pair()})
    graph = layer_graph(nn.Sequential(named).eval(), (1, 4, 8, 6))
    assert children(graph) == ("input", "0…1", "0…1…")
    check_tree(graph)


def test_only_neighbours_are_folded():
    graph = graph_in_a_row(Residual(), Residual(), nn.ReLU(), Residual(), Residual())
    assert children(graph) == ("input", "0…1", "2", "3…4")


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(Residual(between=6), id="another width"),
        pytest.param(nn.Sequential(nn.Conv2d(4, 4, 5, padding=2), nn.ReLU()), id="another kernel"),
        pytest.param(nn.Sequential(conv(), nn.ReLU(), nn.ReLU()), id="more operations"),
        pytest.param(nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.ReLU()), id="no bias"),
        pytest.param(nn.Sequential(conv(), nn.Tanh()), id="another activation"),
        pytest.param(Net(lambda net, x: net.b(net.a(x)), a=conv(), b=nn.ReLU()), id="another class"),
    ],
)
def test_unequal_blocks_are_not_folded(other):
    same = Residual() if isinstance(other, Residual) else pair()
    assert not folds(graph_in_a_row(same, other))
    assert folds(graph_in_a_row(other, copy.deepcopy(other)))


def wired(*readers: int):
    """A block of three convolutions, of which those after the first read the picture (0) or an earlier one (1, 2)."""

    def way(net: nn.Module, x: Tensor) -> Tensor:
        values = [x, net.a(x)]
        for conv_, reads in zip((net.b, net.c), readers, strict=True):
            values.append(conv_(values[reads]))
        return sum(values[1:])

    return Net(way, a=conv(), b=conv(), c=conv())


def test_blocks_that_are_wired_in_another_way_are_not_folded():
    assert folds(graph_in_a_row(wired(1, 2), wired(1, 2)))
    assert not folds(graph_in_a_row(wired(1, 2), wired(1, 1)))


def test_blocks_of_which_a_third_one_reads_are_not_folded():
    def way(net: nn.Module, x: Tensor) -> Tensor:
        x = one = net.a(x)
        return net.c(net.b(x)) + one

    graph = graph_by_hand(way, a=Residual(), b=Residual(), c=Residual())
    assert children(graph) == ("x", "a", "b…c", "add")


def test_a_block_that_reads_two_results_is_not_folded_with_one_that_reads_the_same_twice():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = conv(), conv()

        def forward(self, one: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
            return self.a(one), self.b(other)

    graph = graph_by_hand(lambda net, x: sum(net.c(*net.b(*net.a(x, x)))), a=Two(), b=Two(), c=Two())
    assert children(graph)[:3] == ("x", "a", "b…c")


# Random networks --------------------------------------------------------------------------------------------------


class Wired(nn.Module):
    """Operations and blocks that read whatever was computed before them, as `plan` says; two are added or joined."""

    def __init__(self, plan: list):
        super().__init__()
        self.plan = plan
        for i, (what, *_) in enumerate(plan):
            self.add_module(f"m{i}", Wired(what) if isinstance(what, list) else conv())

    def forward(self, x: Tensor) -> Tensor:
        values = [x]
        for i, (what, one, other) in enumerate(self.plan):
            one, other, module = values[one % len(values)], values[other % len(values)], getattr(self, f"m{i}")
            if what == "cat":
                one = torch.cat([one, other], 1)[:, :4]
            elif what == "add":
                one = one + other
            values.append(module(one) if what != "relu" else torch.relu(one))
        return values[-1]


def plans(blocks: st.SearchStrategy) -> st.SearchStrategy:
    places = st.integers(0, 9)
    return st.lists(st.tuples(st.sampled_from(["conv", "add", "cat", "relu"]) | blocks, places, places), max_size=6)


@settings(max_examples=60, deadline=None)
@given(st.recursive(plans(st.nothing()), plans, max_leaves=4))
def test_any_network_has_a_graph(plan):
    graph = layer_graph(Wired(plan).eval(), (1, 4, 5, 5))
    check_tree(graph)
    check_totals(graph)
    check_edges(graph)


# Refusals ---------------------------------------------------------------------------------------------------------


def test_a_network_whose_way_depends_on_the_picture_is_refused():
    model = Net(lambda net, x: net.a(x) if x.sum() > 0 else x, a=conv()).eval()
    with pytest.raises(TraceRefused, match=r"torch\.fx cannot trace this network beyond “gt”"):
        layer_graph(model, (1, 4, 8, 6))


@pytest.mark.parametrize(("name", "side"), [("alexnet", 63), ("vgg11", 32)])
def test_a_picture_that_is_too_small_is_refused_with_the_smallest_side(name, side):
    model, _ = network(name)
    with pytest.raises(
        TraceRefused, match=rf"20×10 picture is too small for this network; it needs at least {side}×{side}"
    ):
        layer_graph(model, (1, 3, 10, 20))
    assert layer_graph(model, (1, 3, side, side)).nodes


def test_the_graph_does_not_change_the_network():
    model = nn.Sequential(Residual(), pair()).eval()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    layer_graph(model, (1, 4, 8, 6))
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert not any(parameter.is_meta for parameter in model.parameters())


def test_every_network_of_the_house_is_looked_at_or_one_that_stands_for_it():
    assert {LEFT_OUT.get(name, name) for name in ARCHITECTURES} <= set(NETWORKS)
    assert len(NETWORKS) > 60
