"""The table of layers, read back as a spreadsheet and as a program would."""

import csv
import io
import json
from collections import OrderedDict

import pytest
from torch import nn

from pages.common.export import table
from tests.unit.graphs import conv, graph_in_a_row, graph_of
from vis.cost.count import Counting
from vis.graph import Graph, layer_graph
from vis.table import as_json, rows

SOME = ("alexnet", "googlenet", "resnet18", "mobilenet_v2", "densenet121", "efficientnet_b0", "a constant map")


def read(graph: Graph, *about, **more) -> list[dict[str, str]]:
    """Its table as a spreadsheet reads it."""
    text = table(rows(graph, *about, **more)).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def named(*names: str) -> Graph:
    """A network whose modules have these names."""
    return layer_graph(nn.Sequential(OrderedDict((name, conv()) for name in names)).eval(), (1, 4, 8, 6))


@pytest.mark.parametrize("name", SOME)
@pytest.mark.parametrize("counting", [Counting(), Counting(bias=True, norm=True, pooling=True, flops=True)])
def test_what_is_read_back_is_what_was_written(name, counting):
    graph = graph_of(name)
    times = dict.fromkeys(list(graph.nodes)[1:], 0.5)
    written = rows(graph, counting, times)
    assert [row["layer"] for row in written] == list(graph.nodes)
    as_text = [{key: "" if value is None else str(value) for key, value in row.items()} for row in written]
    assert read(graph, counting, times) == as_text


def test_what_is_not_counted_is_empty_and_not_zero():
    first, conv1, relu, pool = read(graph_of("alexnet"))[:4]
    assert (conv1["macs"], conv1["params"], conv1["kernel_size"]) == ("70276800", "23296", "11×11")
    assert [row["macs"] for row in (first, relu, pool)] == ["", "", ""]
    assert (relu["params"], relu["kernel_size"]) == ("0", "")


def test_who_sees_the_whole_picture_has_no_numbers_for_its_field():
    last = read(graph_of("alexnet"))[-1]
    assert (last["receptive_field"], last["jump"], last["start"]) == ("", "", "")


def test_operations_are_counted_as_asked():
    macs, flops = (read(graph_of("resnet18"), Counting(flops=flops)) for flops in (False, True))
    assert sum(int(row["macs"] or 0) for row in macs) == 1_814_073_344
    assert sum(int(row["flops"] or 0) for row in flops) == 2 * 1_814_073_344
    assert "flops" not in macs[0]


def test_there_is_a_column_for_times_only_if_there_are_times():
    graph = graph_of("lenet5")
    assert "milliseconds" not in rows(graph)[0]
    name = list(graph.nodes)[1]
    assert [row["milliseconds"] for row in read(graph, times={name: 1.25})][:3] == ["", "1.25", ""]


def test_separators_and_quotation_marks_in_names_come_back():
    names = ('a,"b"', "c;d", "e\nf")
    assert [row["layer"] for row in read(named(*names))[1:]] == list(names)


@pytest.mark.parametrize("name", SOME)
def test_json_has_every_operation_connection_and_block(name):
    graph = graph_of(name)
    found = json.loads(as_json(graph, {"network": name}), parse_constant=pytest.fail)  # no NaN, no Infinity
    assert next(iter(found)) == "network"
    assert [node["layer"] for node in found["nodes"]] == list(graph.nodes)
    assert [tuple(edge) for edge in found["edges"]] == [(edge.source, edge.target) for edge in graph.edges]
    assert {block["name"]: tuple(block["children"]) for block in found["blocks"]} == {
        block.name: block.children for block in graph.blocks.values()
    }
    assert found["input_shape"] == list(graph.input_shape)
    assert found["unused_parameters"] == graph.unused


def test_json_tells_the_settings():
    found = json.loads(as_json(graph_in_a_row(conv(), nn.MaxPool2d(2)), {}))
    assert found["nodes"][1]["settings"]["kernel_size"] == [3, 3]
    assert found["nodes"][2]["settings"]["ceil_mode"] is False
