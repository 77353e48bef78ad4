"""The layer graph against the facts of the registry: every parameter and every multiply-add is in one operation.

The facts are compared with torch's own counter in `test_facts`, and in `test_counts` what single operations cost, for
torchvision's networks and for small ones of every kind.
"""

import pytest

from models import ARCHITECTURES
from tests.unit.graphs import graph_of
from vis.graph import ROOT


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_network_costs_what_its_operations_and_what_its_blocks_cost(name):
    entry, graph = ARCHITECTURES[name], graph_of(name)
    blocks = graph.blocks[ROOT].children
    assert sum(node.params for node in graph.nodes.values()) == sum(map(graph.params, blocks)) == entry.parameters
    assert sum(node.macs or 0 for node in graph.nodes.values()) == graph.counted() == entry.macs
    assert sum(graph.counted(block) or 0 for block in blocks) == entry.macs
    assert graph.unused == {}
