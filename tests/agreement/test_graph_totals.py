"""The layer graph against torch's own counters: every parameter and every multiply-add is in exactly one operation."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from tests.unit.graphs import NETWORKS, graph_of, network
from vis.graph import ROOT

# torch's counter leaves out products that are not made by one of its matrix operations; there are none in these.
every_network = pytest.mark.parametrize("name", NETWORKS)


@every_network
def test_every_parameter_is_in_one_operation_or_unused(name):
    model, _ = network(name)
    graph = graph_of(name)
    assert sum(node.params for node in graph.nodes.values()) + sum(graph.unused.values()) == sum(
        parameter.numel() for parameter in model.parameters()
    )


@every_network
def test_every_multiply_add_is_in_one_operation(name):
    model, input_shape = network(name)
    dtype = next((parameter.dtype for parameter in model.parameters()), torch.float32)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.empty(input_shape, device="meta", dtype=dtype))
    graph = graph_of(name)
    assert 2 * sum(node.macs or 0 for node in graph.nodes.values()) == counter.get_total_flops()
    assert 2 * sum(graph.counted(child) or 0 for child in graph.blocks[ROOT].children) == counter.get_total_flops()


@pytest.mark.parametrize(
    ("name", "parameters", "macs"),
    [  # million parameters and multiply-adds, from the papers
        ("alexnet", 61_100_840, 0.714e9),
        ("zfnet", 62_357_608, 1.168e9),
        ("resnet50", 25_557_032, 4.089e9),
        ("resnet152", 60_192_808, 11.514e9),
        ("densenet201", 20_013_928, 4.291e9),
        ("mobilenet_v1", 4_231_976, 568.7e6),
        ("efficientnet_b0", 5_288_548, 0.386e9),
        ("convnext_tiny", 28_589_128, 4.456e9),
    ],
)
def test_the_whole_network_costs_what_is_known(name, parameters, macs):
    graph = graph_of(name)
    assert graph.params() == parameters
    assert graph.counted() == pytest.approx(macs, rel=0.0015)  # the printed digits
    assert graph.activation_bytes() > 0
