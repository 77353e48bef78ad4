"""What layers are given as a network learns: against numpy, and a hand-made network."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from vis.concepts.shift import QUANTILES, histogram, inputs_of, quantiles

NUMBERS = st.lists(st.floats(-100, 100), min_size=1, max_size=60)


@given(NUMBERS)
def test_quantiles_are_numpys(values):
    x = torch.tensor(values, dtype=torch.float64)
    np.testing.assert_allclose(quantiles(x), np.quantile(values, QUANTILES), rtol=1e-12, atol=1e-12)
    ends = quantiles(x, (0, 1))
    assert ends.tolist() == [min(values), max(values)]


@given(NUMBERS, st.integers(1, 20), st.integers(-50, 50), st.integers(1, 60))
def test_a_histogram_is_numpys_and_what_lies_outside_is_in_no_bin(values, bins, low, width):
    edges = np.linspace(low, low + width, bins + 1)
    values = [
        *values,
        edges[0],
        edges[-1],
        edges[bins // 2],
    ]  # an edge belongs to the bin above it; the last to its own
    counts, _edges = np.histogram(values, edges)
    found = histogram(torch.tensor(values, dtype=torch.float64), torch.from_numpy(edges))
    np.testing.assert_allclose(found, counts / len(values), rtol=1e-12)


def by_hand() -> nn.Sequential:
    """Two units with weights of one's own, a norm, a ReLU, and a layer above it."""
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.ReLU(inplace=True), nn.Linear(2, 1), nn.ReLU()).double()
    with torch.no_grad():
        for place, weight, bias in (
            (0, [[1, -2], [0.5, 3]], [0.25, -1]),
            (1, [2, -0.5], [0.1, 0.3]),
            (3, [[1.5, -1]], [0.5]),
        ):
            net[place].weight.copy_(torch.tensor(weight, dtype=torch.float64))
            net[place].bias.copy_(torch.tensor(bias, dtype=torch.float64))
    return net.eval()


def test_what_layers_are_given_is_computed_as_in_training_and_leaves_the_network_as_it_is():
    net, x = by_hand(), np.array([[1.0, 2.0], [-3.0, 0.5], [0.0, 1.0], [4.0, -1.0], [2.0, 2.5]])
    before = {name: value.clone() for name, value in net.state_dict().items()}
    found = inputs_of(net, ("1", "2", "4"), torch.from_numpy(x))
    sums = x @ np.array([[1.0, 0.5], [-2.0, 3.0]]) + [0.25, -1.0]
    normed = (sums - sums.mean(0)) / np.sqrt(sums.var(0) + 1e-5) * [2.0, -0.5] + [0.1, 0.3]
    above = np.maximum(normed, 0) @ np.array([[1.5], [-1.0]]) + 0.5
    for name, expected in (("1", sums), ("2", normed), ("4", above)):
        np.testing.assert_allclose(found[name], expected, rtol=1e-12, atol=1e-12)
    assert not net.training
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert not any(part._forward_pre_hooks for part in net.modules())
