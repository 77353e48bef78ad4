"""What pages say of receptive fields and of totals that leave something out."""

import pytest
import torch
from torch import nn

from pages.common import text
from pages.common.words import field_in_words, operations_in_words
from pages.look.architecture.painting import Look, painted
from pages.look.architecture.versus import totals
from tests.agreement.networks import PICTURE, Net, gated
from vis.figures.graph import NOT_COUNTED, QUANTITIES, quantity
from vis.graph import COUNTED, ROOT, layer_graph
from vis.layout import drawing


@pytest.fixture(autouse=True)
def in_english(monkeypatch):
    monkeypatch.setattr(text, "language", lambda: "en")


def graph_of(model: nn.Module):
    return layer_graph(model.eval(), PICTURE)


def test_a_field_is_said_in_pixels_as_the_whole_or_as_not_known():
    graph = graph_of(gated())
    said = {name: field_in_words(node.receptive_field) for name, node in graph.nodes.items()}
    assert said["conv"] == "3×3 pixels"
    assert said["adaptive_avg_pool2d"] == "the whole picture"
    assert said["last"] == "5×5 pixels; through “adaptive\\_avg\\_pool2d” the whole picture"
    graph = graph_of(Net(lambda net, x: net.conv(torch.special.entr(x)), conv=nn.Conv2d(3, 3, 3)))
    assert field_in_words(graph.nodes["conv"].receptive_field) == "not known from “special\\_entr” on"
    assert quantity(graph, "conv", "field") is None


def test_a_total_without_a_layer_says_at_least():
    whole = graph_of(nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU()))
    assert operations_in_words(whole, ROOT, COUNTED) == "1,170"
    assert operations_in_words(whole, "1", COUNTED) == "not counted"
    graph = graph_of(Net(lambda net, x: torch.fft.fft2(net.conv(x)).real, conv=nn.Conv2d(3, 3, 1)))
    assert operations_in_words(graph, ROOT, COUNTED) == "at least 1,170"
    assert operations_in_words(graph, "conv", COUNTED) == "1,170"


def test_two_totals_say_what_is_left_out_and_have_a_ratio_only_where_both_are_whole():
    """By hand: 1×1 over 3 → 3 maps of 10×13 are 3·3·130 MACs; a ReLU has none that are counted."""
    whole = graph_of(nn.Sequential(nn.Conv2d(3, 3, 1)))
    twice = graph_of(nn.Sequential(nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)))
    partly = graph_of(Net(lambda net, x: torch.fft.fft2(net.conv(x)).real, conv=nn.Conv2d(3, 3, 1)))
    none = graph_of(nn.Sequential(nn.ReLU()))
    said = {
        "whole": ("1,170", "2,340", "0.5"),
        "partly": ("1,170", "at least 1,170", "–"),
        "none": ("1,170", "not counted", "–"),
    }
    for other, (name, row) in zip((twice, partly, none), said.items(), strict=True):
        assert tuple(totals(whole, other, COUNTED)[1][1:]) == row, name
    assert tuple(totals(partly, whole, COUNTED)[1][1:]) == ("at least 1,170", "1,170", "–")
    assert totals(whole, none, COUNTED)[0][1:] == ["12", "0", "–"]


def test_the_legend_says_why_a_box_has_no_colour():
    graph = graph_of(nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU()))
    drawn = drawing(graph, [], lambda graph, name: (name,))
    legends = {
        colour: painted(graph, drawn, Look(colour, COUNTED), {"0": 1.0, "1": None, "x": 1.0}, 1.0, None).legend[-1]
        for colour in QUANTITIES
    }
    words = {"time": "not measured", "field": "not known"}
    assert legends == {colour: (words.get(colour, "not counted"), NOT_COUNTED) for colour in QUANTITIES}
