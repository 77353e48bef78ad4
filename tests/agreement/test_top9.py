"""Mining against a reference that keeps every activation and sorts it all at the end."""

import copy
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import fx, nn

from models import ARCHITECTURES, load
from models.picture_sets import PictureSet, folder, part, samples
from tests.house.source import ROOT
from tests.representatives import REPRESENTATIVES
from vis.top9 import Entry, mine
from vis.top9.mining import together
from vis.trace import record, traced

PHOTOS = ROOT.parent / "shared/data/photos"


@pytest.fixture(scope="module")
def photos() -> PictureSet:
    if not PHOTOS.is_dir():
        pytest.skip("needs the photographs of shared/data/photos")
    return folder(PHOTOS, PHOTOS)


@pytest.fixture(scope="module")
def crops() -> PictureSet:
    files = {Path(file.name).stem: file for file in resources.files("skimage.data").iterdir()}
    return samples({name: files[name].read_bytes() for name in ("coffee", "chelsea", "camera")})


class Keeping(fx.Interpreter):
    """Runs a graph as torch.fx itself does, and keeps the values of some operations."""

    def __init__(self, model: torch.nn.Module, layers: list[str]):
        trace = traced(model)
        super().__init__(model, graph=trace.graph)
        self.wanted = {trace[layer]: layer for layer in layers}
        self.kept: dict[str, list[torch.Tensor]] = {layer: [] for layer in layers}

    def run_node(self, n: fx.Node):
        value = super().run_node(n)
        if n in self.wanted:
            self.kept[self.wanted[n]].append(value.clone())
        return value


@torch.no_grad()
def all_activations(loaded, pictures: PictureSet, layers: list[str]) -> tuple[dict[str, np.ndarray], ...]:
    """The maps of every picture by layer, (N, …): from hooks in plain forward passes over as many pictures at a time.

    Operations that are no modules of the network, or calls of one that is called several times, come from torch.fx.
    The second are what ReLU6 was given, by the same layers.
    """
    modules, names = dict(loaded.model.named_modules()), set(traced(loaded.model).names.values())
    called = [layer for layer in layers if layer in modules and f"{layer}_1" not in names]
    keeping = Keeping(loaded.model, [layer for layer in layers if layer not in called])
    found: dict[str, list[torch.Tensor]] = {layer: [] for layer in called}
    given: dict[str, list[torch.Tensor]] = {layer: [] for layer in called if isinstance(modules[layer], nn.ReLU6)}
    images = [loaded.preprocess(pictures.open(id)) for id in pictures.ids]
    size = together(loaded)
    batches = [images[start : start + size] for start in range(0, len(images), size)]
    batches = [torch.cat(batch + images[:1] * (size - len(batch))) for batch in batches]
    hooks = [
        modules[layer].register_forward_hook(lambda _m, _in, value, layer=layer: found[layer].append(value.clone()))
        for layer in called
    ]
    hooks += [
        modules[layer].register_forward_pre_hook(lambda _m, args, layer=layer: given[layer].append(args[0].clone()))
        for layer in given
    ]
    try:
        for batch in batches:
            loaded.model(batch)
    finally:
        for hook in hooks:
            hook.remove()
    for batch in batches if keeping.wanted else ():
        keeping.run(batch)
    return tuple(
        {layer: torch.cat(values)[: len(images)].numpy() for layer, values in of.items()}
        for of in (found | keeping.kept, given)
    )


def strongest(maps: np.ndarray, ranked: np.ndarray, pictures: PictureSet, k: int, come_last: bool) -> list[list[Entry]]:
    """By feature map: every maximum and its first position, sorted as a whole, of each photograph the first."""
    ids, classes, sources = pictures.ids, pictures.classes, pictures.sources or pictures.ids
    maps, ranked = (
        of[:, :, None, None] if of.ndim == 2 else np.moveaxis(of, 3, 1) if come_last else of for of in (maps, ranked)
    )
    found = []
    for channel in range(maps.shape[1]):
        entries, strengths = [], {}
        for i, (one, by) in enumerate(zip(maps[:, channel], ranked[:, channel], strict=True)):
            row, column = np.unravel_index(by.argmax(), by.shape)
            value, label = float(one[row, column]), classes[i] if classes else None
            entries.append(Entry(ids[i], value, int(row), int(column), label))
            strengths[ids[i]] = float(by.max())
        entries.sort(key=lambda entry: (-strengths[entry.picture], entry.picture))
        photographs = [sources[ids.index(entry.picture)] for entry in entries]
        firsts = [entry for i, entry in enumerate(entries) if photographs[i] not in photographs[:i]]
        found.append(firsts[:k])
    return found


def check(loaded, pictures: PictureSet, layers: list[str], k: int = 9, come_last: bool = False) -> None:
    activations, given = all_activations(loaded, pictures, layers)
    top = mine(loaded, pictures, layers, k)
    assert set(top.layers) == set(layers)
    for layer, maps in activations.items():
        expected = strongest(maps, given.get(layer, maps), pictures, k, come_last and layer in CHANNELS_LAST)
        assert top.channels(layer) == len(expected)
        assert [top.entries(layer, channel) for channel in range(len(expected))] == expected, layer


CHANNELS_LAST = {"features.1.0.block.2", "features.1.0.block.3"}


@pytest.mark.parametrize(("name", "weights"), [("zfnet_mini", "shipped"), ("lenet5", "random"), ("alexnet", "random")])
def test_two_hundred_photographs_give_what_keeping_all_activations_gives(photos, name, weights):
    loaded = load(name, weights, "cpu")
    pictures = part(photos, 1, 1)
    pictures.ids, pictures.marks = pictures.ids[:200], pictures.marks[:200]
    layers = list(loaded.layers.values()) if name != "alexnet" else [loaded.layers["5"]]
    check(loaded, pictures, layers)


@pytest.mark.parametrize(("name", "k"), [("zfnet_mini", 2), ("alexnet_mini", 5), ("lenet5", 2)])
def test_crops_of_samples_give_what_keeping_all_activations_gives(crops, name, k):
    """Of three photographs: fewer than there are, and all of them."""
    loaded = load(name, "shipped", "cpu")
    check(loaded, crops, list(loaded.layers.values()), k)


@torch.no_grad()
def test_the_strongest_of_every_photograph_is_what_a_pass_of_each_crop_alone_in_float64_finds(crops):
    """The float32 of the search may take another crop, or order two photographs otherwise, where they are as near."""
    loaded, pictures = load("zfnet_mini", "shipped", "cpu"), part(crops, 1, 2)
    model, layer, k, near = copy.deepcopy(loaded.model).double(), loaded.layers["3"], 2, 1e-4  # of float32
    top, recorded = mine(loaded, pictures, [layer], k), []
    dict(model.named_modules())[layer].register_forward_hook(lambda _m, _in, value: recorded.append(value[0].numpy()))
    for id in pictures.ids:
        model(loaded.preprocess(pictures.open(id)).double())
    maxima = {id: maps.max((1, 2)) for id, maps in zip(pictures.ids, recorded, strict=True)}
    source = dict(zip(pictures.ids, pictures.sources, strict=True))
    for channel in range(top.channels(layer)):
        of = {
            name: max(maxima[id][channel] for id in pictures.ids if source[id] == name) for name in set(source.values())
        }
        entries = top.entries(layer, channel)
        assert len({source[entry.picture] for entry in entries}) == k < len(of)
        expected = sorted(of.values(), reverse=True)[:k]
        for entry, value in zip(entries, expected, strict=True):
            assert entry.value == pytest.approx(value, rel=near, abs=near)
            assert maxima[entry.picture][channel] == pytest.approx(of[source[entry.picture]], rel=near, abs=near)


LIKE_B0 = {"efficientnet_b1", "efficientnet_b2", "efficientnet_b3"}  # wider and deeper, of the same blocks
SMALL = [
    name
    for name in REPRESENTATIVES
    if (entry := ARCHITECTURES[name]).macs < 1.9e9 and entry.family != "vgg" and name not in LIKE_B0
]


@pytest.mark.parametrize("name", SMALL)
def test_the_named_layers_of_small_networks_give_what_keeping_all_activations_gives(crops, name):
    loaded = load(name, "random", "cpu")
    check(loaded, part(crops, 1, 2), list(dict.fromkeys(loaded.layers.values())), k=2)


@pytest.mark.parametrize("name", ["lenet5", "alexnet_mini"])
def test_every_operation_that_has_maps_can_be_mined(crops, name):
    loaded = load(name, "shipped", "cpu")
    shape = loaded.preprocess(crops.open(crops.ids[0])).shape
    recording = record(loaded.model, torch.zeros(shape))
    layers = [
        recording.trace.names[node]
        for node, value in recording.values.items()
        if isinstance(value, torch.Tensor) and value.dim() in (2, 4) and len(value) == 1 and node.op != "get_attr"
    ]
    assert len(layers) > 8
    check(loaded, part(crops, 1, 2), layers, k=2)


def test_maps_that_come_last_are_ranked_as_maps(crops):
    loaded = load("convnext_tiny", "random", "cpu")
    check(loaded, part(crops, 1, 7), [*CHANNELS_LAST, loaded.layers["1"]], k=2, come_last=True)
