import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image
from pyarrow import parquet
from torch import Tensor

from models import load
from models.decoding import PictureRefused
from models.picture_sets import MOST_LISTED, folder, mark_of, part
from models.picture_sets.listed import Found, Listed, Skipped
from models.refusals import Refused
from tests.house.source import ROOT
from tests.unit.slow_search import FORKS, slow_search
from vis.maps import stream_maps
from vis.top9 import (
    Entry,
    Top,
    file_of,
    files,
    find,
    key_of,
    merge,
    mine,
    mining,
    open_top,
    pairs_in,
    patches_and_projections,
    save,
)
from vis.top9.__main__ import main
from vis.top9.ranking import Ranking
from vis.trace import TraceRefused, record, stream, traced

GROUP = 32  # pictures that go through LeNet-5 at once


class Pixels(Listed):
    """A set of pictures in memory; what is no picture cannot be read."""

    def __init__(
        self,
        pictures: Mapping[str, np.ndarray | Refused],
        classes: Mapping[str, str] | None = None,
        sources: Mapping[str, str] | None = None,
    ):
        self.pictures = dict(pictures)
        facts = [[of.get(id, "") for id in pictures] for of in (classes or {}, sources or {})]
        marks = [mark_of(id, self._fact(id)) for id in pictures]
        found = dict(zip(pictures, map(Found, marks, *facts), strict=True))
        super().__init__("pixels", found, Skipped())

    def _fact(self, id: str) -> str:
        picture = self.pictures[id]
        return str(picture) if isinstance(picture, Refused) else hashlib.sha256(picture.tobytes()).hexdigest()

    def open(self, id: str) -> Image.Image:
        if isinstance(self.pictures[id], Refused):
            raise self.pictures[id]
        return Image.fromarray(self.pictures[id])


def noise(number: int, side: int = 40) -> dict[str, np.ndarray]:
    """Pictures of smooth noise, by names that are not in the order of their making."""
    dice = np.random.default_rng(0)
    grids = dice.integers(0, 256, (number, 8, 8, 3), dtype=np.uint8)
    return {
        hashlib.md5(bytes([i])).hexdigest()[:6] + ".png": np.asarray(Image.fromarray(grid).resize((side, side)))
        for i, grid in enumerate(grids)
    }


@pytest.fixture(scope="module")
def lenet():
    return load("lenet5", "random", "cpu")


@pytest.fixture(scope="module")
def zfnet():
    return load("zfnet_mini", "random", "cpu")


def layers_of(loaded) -> list[str]:
    return list(loaded.layers.values())


def state_of(model: torch.nn.Module) -> str:
    return hashlib.sha256(b"".join(t.numpy().tobytes() for t in model.state_dict().values())).hexdigest()


def same(one: Top, other: Top) -> bool:
    """Whether two results are equal bit by bit, titles apart."""
    tables = [files._table(replace(top, title="")) for top in (one, other)]
    return tables[0].equals(tables[1]) and tables[0].schema.metadata == tables[1].schema.metadata


# A pass over the trace -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["lenet5", "zfnet_mini", "alexnet", "resnet18", "googlenet", "mobilenet_v1"])
def test_a_streamed_picture_gives_what_a_recorded_one_gives_bit_by_bit(name):
    loaded = load(name, "random", "cpu")
    image = torch.randn(1, *loaded.architecture.input_shape, generator=torch.Generator().manual_seed(0))
    names = [n for node, n in traced(loaded.model).names.items() if node.op not in ("output", "get_attr")]
    recording = record(loaded.model, image)
    found = dict(stream(loaded.model, image, names))
    assert list(found) == names
    for layer, value in found.items():
        expected = recording.of(layer)
        assert torch.equal(value, expected) if isinstance(value, Tensor) else str(value) == str(expected)


def test_the_stream_ends_with_the_last_layer_and_keeps_nothing(zfnet):
    ran, alive = [], []

    class Seen(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            result = function(*args, **(kwargs or {}))
            ran.append(getattr(function, "__name__", str(function)))
            return result

    import gc

    image = torch.zeros(2, *zfnet.architecture.input_shape)
    first, second = layers_of(zfnet)[:2]
    with Seen():
        for _layer, value in stream(zfnet.model, image, [first, second]):
            shapes = [
                tuple(o.shape) for o in gc.get_objects() if type(o) is Tensor and len(o.shape) == 4 and len(o) == 2
            ]
            alive.append(len(shapes))
            del value
    assert sum("conv2d" in name for name in ran) == 2
    assert alive[1] <= alive[0] + 1


def test_values_that_are_not_finite_are_refused_by_the_name_of_their_layer():
    loaded = load("lenet5", "random", "cpu")
    layer = layers_of(loaded)[1]
    image = torch.zeros(1, *loaded.architecture.input_shape)
    names = [name for node, name in traced(loaded.model).names.items() if node.op != "placeholder"]
    with torch.no_grad():
        next(loaded.model.parameters())[0] = float("nan")
    with pytest.raises(TraceRefused, match=f"“{names[0]}” gives non-finite values"):
        list(stream(loaded.model, image, names))
    pictures = Pixels(noise(3))
    with pytest.raises(TraceRefused, match="non-finite"):
        mine(loaded, pictures, [layer])


@pytest.mark.parametrize("value", [float("inf"), float("-inf")])
def test_infinity_is_refused_even_below_zero(value):
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 1)).eval()
    with torch.no_grad():
        model[0].bias[1] = value
    with pytest.raises(TraceRefused, match="non-finite"):
        list(stream(model, torch.zeros(1, 1, 4, 4), ["0"]))


# Mining ----------------------------------------------------------------------------------------------------------


def test_the_order_in_which_pictures_come_changes_nothing(lenet):
    pictures = noise(30)
    back = dict(reversed(pictures.items()))
    assert same(mine(lenet, Pixels(pictures), layers_of(lenet)), mine(lenet, Pixels(back), layers_of(lenet)))


def test_neighbours_in_the_group_change_nothing(zfnet):
    """Merging parts of all sizes puts every picture into other groups, at other places."""
    pictures = Pixels(noise(21))
    whole = mine(zfnet, pictures, layers_of(zfnet), k=4)
    for parts in (2, 3, 5):
        found = [mine(zfnet, part(pictures, i + 1, parts), layers_of(zfnet), k=4) for i in range(parts)]
        together = found[0]
        for other in found[1:]:
            together = merge(together, other)
        assert same(together, whole)
        assert together.key == whole.key


def test_as_many_go_through_the_network_at_once_as_leave_its_largest_value_small(lenet):
    assert mining.together(lenet) == GROUP
    for name, number in {"alexnet": 32, "zfnet_mini": 4, "resnet50": 4}.items():
        loaded = load(name, "random", "cpu")
        assert mining.together(loaded) == number
        picture = torch.zeros(1, 3, *[loaded.preprocess.crop] * 2)
        largest = max(value.nbytes for _, value in stream(loaded.model, picture, traced(loaded.model).names.values()))
        assert number * largest <= 25 * 10**6 < 2 * number * largest or number == GROUP


@pytest.mark.parametrize("number", [1, GROUP - 1, GROUP, GROUP + 1])
def test_groups_are_always_of_one_size_because_float32_results_depend_on_it(lenet, monkeypatch, number):
    sizes = []

    def seen(model, images, layers):
        sizes.append(len(images))
        return stream_maps(model, images, layers)

    monkeypatch.setattr(mining, "stream_maps", seen)
    mine(lenet, Pixels(noise(number)), layers_of(lenet))
    assert sizes == [GROUP] * -(-number // GROUP)


@pytest.mark.parametrize(("threads", "ahead"), [(1, 1), (1, 7), (3, 2), (8, 100)])
def test_threads_and_pictures_ahead_change_nothing(lenet, threads, ahead):
    pictures = Pixels(noise(30))
    assert same(
        mine(lenet, pictures, layers_of(lenet)), mine(lenet, pictures, layers_of(lenet), threads=threads, ahead=ahead)
    )


def test_equal_pictures_are_in_the_order_of_their_names(lenet):
    picture = next(iter(noise(1).values()))
    names = [f"{i:02d}" for i in random.Random(0).sample(range(40), 40)]
    top = mine(lenet, Pixels(dict.fromkeys(names, picture)), layers_of(lenet))
    for layer in top.layers:
        for channel in range(top.channels(layer)):
            assert [entry.picture for entry in top.entries(layer, channel)] == sorted(names)[:9]


def test_of_equal_positions_the_first_is_taken(zfnet):
    grey = np.full((64, 64, 3), 100, np.uint8)
    top = mine(zfnet, Pixels({"grey": grey}), layers_of(zfnet)[:1])
    image = zfnet.preprocess(Image.fromarray(grey))
    maps = dict(stream(zfnet.model, image.repeat(mining.together(zfnet), 1, 1, 1), top.layers))[top.layers[0]][
        0
    ].numpy()
    assert any((found == found.max()).sum() > 1 for found in maps)
    for channel, found in enumerate(maps):
        (entry,) = top.entries(top.layers[0], channel)
        first = np.argwhere(found == found.max())[0]
        assert (entry.row, entry.column) == tuple(first)


def test_fewer_pictures_than_places_leave_places_free(lenet):
    top = mine(lenet, Pixels(noise(4)), layers_of(lenet))
    assert all(len(top.entries(layer, 0)) == 4 for layer in top.layers)


# One picture a photograph ----------------------------------------------------------------------------------------


def crops(number: int, photographs: int = 11, classes: Mapping[str, str] | None = None) -> Pixels:
    """Pictures of smooth noise, said to be parts of so many photographs, which have different numbers of them."""
    pictures, dice = noise(number), np.random.default_rng(1)
    names = [f"photograph {int(n)}" for n in dice.integers(0, photographs, number) ** 2 // photographs]
    return Pixels(pictures, classes, dict(zip(pictures, names, strict=True)))


def some_of(pictures: Pixels, ids: Iterable[str]) -> Pixels:
    source = dict(zip(pictures.ids, pictures.sources, strict=True))
    return Pixels({id: pictures.pictures[id] for id in ids}, None, source)


@pytest.mark.parametrize("levels", [2, 5, 10**6])
def test_of_every_photograph_a_feature_map_has_the_strongest_picture_whatever_comes_before_it(levels):
    """Against the sorted whole, in integers: with two levels most values are equal."""
    dice, k = np.random.default_rng(levels), 4
    maps = torch.as_tensor(dice.integers(0, levels, (90, 7, 3, 2)), dtype=torch.float64)
    photographs = dice.integers(0, 12, 90)
    expected = []
    for channel in range(7):
        entries = sorted((-maps[i, channel].max().item(), i, maps[i, channel].argmax().item()) for i in range(90))
        firsts = [
            e for j, e in enumerate(entries) if photographs[e[1]] not in {photographs[i] for _, i, _ in entries[:j]}
        ]
        expected.append([(-value, -value, i, *divmod(at, 2)) for value, i, at in firsts[:k]])
    for size in (1, 7, 32, 90):
        found = Ranking.empty(7, k)
        for start in range(0, 90, size):
            part = maps[start : start + size]
            mining._enter(found, part, part, np.arange(start, min(start + size, 90)), photographs)
        assert [
            list(zip(*(a[channel].tolist() for a in found.arrays()), strict=True)) for channel in range(7)
        ] == expected
    halves = []
    for of in (np.arange(0, 90, 2), np.arange(1, 90, 2)):
        halves.append(Ranking.empty(7, k))
        mining._enter(halves[-1], maps[of], maps[of], of, photographs)
    for one, other in (halves, halves[::-1]):
        both = one.best(other, photographs)
        assert [
            list(zip(*(a[channel].tolist() for a in both.arrays()), strict=True)) for channel in range(7)
        ] == expected


def test_a_search_in_parts_of_photographs_finds_different_photographs_resumed_and_merged(lenet, tmp_path):
    pictures, layers, keep = crops(100), layers_of(lenet), tmp_path / "x.parquet"
    whole = mine(lenet, pictures, layers)
    source = dict(zip(pictures.ids, pictures.sources, strict=True))
    every = mine(lenet, Pixels(pictures.pictures), layers, k=100)
    for layer in whole.layers:
        for channel in range(whole.channels(layer)):
            entries = every.entries(layer, channel)
            sources = [source[entry.picture] for entry in entries]
            firsts = [entry for i, entry in enumerate(entries) if sources[i] not in sources[:i]]
            assert whole.entries(layer, channel) == firsts[:9]
    mine(lenet, pictures, layers, keep=keep, stopped=stop_after(2))
    assert same(mine(lenet, pictures, layers, keep=keep), whole)
    assert same(open_top(keep), whole)
    names = random.Random(2).sample(pictures.ids, 100)
    one, other = (mine(lenet, some_of(pictures, some), layers) for some in (names[:37], names[37:]))
    assert set(one.photographs) & set(other.photographs)
    assert same(merge(one, other), whole)
    assert same(merge(other, one), whole)


def test_a_set_of_fewer_photographs_than_places_shows_each_once(lenet):
    top = mine(lenet, crops(60, photographs=4), layers_of(lenet))
    of = dict(zip(top.names, top.photographs, strict=True))
    for layer in top.layers:
        found = [of[entry.picture] for entry in top.entries(layer, 0)]
        assert len(found) == len(set(found)) == len(set(top.photographs)) < 9


def of_before(top: Top, path: Path, format: int = 1) -> Path:
    """The file that earlier versions wrote of a result."""
    table = files._table(top).drop_columns(list(files.LACKS[format]))
    about = json.loads(table.schema.metadata[files.ABOUT]) | {"format": format}
    del about["key"]["ranked_by"]
    parquet.write_table(table.replace_schema_metadata({files.ABOUT: json.dumps(about)}), path)
    return path


@pytest.mark.parametrize("format", [1, 2])
def test_a_file_of_an_earlier_version_is_opened_and_gone_on_with(lenet, tmp_path, format):
    pictures, layers = Pixels(noise(70)), layers_of(lenet)
    keep = of_before(mine(lenet, pictures, layers, stopped=stop_after(1)), tmp_path / "x.parquet", format)
    told: list[int] = []
    whole = mine(lenet, pictures, layers, keep=keep, report=lambda done, total: told.append(done))
    assert told[0] == GROUP
    assert same(whole, mine(lenet, pictures, layers))
    assert same(open_top(of_before(whole, keep, format)), whole)


def test_a_file_of_an_earlier_version_with_several_crops_of_a_photograph_says_so(lenet, tmp_path):
    """Then crops had the photograph's name as their class, and nothing else told that they are of one."""
    ids = [f"cat {i},0 64×64" for i in range(3)] + ["dog 0,0 64×64", "cats/0,0 64×64"]
    pictures = dict(zip(ids, noise(5).values(), strict=True))
    labels = {id: id.partition(" ")[0] for id in ids[:4]} | {ids[4]: "cats"}
    for several, number in ((ids, 5), (ids[2:], 3)):
        top = mine(lenet, Pixels({id: pictures[id] for id in several}, labels), layers_of(lenet))
        file = of_before(top, tmp_path / "x.parquet")
        if number == 5:
            with pytest.raises(Refused, match="several crops a photograph"):
                open_top(file)
        else:
            assert open_top(file).photographs == ["cat", "cats/0,0 64×64", "dog"]


# What else comes of it -------------------------------------------------------------------------------------------


def test_labels_are_the_pictures_classes(lenet):
    pictures = noise(12)
    classes = {name: f"class {i % 3}" for i, name in enumerate(pictures)}
    top = mine(lenet, Pixels(pictures, classes), layers_of(lenet))
    entries = [entry for layer in top.layers for entry in top.entries(layer, 0)]
    assert all(entry.label == classes[entry.picture] for entry in entries)
    assert mine(lenet, Pixels(pictures), layers_of(lenet)).entries(top.layers[0], 0)[0].label is None


def test_unreadable_pictures_are_counted_and_listed_and_change_nothing(lenet):
    good = noise(20)
    bad = {f"{i:03d}": PictureRefused("The file is empty.") for i in (0, 3, 500, 999)} | {
        "\u202e\n\0": PictureRefused("a {b}", b="x")
    }
    top = mine(lenet, Pixels(good | bad), layers_of(lenet))
    alone = mine(lenet, Pixels(good), layers_of(lenet))
    assert (top.counted, top.total, top.unreadable_in_all) == (25, 25, 5)
    assert [(id, str(why)) for id, why in top.unreadable] == sorted((id, str(why)) for id, why in bad.items())
    assert [top.entries(layer, 1) for layer in top.layers] == [alone.entries(layer, 1) for layer in top.layers]


def test_a_set_of_nothing_but_unreadable_pictures_has_no_maps(lenet, tmp_path):
    top = mine(lenet, Pixels({f"{i:05d}": PictureRefused("The file is empty.") for i in range(1200)}), layers_of(lenet))
    assert top.finished
    assert (len(top.unreadable), top.unreadable_in_all) == (MOST_LISTED, 1200)
    assert top.channels(top.layers[0]) == 0
    save(top, tmp_path / "x.parquet")
    assert same(open_top(tmp_path / "x.parquet"), top)


def test_a_folders_broken_files_do_not_end_the_search(lenet, tmp_path):
    for name, pixels in noise(10).items():
        Image.fromarray(pixels).save(tmp_path / name)
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "empty.png").touch()
    (tmp_path / "gone.png").write_bytes(b"x")
    pictures = folder(tmp_path, tmp_path)
    (tmp_path / "gone.png").unlink()
    top = mine(lenet, pictures, layers_of(lenet))
    assert {id for id, _ in top.unreadable} == {"broken.png", "text.jpg", "gone.png"}
    assert [id for id, _ in pictures.skipped] == ["empty.png"]
    assert top.counted == 13


@pytest.mark.parametrize("k", [0, -1, 101])
def test_k_has_limits(lenet, k):
    with pytest.raises(Refused, match="1 to 100"):
        mine(lenet, Pixels(noise(1)), layers_of(lenet), k=k)


def test_a_layer_that_is_not_there_or_has_no_maps_is_refused(lenet):
    with pytest.raises(TraceRefused, match="no layer “nonsense”"):
        mine(lenet, Pixels(noise(1)), ["nonsense"])
    convnext = load("convnext_tiny", "random", "cpu")
    odd = next(name for node, name in traced(convnext.model).names.items() if node.op == "get_attr")
    with pytest.raises(TraceRefused, match="no feature maps"):
        mine(convnext, Pixels(noise(1)), [odd])


def test_the_network_is_left_as_it_was(zfnet):
    before, attributes = state_of(zfnet.model), {name: set(vars(m)) for name, m in zfnet.model.named_modules()}
    threads, torch_threads, dice = threading.active_count(), torch.get_num_threads(), torch.get_rng_state()
    mine(zfnet, Pixels(noise(9)), layers_of(zfnet))
    mine(zfnet, Pixels(noise(30)), layers_of(zfnet), stopped=lambda: True)
    with pytest.raises(TraceRefused):
        mine(zfnet, Pixels(noise(9)), ["nonsense"])
    assert state_of(zfnet.model) == before
    assert {name: set(vars(m)) for name, m in zfnet.model.named_modules()} == attributes
    assert not any(m._forward_hooks or m._forward_pre_hooks or m.training for m in zfnet.model.modules())
    assert not any(p.requires_grad or p.grad is not None for p in zfnet.model.parameters())
    assert threading.active_count() == threads
    assert torch.get_num_threads() == torch_threads
    assert torch.equal(torch.get_rng_state(), dice)


def test_no_more_pictures_are_decoded_ahead_than_asked_for(lenet):
    opened, furthest, done = 0, 0, 0
    pictures = Pixels(noise(100))
    open_one = pictures.open

    def counting(id: str) -> Image.Image:
        nonlocal opened, furthest
        opened += 1
        furthest = max(furthest, opened - done)
        return open_one(id)

    def report(now: int, total: int) -> None:
        nonlocal done
        done = now

    pictures.open = counting
    mine(lenet, pictures, layers_of(lenet), report=report, ahead=16)
    assert opened == 100
    assert GROUP <= furthest <= 16 + GROUP


def test_progress_is_told_after_every_group(lenet):
    told: list[tuple[int, int]] = []
    mine(lenet, Pixels(noise(100)), layers_of(lenet), report=lambda *now: told.append(now))
    assert told == [(done, 100) for done in (0, 32, 64, 96, 100)]


# Keeping, stopping, resuming -------------------------------------------------------------------------------------


def stop_after(groups: int):
    asked = iter(range(groups))
    return lambda: next(asked, None) is None


@pytest.mark.parametrize("groups", [0, 1, 2, 3])
def test_a_stopped_search_goes_on_where_it_was(lenet, tmp_path, groups):
    keep, bad = tmp_path / "kept.parquet", {"0": PictureRefused("The file is empty."), "f": PictureRefused("a")}
    pictures, layers = Pixels(noise(126) | bad), layers_of(lenet)
    part_of = mine(lenet, pictures, layers, keep=keep, stopped=stop_after(groups))
    assert (part_of.counted, part_of.finished) == (groups * GROUP, False)
    with pytest.raises(Refused, match=f"not finished: {groups * GROUP} of 128"):
        open_top(keep)
    told: list[int] = []
    whole = mine(lenet, pictures, layers, keep=keep, report=lambda done, total: told.append(done))
    assert told[0] == groups * GROUP
    assert same(whole, mine(lenet, pictures, layers))
    assert same(open_top(keep), whole)
    assert os.listdir(tmp_path) == ["kept.parquet"]


def test_the_state_is_saved_while_the_search_goes_on(lenet, tmp_path):
    keep, seen = tmp_path / "kept.parquet", []
    mine(
        lenet,
        Pixels(noise(120)),
        layers_of(lenet),
        keep=keep,
        every=0,
        report=lambda *_: seen.append(keep.exists() and files.read(keep).counted),
    )
    assert seen == [False, *range(0, 120, GROUP)]


def test_a_state_of_something_else_is_never_mixed_in(lenet, tmp_path):
    keep, layers = tmp_path / "kept.parquet", layers_of(lenet)
    one, other = Pixels(noise(80)), Pixels({name: pixels[::-1] for name, pixels in noise(80).items()})
    mine(lenet, one, layers, keep=keep, stopped=stop_after(2))
    assert same(mine(lenet, other, layers, keep=keep), mine(lenet, other, layers))
    mine(lenet, one, layers, k=3, keep=keep, stopped=stop_after(2))
    assert same(mine(lenet, one, layers, keep=keep), mine(lenet, one, layers))


def test_a_damaged_state_is_begun_anew(lenet, tmp_path):
    keep, pictures = tmp_path / "kept.parquet", Pixels(noise(20))
    keep.write_bytes(b"PAR1 nothing PAR1")
    assert same(mine(lenet, pictures, layers_of(lenet), keep=keep), mine(lenet, pictures, layers_of(lenet)))


def test_where_nothing_can_be_written_is_known_before_the_search(lenet, tmp_path):
    pictures = Pixels(noise(3))
    pictures.open = None  # nothing may be opened
    with pytest.raises(Refused, match="cannot be written"):
        mine(lenet, pictures, layers_of(lenet), keep=tmp_path / "missing" / "x.parquet")


# Files -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def top(lenet) -> Top:
    pictures = noise(30)
    bad = {"0\n\u202e": PictureRefused("The {kind} file", kind="PNG")}
    return mine(
        lenet,
        Pixels(pictures | bad, {name: name[0] for name in pictures}, {name: name[1] for name in pictures}),
        layers_of(lenet),
    )


def test_a_file_gives_back_what_was_saved(top, tmp_path):
    save(top, tmp_path / "x.parquet")
    found = open_top(tmp_path / "x.parquet")
    assert same(found, top)
    assert (found.key, found.title, found.names) == (top.key, top.title, top.names)
    assert found.photographs == top.photographs != top.names
    for layer in top.layers:
        for channel in range(top.channels(layer)):
            assert found.entries(layer, channel) == top.entries(layer, channel)


def test_a_file_has_a_row_an_entry_for_other_programs(top, tmp_path):
    save(top, tmp_path / "x.parquet")
    rows = parquet.read_table(tmp_path / "x.parquet").to_pylist()
    layer = top.layers[0]
    found = [row for row in rows if row["layer"] == layer and row["channel"] == 2]
    entries = [Entry(r["picture"], r["value"], r["row"], r["column"], r["label"]) for r in found]
    assert [row["rank"] for row in found] == list(range(9))
    assert entries == top.entries(layer, 2)


def test_a_result_is_found_by_its_key_and_by_no_other(lenet, top, tmp_path):
    save(top, file_of(top.key, tmp_path))
    assert same(find(top.key, tmp_path), top)
    others = {
        "network": "lenet",
        "weights": "random seed 1",
        "preprocess": replace(top.key.preprocess, mean=(0.5,)),
        "fingerprint": "0" * 64,
        "k": 8,
        "layers": top.key.layers[:2],
    }
    for name, value in others.items():
        other = replace(top.key, **{name: value})
        assert file_of(other, tmp_path) != file_of(top.key, tmp_path)
        save(top, file_of(other, tmp_path))  # under a wrong name
        assert find(other, tmp_path) is None
    file_of(top.key, tmp_path).write_bytes(b"damaged")
    assert find(top.key, tmp_path) is None


def test_the_key_tells_options_layers_and_weights_apart(lenet):
    pictures, layers = Pixels(noise(2)), layers_of(lenet)
    key = key_of(lenet, pictures, layers)
    assert key == key_of(lenet, pictures, list(reversed(layers)) + layers)
    assert key.layers == tuple(layers)
    assert key.weights == f"random seed 0, torch {torch.__version__}"
    assert key_of(load("lenet5", "shipped", "cpu"), pictures, layers).weights != key.weights
    assert key_of(load("lenet5", "random", "cpu", num_classes=7), pictures, layers).network != key.network


def damaged(top: Top, tmp_path: Path, change) -> Path:
    """A file whose table and metadata were changed by `change(columns, about)`."""
    table = files._table(top)
    columns = {name: table[name].to_pylist() for name in table.column_names}
    about = json.loads(table.schema.metadata[files.ABOUT])
    change(columns, about)
    schema = files.TABLE.with_metadata({files.ABOUT: json.dumps(about)})
    parquet.write_table(pa.table(columns, schema=schema), tmp_path / "x.parquet")
    return tmp_path / "x.parquet"


def set_first(column: str, value):
    return lambda columns, about: columns[column].__setitem__(0, value)


def set_about(name: str, value):
    return lambda columns, about: about.update({name: value})


@pytest.mark.parametrize(
    "change",
    [
        *(set_first("channel", value) for value in (-1, 10**6, None)),
        *(set_first("rank", value) for value in (-1, 9, 1)),
        *(set_first("value", value) for value in (float("nan"), float("inf"), -1e9, None)),
        *(set_first("row", value) for value in (-5, None)),
        *(set_first(column, value) for column, value in (("layer", None), ("layer", "other"), ("picture", None))),
        *(set_about("format", value) for value in (4, None)),
        *(set_first("strength", value) for value in (float("nan"), -1e9, None)),
        *(set_about("counted", value) for value in (10**9, -1, "x", None)),
        *(set_about("maps", value) for value in ({}, {"c1": 10**9}, [1], None)),
        *(set_about("key", value) for value in ({}, None, "x")),
        set_about("unreadable", [["a", "{b.__class__}", {"b": 1}]]),
        set_about("unreadable", [["a", "{b:999999999d}", {"b": 1}]]),
        set_about("unreadable", [["a", "{b}", {}]]),
        set_about("unreadable", [[]]),
        lambda columns, about: about["key"].update(k=10**9),
        lambda columns, about: about["key"].update(fingerprint="../../x"),
        lambda columns, about: about["key"]["preprocess"].update(resample=99),
        lambda columns, about: columns.update(picture=[columns["picture"][0]] * len(columns["picture"])),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(top, tmp_path, change):
    with pytest.raises(Refused):
        open_top(damaged(top, tmp_path, change))


def test_a_file_that_was_not_changed_is_opened(top, tmp_path):
    assert same(open_top(damaged(top, tmp_path, lambda columns, about: None)), top)


def test_what_is_no_result_is_refused(top, tmp_path):
    path = tmp_path / "x.parquet"
    with pytest.raises(Refused, match="no file"):
        open_top(path)
    parquet.write_table(pa.table({"a": [1]}), path)
    with pytest.raises(Refused, match="not a result"):
        open_top(path)
    with path.open("wb") as file:
        file.truncate(513 * 2**20)
    with pytest.raises(Refused, match="512 MB"):
        open_top(path)


def test_a_rotted_file_is_refused_or_gives_a_result(top, tmp_path):
    """In a process of its own, so that the reader's crash would be seen as one."""
    path = tmp_path / "x.parquet"
    save(top, path)
    program = """
import random, sys
from pathlib import Path
from models.refusals import Refused
from vis.top9 import Top, open_top
path, dice = Path(sys.argv[1]), random.Random(0)
whole, refused = path.read_bytes(), 0
for _ in range(400):
    content = bytearray(whole)
    for _ in range(dice.randint(1, 4)):
        content[dice.randrange(len(content))] = dice.randrange(256)
    if dice.random() < 0.1:
        del content[dice.randrange(len(content)):]
    path.write_bytes(content)
    try:
        assert isinstance(open_top(path), Top)
    except Refused:
        refused += 1
print(refused)
"""
    done = subprocess.run([sys.executable, "-c", program, path], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert 100 < int(done.stdout) <= 400


def test_a_save_that_fails_leaves_the_old_file_and_nothing_else(top, tmp_path, monkeypatch):
    path = tmp_path / "x.parquet"
    save(top, path)
    before = path.read_bytes()

    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.parquet, "write_table", full)
    with pytest.raises(Refused, match="No space"):
        save(top, path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["x.parquet"]


def test_what_a_killed_program_left_half_written_is_cleared_away(top, tmp_path):
    old, new = (tmp_path / f"x.parquet.{name}.partial" for name in ("old", "new"))
    for partial in (old, new):
        partial.touch()
    os.utime(old, (0, 0))
    save(top, tmp_path / "x.parquet")
    assert sorted(os.listdir(tmp_path)) == ["x.parquet", new.name]


# Merging ---------------------------------------------------------------------------------------------------------


def test_merging_equals_one_run_over_both(lenet):
    good, bad = noise(40), {f"{i}x": PictureRefused("The file is empty.") for i in range(6)}
    names = random.Random(1).sample(sorted(good | bad), 46)
    pictures, classes = good | bad, {name: name[0] for name in good}
    halves = [Pixels({name: pictures[name] for name in some}, classes) for some in (names[:13], names[13:])]
    one, other = (mine(lenet, half, layers_of(lenet)) for half in halves)
    whole = mine(lenet, Pixels(pictures, classes), layers_of(lenet))
    assert same(merge(one, other), whole)
    assert same(merge(other, one), whole)
    assert merge(one, other).key == whole.key


def test_merging_with_a_set_of_unreadable_pictures_changes_no_ranking(lenet):
    good, bad = noise(12), {"x": PictureRefused("The file is empty.")}
    one, other = (mine(lenet, Pixels(some), layers_of(lenet)) for some in (good, bad))
    assert same(merge(other, one), mine(lenet, Pixels(good | bad), layers_of(lenet)))


def test_what_does_not_belong_together_is_not_merged(lenet, zfnet):
    pictures, layers = noise(20), layers_of(lenet)
    names = sorted(pictures)
    first, second = (Pixels({name: pictures[name] for name in some}) for some in (names[:10], names[10:]))
    one, other = mine(lenet, first, layers), mine(lenet, second, layers)
    for wrong in (
        mine(lenet, second, layers, k=3),
        mine(lenet, second, layers[:1]),
        mine(zfnet, second, layers_of(zfnet)),
    ):
        with pytest.raises(Refused, match="different networks"):
            merge(one, wrong)
    with pytest.raises(Refused, match="share pictures"):
        merge(one, one)
    with pytest.raises(Refused, match="share pictures"):
        merge(one, mine(lenet, Pixels(pictures), layers))
    with pytest.raises(Refused, match="unfinished"):
        merge(other, mine(lenet, first, layers, stopped=lambda: True))


# Patches and projections -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["zfnet_mini", "lenet5", "convnext_tiny"])
def test_patches_stand_beside_projections_of_the_same_box(name):
    loaded = load(name, "random", "cpu")
    pictures = Pixels(noise(5, side=64))
    for layer in layers_of(loaded)[:3]:
        top = mine(loaded, pictures, [layer], k=3)
        channel = max(range(top.channels(layer)), key=lambda c: top.entries(layer, c)[0].value)
        entries = top.entries(layer, channel)
        pairs = patches_and_projections(loaded, pictures, entries, layer, channel)
        assert [pair.entry for pair in pairs] == entries
        for pair in pairs:
            box, unit = pair.projection.box, pair.projection.unit
            assert np.array_equal(pair.patch, pair.pixels[box.top : box.bottom, box.left : box.right])
            assert pair.patch.shape[:2] == tuple(pair.projection.pixels.shape[1:])
            assert (unit.channel, unit.row, unit.column) == (channel, pair.entry.row, pair.entry.column)
            assert unit.activation == pytest.approx(pair.entry.value, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("name", ["lenet5", "convnext_tiny"])
def test_a_picture_that_excites_many_maps_gives_each_what_it_gives_it_alone(name):
    """In float32, which may differ in the last digits with the number of units that go down together."""
    loaded, pictures = load(name, "random", "cpu"), Pixels(noise(1, side=64))
    layer = layers_of(loaded)[1]
    top = mine(loaded, pictures, [layer], k=1)
    wanted = [(channel, top.entries(layer, channel)[0]) for channel in range(11)]
    together = pairs_in(loaded, pictures, pictures.ids[0], wanted, layer)
    assert len(together) == len(wanted)
    for (channel, entry), pair in zip(wanted, together, strict=True):
        (alone,) = patches_and_projections(loaded, pictures, [entry], layer, channel)
        assert pair.projection.unit == alone.projection.unit
        assert pair.projection.box == alone.projection.box
        assert np.array_equal(pair.patch, alone.patch)
        limit = alone.projection.pixels.abs().max().item()
        assert (pair.projection.pixels - alone.projection.pixels).abs().max().item() <= 1e-5 * limit


def test_a_picture_that_is_gone_is_refused(lenet):
    pictures = Pixels(noise(2))
    layer = layers_of(lenet)[0]
    entries = mine(lenet, pictures, [layer]).entries(layer, 0)
    pictures.pictures[entries[0].picture] = PictureRefused("The file is empty.")
    with pytest.raises(PictureRefused):
        patches_and_projections(lenet, pictures, entries, layer, 0)


# The command -----------------------------------------------------------------------------------------------------


def with_photos(root: Path) -> Path:
    """The folder, with 120 pictures of noise and one that cannot be read."""
    for name, pixels in noise(120).items():
        Image.fromarray(pixels).save(root / name)
    (root / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return root


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    return with_photos(tmp_path_factory.mktemp("photos"))


def command(photos: Path, out: Path, *more: str) -> list[str]:
    return ["--model", "lenet5", "--weights", "random", "--pictures", str(photos), "--out", str(out), *more]


def test_the_command_gives_what_the_function_gives_whatever_is_decoded_ahead(lenet, photos, tmp_path, capsys):
    expected = mine(lenet, folder(photos, photos), layers_of(lenet))
    for batch in (1, 3, 64):
        out = tmp_path / f"{batch}.parquet"
        assert main(command(photos, out, "--batch", str(batch), "--device", "cpu")) == 0
        assert same(open_top(out), expected)
    said = capsys.readouterr()
    assert "121 of 121 pictures, 1 unreadable" in said.out
    assert "broken.png: The PNG file is damaged" in said.err


def test_parts_that_are_merged_by_command_are_the_whole(photos, tmp_path):
    names = [tmp_path / name for name in ("1.parquet", "2.parquet", "both.parquet", "whole.parquet")]
    for i in (1, 2):
        assert main(command(photos, names[i - 1], "--part", f"{i}/2", "--layers", "C3", "C1")) == 0
    assert main(["--merge", str(names[0]), str(names[1]), "--out", str(names[2])]) == 0
    assert main(command(photos, names[3], "--layers", "C1", "C3")) == 0
    assert same(open_top(names[2]), open_top(names[3]))


@pytest.mark.parametrize(
    "more",
    [
        ["--pictures", "missing"],
        ["--pictures", "missing.zip"],
        ["--pictures", "CIFAR10:missing"],
        ["--layers", "nonsense"],
        ["--weights", "nonsense"],
        ["--out", "missing/x.parquet"],
        ["--k", "0"],
        ["--part", "3/2"],
    ],
)
def test_a_refusal_is_one_sentence(photos, tmp_path, capsys, more):
    assert main([*command(photos, tmp_path / "x.parquet"), *more]) == 1
    said = capsys.readouterr().err.strip()
    assert len(said.splitlines()) == 1
    assert said.endswith(".")
    assert "Traceback" not in said
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_named_as_it_was_given(photos, tmp_path, capsys):
    assert main([*command(photos, tmp_path / "x.parquet"), "--pictures", "not/there"]) == 1
    assert "There is no folder not/there" in capsys.readouterr().err


@pytest.mark.parametrize(
    "more",
    [
        *(["--model", "nonsense"], ["--part", "x"], ["--merge", "one"], ["--out", "."]),
        *(["--batch", "0"], ["--threads", "0"], ["--engine", "ray", "--workers", "2"]),
    ],
)
def test_arguments_that_are_not_understood_exit_with_two(photos, tmp_path, more):
    with pytest.raises(SystemExit) as ended:
        main([*command(photos, tmp_path / "x.parquet"), *more])
    assert ended.value.code == 2


def test_another_result_is_not_written_over_unless_asked_for(photos, tmp_path, capsys):
    out = tmp_path / "x.parquet"
    out.write_text("precious")
    assert main(command(photos, out)) == 1
    assert "holds something else" in capsys.readouterr().err
    assert out.read_text() == "precious"
    assert main(command(photos, out, "--no-resume")) == 0
    assert open_top(out).counted == 121


def started(photos: Path, out: Path) -> ForkServerProcess:
    """The command as a process of its own."""
    process = FORKS.Process(target=slow_search, args=(command(photos, out), out.with_suffix(".txt")))
    process.start()
    return process


def counted(out: Path) -> int:
    return files.read(out).counted if out.exists() else 0


@pytest.mark.timeout(180)
def test_killed_at_random_moments_and_resumed_the_result_is_the_same(lenet, photos, tmp_path):
    """Each run is killed at a random moment of the two groups after it began to count."""
    pictures, out, dice = folder(photos, photos), tmp_path / "x.parquet", random.Random(0)
    kills = 0
    while kills < 10:
        begun, process = counted(out), started(photos, out)
        if begun == len(pictures.ids):
            out.unlink()  # it is finished already: once more from the beginning
            begun = 0
        ends = time.monotonic() + 60
        while counted(out) <= begun and process.is_alive() and time.monotonic() < ends:
            time.sleep(0.02)
        time.sleep(dice.random() * 0.1)
        process.kill()
        process.join()
        kills += process.exitcode == -signal.SIGKILL
    process = started(photos, out)
    process.join(60)
    assert process.exitcode == 0
    assert same(open_top(out), mine(lenet, pictures, layers_of(lenet)))


@pytest.mark.timeout(120)
@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_says_how_it_goes_on(lenet, photos, tmp_path, asked):
    out = tmp_path / "x.parquet"
    process = started(photos, out)
    ends = time.monotonic() + 60
    while counted(out) < GROUP and process.is_alive() and time.monotonic() < ends:
        time.sleep(0.01)
    os.kill(process.pid, asked)
    process.join(60)
    assert process.exitcode == 130
    said = out.with_suffix(".txt").read_text()
    assert "goes on from" in said
    assert "Traceback" not in said
    assert GROUP <= counted(out) < 121
    assert main(command(photos, out)) == 0
    assert same(open_top(out), mine(lenet, folder(photos, photos), layers_of(lenet)))
