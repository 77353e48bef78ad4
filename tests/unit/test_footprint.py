"""The memory that a network needs, against hand arithmetic and against what lives while it runs; its file."""

import pytest
import torch
from safetensors.torch import load as read
from torch import fx, nn

from models import load
from models.device import name_of, with_peak
from tests.agreement.networks import EXACT, NORMALISED, picture, seeded
from vis.cost.footprint import bytes_on_disk, most_live_bytes, weight_bytes
from vis.cost.latency import conditions
from vis.operations import maps_of
from vis.shapes import record_shapes
from vis.trace import traced

ALL = {
    name: build for name, build in {**EXACT, **NORMALISED}.items() if "in place" not in name
}  # which here nothing is


def live(model: nn.Module, shape: tuple[int, int, int, int], batch: int = 1) -> int:
    return most_live_bytes(record_shapes(model.eval(), shape), batch)


def test_of_a_chain_it_is_the_largest_pair_of_neighbours():
    model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 2, 1))
    assert live(model, (1, 3, 10, 10)) == (800 + 800) * 4  # 300 + 800, 800 + 800, 800 + 200, 200 + 50
    assert live(model, (1, 3, 10, 10), batch=16) == 16 * 6400


def test_a_shortcut_is_held_until_it_is_added():
    class Block(nn.Module):
        def forward(self, x):
            return x + x.sigmoid().tanh().sin()

    assert live(Block(), (1, 1, 10, 10)) == 3 * 400  # x, what is read, and what is made of it


def test_a_view_takes_no_room():
    assert live(nn.Sequential(nn.ReLU(), nn.Flatten(), nn.Identity()), (1, 2, 5, 5)) == 2 * 200


class Watched(fx.Interpreter):
    """torch.fx's own way to run a graph, which gives up values that are no longer read; what lives is added up."""

    most = 0

    def run_node(self, n: fx.Node):
        result = super().run_node(n)
        if n.op != "output":
            made = [value for node, value in self.env.items() if node.op != "get_attr"] + [result] * (
                n.op != "get_attr"
            )
            blocks = [m.untyped_storage() for value in made for m in maps_of(value)]
            self.most = max(self.most, sum({block.data_ptr(): block.nbytes() for block in blocks}.values()))
        return result


@pytest.mark.parametrize("name", ALL)
def test_it_is_what_lives_while_the_network_is_really_run(name):
    model = seeded(ALL[name])
    counted, trace = live(model, tuple(picture().shape)), traced(model)
    vars(model).update(trace.constants)  # which torch.fx looks for on the model, where the trace leaves none
    watched = Watched(fx.GraphModule(model, trace.graph))
    with torch.no_grad():
        watched.run(picture())
    assert counted == watched.most


def test_weights_and_file():
    model = load("mobilenet_v1", "random", "cpu", width=0.25).model
    buffers = sum(b.nbytes for b in model.buffers())
    assert weight_bytes(model) == 4 * sum(p.numel() for p in model.parameters()) + buffers
    size = bytes_on_disk(model)
    assert weight_bytes(model) < size < 1.05 * weight_bytes(model)


def test_the_size_is_that_of_a_file_from_which_the_network_can_be_read(tmp_path):
    from safetensors.torch import save_file

    model = load("lenet5", "random", "cpu").model
    save_file(model.state_dict(), file := tmp_path / "lenet5.safetensors")
    assert file.stat().st_size == bytes_on_disk(model)
    assert read(file.read_bytes()).keys() == model.state_dict().keys()


def test_a_cpu_does_not_say_what_a_piece_of_work_needs():
    assert with_peak(lambda: 7, torch.device("cpu")) == (7, None)


def test_conditions_are_those_of_this_thread():
    found = conditions(torch.device("cpu"))
    assert (found.device, found.threads, found.torch) == ("cpu", torch.get_num_threads(), torch.__version__)
    assert found.name == name_of(torch.device("cpu"))
    assert found.name
