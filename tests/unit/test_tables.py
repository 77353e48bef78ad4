"""What is counted and measured, as a spreadsheet reads it."""

import csv
import io

import pytest

from pages.common import export
from vis.cost.design import Design, from_code
from vis.cost.latency import Times
from vis.cost.mobilenet import MobileNet
from vis.cost.roofline import Ceiling, Roof, Standing, Work
from vis.cost.tables import filter_shape, layer_rows, stack_rows, standing_rows

SOME = "conv.64.7.2.3_max-pool.3.2.1_depthwise..3..1_pointwise.128_shuffle.2_conv.8.1x7..0x3_global-pool_linear.10"


def read_csv(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


@pytest.mark.parametrize("network", [MobileNet(), MobileNet(0.3, 97, separable=False, shallow=True, num_classes=7)])
def test_the_csv_has_every_layer_with_every_number(network):
    rows = read_csv(export.table(layer_rows(network.layers)))
    assert [row["layer"] for row in rows] == list(network.layers)
    for quantity in ("weights", "params", "activation_bytes"):
        assert sum(int(row[quantity]) for row in rows) == getattr(network, quantity)
    assert sum(int(row["macs"]) for row in rows if row["macs"]) == network.macs
    assert [row["layer"] for row in rows if not row["macs"]] == ["pool"]
    assert [row["filter"] for row in rows] == [filter_shape(each) for each in network.layers.values()]


def test_the_csv_of_a_stack_has_every_row_with_every_number():
    stack = Design(from_code(SOME), norm=True).stack()
    rows = read_csv(export.table(stack_rows(stack)))
    assert [row["kind"] for row in rows] == [step.layer.kind for step in stack.steps]
    for quantity in ("macs", "weights", "params", "activation_bytes"):
        assert sum(int(row[quantity]) for row in rows if row[quantity]) == getattr(stack, quantity)
    assert [row["row"] for row in rows if not row["macs"]] == ["2", "5", "7"]
    assert (rows[5]["kernel"], rows[5]["padding"], rows[5]["receptive_field"]) == ("1×7", "0×3", "19×43")
    assert (rows[-1]["receptive_field"], rows[-1]["jump"]) == ("", "")


def test_the_csv_of_measured_layers_has_every_number_that_is_known():
    layers = [
        Standing(Work("conv", "conv", 4000, 100, 50, 50), Times(2.0, 0.5, 7)),
        Standing(Work("relu", "activation", None, 100, 0, 100), Times(1.0, 0.0, 7)),
    ]
    roof = Roof(Ceiling(1e9, "", Times(1, 0, 7)), Ceiling(1e6, "", Times(1, 0, 7)))
    without, _ = read_csv(export.table(standing_rows(layers, None)))
    assert (without["macs_per_second"], without["attainable_macs_per_second"]) == ("2000000.0", "")
    conv, relu = read_csv(export.table(standing_rows(layers, roof)))
    assert conv | {"macs_per_byte": "20.0", "macs_per_second": "2000000.0"} == conv
    assert float(conv["attainable_macs_per_second"]) == 2e7
    assert (relu["macs"], relu["macs_per_byte"], relu["macs_per_second"]) == ("", "", "")
    assert relu["read_bytes"] == "100"
