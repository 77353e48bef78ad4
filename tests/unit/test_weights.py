"""Weights: loaded or refused. The files here are real, and so is the process that opens the pickled ones."""

import hashlib
import io
import json
import os
import struct
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save, save_file
from torch import nn

from models import statefile
from models import temporary as models_temporary
from models.pickled import unpickled
from models.statefile import WeightsRefused, read_state_dict
from models.weights import SHIPPED, card, fit, save_shipped, shipped


def small(classes: int = 4) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 6, 3),  # (N, 3, 8, 8) -> (N, 6, 6, 6)
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),  # -> (N, 6, 1, 1)
        nn.Flatten(),
        nn.Linear(6, classes),
    )


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(
        one[k].dtype == other[k].dtype and torch.equal(one[k], other[k]) for k in one
    )


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The folder for temporary files, this process's own in it; both must be empty again when the test is over."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    own = tmp_path / "own"
    own.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setattr(models_temporary, "_own", lambda: own)
    yield folder
    assert list(folder.iterdir()) == []
    assert list(own.iterdir()) == []


# ---- shipped ----


@pytest.fixture
def shelf(tmp_path):
    """A folder with the weights of a network "small" after epochs 1 and 2, as models.train ships them."""
    entries = []
    for epoch, file in ((1, "small.epoch01.safetensors"), (2, "small.safetensors")):
        sha256 = save_shipped(small().state_dict(), tmp_path / file)
        entries.append(
            {
                "file": file,
                "epoch": epoch,
                "sha256": sha256,
                "top1": 1.5,
                "top5": 7.5,
                "dead_first_layer_filters": epoch,
            }
        )
    said = {
        "architecture": "small",
        "made": "2025-01-01",
        "data": "noise",
        "command": "python -m models.train small",
        "validation_pictures": 18,
        "mean": [0.5, 0.5, 0.5],
        "std": [0.25, 0.25, 0.25],
        "files": entries,
        "log": [],
        "categories": ["a", "b", "c", "d"],
    }
    (tmp_path / "small.json").write_text(json.dumps(said))
    return tmp_path


def test_shipped_weights_are_the_last_epochs_in_single_precision(shelf):
    state, about = shipped("small", folder=shelf)
    assert {values.dtype for values in state.values()} == {torch.float32, torch.int64}
    assert hashlib.sha256((shelf / about.at().file).read_bytes()).hexdigest() == about.at().sha256
    assert about.at() == about.at(2) != about.at(1)
    assert about.categories == ("a", "b", "c", "d")
    assert fit(small(), state)


def test_earlier_epochs_that_were_kept_can_be_had(shelf):
    first, _ = shipped("small", epoch=1, folder=shelf)
    last, _ = shipped("small", epoch=2, folder=shelf)
    assert not torch.equal(first["0.weight"], last["0.weight"])


def test_an_epoch_that_was_not_kept_is_refused_with_those_that_were(shelf):
    with pytest.raises(WeightsRefused, match=r"epoch 3; choose one of 1, 2\."):
        shipped("small", epoch=3, folder=shelf)


def test_a_network_without_shipped_weights_has_none(tmp_path):
    assert card("small", tmp_path) is None
    assert shipped("small", folder=tmp_path) is None


def test_shipped_weights_that_are_not_their_cards_are_refused(shelf):
    file = shelf / "small.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(WeightsRefused, match=r"small\.safetensors is missing or not as it shipped"):
        shipped("small", folder=shelf)
    file.unlink()
    with pytest.raises(WeightsRefused, match=r"small\.safetensors is missing or not as it shipped"):
        shipped("small", folder=shelf)


@pytest.mark.parametrize("said", ["", "{}", '{"architecture": "small", "data": 1', "[]", "\x00"])
def test_a_card_cut_short_is_refused(shelf, said):
    (shelf / "small.json").write_text(said)
    with pytest.raises(WeightsRefused, match=r"small\.json"):
        card("small", shelf)


def test_what_ships_can_be_read():
    """Every card in the repository, and every checkpoint it names."""
    for path in SHIPPED.glob("*.json"):
        for checkpoint in card(path.stem).files:
            state, _ = shipped(path.stem, checkpoint.epoch)
            assert all(values.isfinite().all() for values in state.values())


# ---- a file of the user that is good ----


def written(path: Path, content: object, **how) -> Path:
    torch.save(content, path, **how)
    return path


@pytest.mark.parametrize("ending", ["safetensors", "pt", "bin"])
def test_a_safetensors_file_is_read_whatever_its_ending(tmp_path, ending):
    state = small().state_dict()
    save_file(state, tmp_path / f"mine.{ending}")
    assert same(read_state_dict(tmp_path / f"mine.{ending}"), state)


def test_a_safetensors_file_needs_no_child_process(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere")
    save_file(small().state_dict(), tmp_path / "mine.safetensors")
    assert read_state_dict(tmp_path / "mine.safetensors")


def test_a_saved_state_dict_is_read_whatever_its_ending(tmp_path, temporary):
    state = small().state_dict()
    assert same(read_state_dict(written(tmp_path / "mine.safetensors", state)), state)
    assert same(unpickled(written(tmp_path / "mine.pth", state), "mine.pth"), state)


def test_a_file_that_was_read_needs_no_child_again_whatever_it_is_called_but_another_one_does(tmp_path, monkeypatch):
    state = small().state_dict()
    file = written(tmp_path / "mine.pt", state)
    read_state_dict(file)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    again = tmp_path / "again.pt"
    again.write_bytes(file.read_bytes())
    assert same(read_state_dict(again), state)
    written(file, state | {"5.bias": torch.ones(4)})
    assert "mine.pt is damaged" in refusal_of(file)


def test_a_file_older_than_torch_1_6_is_read(tmp_path, temporary):
    state = small().state_dict()
    old = written(tmp_path / "mine.th", {"model": state, "best": None}, _use_new_zipfile_serialization=False)
    assert not zipfile.is_zipfile(old)
    assert same(read_state_dict(old), {f"model.{key}": values for key, values in state.items()})


def test_a_tensor_is_called_by_all_dictionaries_that_lead_to_it(tmp_path):
    state, other = small().state_dict(), torch.ones(3)
    inner = {"ema": {"net": state, 3: other}, "epoch": 3, "best": [other], "optimizer": {"state": {0: {"a": other}}}}
    found = unpickled(written(tmp_path / "mine.pt", {"a": other, "b": inner, "optimizer": {"a": other}}), "mine.pt")
    assert same(found, {"a": other} | {f"b.ema.net.{key}": values for key, values in state.items()})


def test_two_tensors_of_one_name_are_refused(tmp_path):
    twice = {"a.b": torch.ones(1), "a": {"b": torch.zeros(1)}}
    assert "two tensors that are called a.b;" in refusal_inside_the_child(written(tmp_path / "mine.pt", twice))


def test_dictionaries_in_a_circle_and_very_deep_ones_have_an_end(tmp_path):
    circle: dict = {"a": torch.ones(2)}
    circle["self"] = {"again": circle}
    deep: dict = {"b": torch.ones(2)}
    for _ in range(100):
        deep = {"c": deep}
    found = unpickled(written(tmp_path / "mine.pt", circle | {"deep": deep}), "mine.pt")
    assert found.keys() == {"a", "self.again.a"}


def test_tied_strided_and_half_precision_tensors_come_whole(tmp_path):
    tied = torch.randn(4, 6)
    state = {
        "a": tied,
        "b": tied,
        "c": tied.T,
        "d": tied[1:3, ::2],
        "e": tied.bfloat16(),
        "f": tied.double(),
        "g": tied[0, 0],
    }
    found = unpickled(written(tmp_path / "mine.pt", state), "mine.pt")
    assert same(found, state)
    save_file(found, tmp_path / "mine.safetensors")  # which takes neither tied nor strided ones
    assert same(read_state_dict(tmp_path / "mine.safetensors"), state)


def test_what_is_read_no_longer_depends_on_the_file(tmp_path):
    state = small().state_dict()
    save_file(state, tmp_path / "mine.safetensors")
    found = read_state_dict(tmp_path / "mine.safetensors")
    (tmp_path / "mine.safetensors").write_bytes(b"")
    assert same(found, state)


# ---- … and that is not ----


def refusal_of(path: Path, **how) -> str:
    with pytest.raises(WeightsRefused) as refused:
        read_state_dict(path, **how)
    said = str(refused.value)
    assert said.endswith(".")
    assert how.get("name", path.name) in said
    assert len(said) < 1000
    return said


def refusal_inside_the_child(path: Path) -> str:
    """The refusal as the child would hand it on; nothing in these files needs the child's limits."""
    with pytest.raises(WeightsRefused) as refused:
        unpickled(path, path.name)
    return str(refused.value)


class Shell:
    def __init__(self, command: str):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


class Hoard:
    """As a pickle: 2 GiB, asked for with nothing that weights_only forbids."""

    def __reduce__(self):
        return bytearray, (1 << 31,)


def test_code_in_a_pickle_is_not_run(tmp_path, temporary):
    evil = {"a": torch.ones(1), "b": Shell(f"touch {tmp_path / 'run'}")}
    assert "more than tensors" in refusal_of(written(tmp_path / "evil.pt", evil))
    for old in (False, True):
        file = written(tmp_path / "evil.pt", evil, _use_new_zipfile_serialization=not old)
        assert "more than tensors" in refusal_inside_the_child(file)
    assert not (tmp_path / "run").exists()
    torch.load(file, weights_only=False)
    assert (tmp_path / "run").exists()  # so it would have worked


def test_a_whole_model_is_refused_with_the_way_to_save_it(tmp_path):
    assert "torch.save(model.state_dict()" in refusal_inside_the_child(written(tmp_path / "whole.pt", small()))


def test_a_zip_bomb_is_refused(tmp_path):
    plain = written(tmp_path / "plain.pt", {"a": torch.zeros(1 << 24)})  # 64 MiB
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(tmp_path / "bomb.pt", "w", zipfile.ZIP_DEFLATED) as bomb:
        for record in source.infolist():
            bomb.writestr(record.filename, source.read(record))
    assert (tmp_path / "bomb.pt").stat().st_size < 100_000
    assert torch.load(tmp_path / "bomb.pt", weights_only=True)["a"].shape == (1 << 24,)  # torch itself is glad to
    assert "far more than its size" in refusal_inside_the_child(tmp_path / "bomb.pt")


def test_one_value_repeated_a_billion_times_is_refused(tmp_path):
    file = written(tmp_path / "a.pt", {"a": torch.ones(1).expand(1 << 30)})
    assert "far more than its size" in refusal_inside_the_child(file)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps a process's memory in bounds")
def test_a_pickle_that_wants_all_memory_ends_its_own_process_only(tmp_path, temporary):
    assert "more memory than a file of its size should" in refusal_of(written(tmp_path / "a.pt", {"a": Hoard()}))


def test_a_child_that_takes_too_long_is_given_up(tmp_path, temporary, monkeypatch):
    monkeypatch.setattr(statefile, "SECONDS_AT_MOST", 0.2)
    started = time.monotonic()
    assert "in 0.2 s" in refusal_of(written(tmp_path / "slow.pt", small().state_dict()))
    assert time.monotonic() - started < 2


def test_a_child_that_dies_is_a_sentence(tmp_path, temporary, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert "damaged" in refusal_of(written(tmp_path / "a.pt", small().state_dict()))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(
            {"a": torch.eye(3).to_sparse()}, "not: a;", marks=pytest.mark.filterwarnings("ignore:Validating sparse")
        ),
        ({"a": torch.ones(2, device="meta")}, "not: a;"),
        ({"a": 3, "epoch": 7}, "more than tensors"),
        (torch.ones(3), "Tensor where a state_dict"),
        ({}, "{} where a state_dict"),
        ({str(i): torch.ones(()) for i in range(20_001)}, "20000 tensors"),
    ],
    ids=["sparse", "meta", "numbers", "one tensor", "empty", "many"],
)
def test_what_is_not_a_dictionary_of_plain_tensors_is_refused(tmp_path, content, said):
    assert said in refusal_inside_the_child(written(tmp_path / "other.pt", content))


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor", "ignore:TypedStorage")
def test_quantised_and_complex_tensors_are_refused(tmp_path):
    state = {
        "good": torch.ones(2),
        "quantised": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8),
        "complex": torch.ones(2, dtype=torch.complex64),
    }
    assert "not: quantised, complex;" in refusal_inside_the_child(written(tmp_path / "a.pt", state))


def picture() -> bytes:
    from PIL import Image

    content = io.BytesIO()
    Image.new("RGB", (8, 8)).save(content, "PNG")
    return content.getvalue()


@pytest.mark.parametrize(
    "content", [b"", b"{", picture(), b"<!DOCTYPE html>" * 10], ids=["empty", "short", "PNG", "HTML"]
)
@pytest.mark.parametrize("ending", ["pt", "safetensors"])
def test_what_is_no_weights_file_at_all_is_refused(tmp_path, content, ending):
    (tmp_path / f"mine.{ending}").write_bytes(content)
    assert "neither a safetensors file nor one that torch.save wrote" in refusal_of(tmp_path / f"mine.{ending}")


@pytest.mark.parametrize("old", [False, True], ids=["zip", "pickle"])
def test_a_truncated_file_is_refused(tmp_path, temporary, old):
    whole = written(tmp_path / "whole.pt", small().state_dict(), _use_new_zipfile_serialization=not old).read_bytes()
    (tmp_path / "half.pt").write_bytes(whole[: len(whole) // 2])
    assert "damaged" in refusal_of(tmp_path / "half.pt")


def test_a_truncated_safetensors_file_is_refused_wherever_it_ends(tmp_path):
    whole = save(small().state_dict())
    for length in range(10, len(whole), 37):
        (tmp_path / "half.safetensors").write_bytes(whole[:length])
        assert "damaged" in refusal_of(tmp_path / "half.safetensors")


def safetensors(header: object, data: bytes = b"") -> bytes:
    text = header.encode() if isinstance(header, str) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def entry(dtype: object = "F32", shape: object = (1,), offsets: object = (0, 4)) -> dict:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ({"a": {}}, "damaged"),
        ({"a": []}, "damaged"),
        ({"a": entry(offsets=(0, 8))}, "damaged"),
        ({"a": entry(shape=(-1,))}, "damaged"),
        ({"a": entry(shape=("1",))}, "damaged"),
        ({"a": entry(shape=3)}, "damaged"),
        ({"a": entry(), "b": entry()}, "damaged"),  # of the same bytes
        ('{"a":' * 100_000, "damaged"),
        ('{"a": ' + "9" * 10_000, "damaged"),
        ('{"a": \xff', "damaged"),
        ({"a": entry(shape=(0, 1 << 62), offsets=(0, 0))}, "plain tensors"),
        ({"a": entry(shape=[1] * 1000)}, "plain tensors"),
        ({"a": entry(dtype="F8_E4M3", shape=(4,))}, "plain tensors"),
        ({"a": entry(dtype=["F32"])}, "plain tensors"),
        ({"\u202eevil\ud800": entry(dtype="C64")}, "not: �evil�;"),
        ({}, "{} where a state_dict"),
        ({"__metadata__": {"made": "by hand"}}, "{} where a state_dict"),
    ],
)
def test_a_hostile_safetensors_header_is_refused(tmp_path, header, said):
    (tmp_path / "a.safetensors").write_bytes(safetensors(header, b"\0\0\0\0"))
    assert said in refusal_of(tmp_path / "a.safetensors")


@pytest.mark.parametrize("length", [0x80, 0x280, 0x4B50])
def test_a_header_whose_length_begins_like_a_pickle_or_a_zip_is_still_one(tmp_path, monkeypatch, length):
    monkeypatch.setattr(sys, "executable", "/nowhere")
    header = json.dumps({"a": entry()}).ljust(length)
    (tmp_path / "a.safetensors").write_bytes(safetensors(header, struct.pack("<f", 2.5)))
    assert read_state_dict(tmp_path / "a.safetensors")["a"].tolist() == [2.5]


@pytest.mark.parametrize("count", [20_001, 300_000])
def test_a_header_of_too_many_names_is_refused_at_once(tmp_path, count):
    names = ",".join(f'"{i}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}' for i in range(count))
    (tmp_path / "many.safetensors").write_bytes(safetensors("{" + names + "}"))
    started = time.monotonic()
    assert "20000 tensors" in refusal_of(tmp_path / "many.safetensors")
    assert time.monotonic() - started < 1


def test_a_file_above_the_limit_is_refused(tmp_path):
    with (tmp_path / "large.pt").open("wb") as file:
        file.truncate(statefile.FILE_AT_MOST + 1)  # takes no room on the disk
    assert "larger than 1024 MB" in refusal_of(tmp_path / "large.pt")


@pytest.mark.parametrize("name", ["missing.pt", "."])
def test_a_path_without_a_file_is_refused(tmp_path, name):
    with pytest.raises(WeightsRefused, match="There is no file"):
        read_state_dict(tmp_path / name)


def test_an_upload_is_called_what_its_user_calls_it(tmp_path):
    (tmp_path / "tmp1234").write_bytes(b"")
    assert "tmp1234" not in refusal_of(tmp_path / "tmp1234", name="{holiday}.pt")
    with pytest.raises(WeightsRefused) as refused:
        read_state_dict(tmp_path / "tmp1234", name="\u202e\0" + "x" * 5000)
    assert refused.value.values_said["file"] == "��" + "x" * 78 + "…"


# ---- into the network ----


def test_fit_loads_every_value_and_gives_the_model_back():
    source, model = small(), small()
    assert fit(model, source.state_dict()) is model
    assert same(model.state_dict(), source.state_dict())


@pytest.mark.parametrize("classes", [4, 7])
def test_fit_makes_a_skeleton_a_network_with_numbers_of_its_own(classes):
    with torch.device("meta"):
        skeleton = small()
    source = small(classes).eval()
    state = {key: values for key, values in source.state_dict().items() if "batches" not in key}
    image, model = torch.rand(2, 3, 8, 8), fit(skeleton, state).eval()
    expected = source(image)
    assert torch.equal(model(image), expected)
    for values in state.values():
        values.zero_()
    assert torch.equal(model(image), expected)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_fit_converts_to_the_models_own_types(dtype):
    state = small().to(dtype).state_dict()
    found = fit(small(), state).state_dict()
    assert found["0.weight"].dtype == torch.float32
    assert torch.equal(found["0.weight"], state["0.weight"].float())
    assert found["1.num_batches_tracked"].dtype == torch.int64


def test_fit_refuses_a_double_too_large_for_a_float():
    assert "too large for Sequential, in 5.bias;" in unfit(
        small(), {**small().state_dict(), "5.bias": torch.full((4,), 1e300, dtype=torch.float64)}
    )


def test_fit_does_not_need_the_counters_of_batch_norms():
    state = small().state_dict()
    del state["1.num_batches_tracked"]
    assert torch.equal(fit(small(), state)[0].weight, state["0.weight"])


@pytest.mark.parametrize("classes", [1, 3, 10])
def test_fit_adapts_the_last_linear_layer_to_the_files_classes(classes):
    state, model = small(classes).state_dict(), small(4).eval().requires_grad_(False)
    assert fit(model, state)(torch.zeros(2, 3, 8, 8)).shape == (2, classes)
    assert model[5].out_features == classes
    assert same(model.state_dict(), state)
    assert not any(p.requires_grad for p in model.parameters())


def convolutional(classes: int, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Conv2d(6, classes, 1, groups=groups), nn.AdaptiveAvgPool2d(1)
    )


def test_fit_adapts_the_last_convolution_where_that_is_the_classifier():
    model = fit(convolutional(4), convolutional(7).state_dict())
    assert model(torch.zeros(2, 3, 8, 8)).shape == (2, 7, 1, 1)
    assert model[2].out_channels == 7


def test_fit_adapts_a_layer_without_bias_and_a_model_that_is_one_layer():
    assert fit(nn.Linear(3, 2, bias=False), nn.Linear(3, 5, bias=False).state_dict()).weight.shape == (5, 3)


def unfit(model: nn.Module, state: dict[str, torch.Tensor]) -> str:
    """The refusal, after which `model` is as it was."""
    before = {k: v.clone() for k, v in model.state_dict().items()}
    described = repr(model)
    with pytest.raises(WeightsRefused) as refused:
        fit(model, state)
    assert same(model.state_dict(), before)
    assert repr(model) == described
    return str(refused.value)


def test_fit_lists_what_is_missing_unexpected_and_of_another_shape():
    state = small().state_dict()
    del state["5.bias"]
    state["extra"] = torch.ones(1)
    state["0.weight"] = torch.ones(6, 3, 5, 5)
    said = unfit(small(), state)
    assert "1 missing (5.bias)" in said
    assert "1 unexpected (extra)" in said
    assert "1 of another shape (0.weight 6×3×5×5 ≠ 6×3×3×3)" in said


def test_fit_lists_ten_names_at_most_and_how_many_more():
    said = unfit(small(), small().state_dict() | {f"extra{i:02d}": torch.ones(1) for i in range(23)})
    assert "0 missing (–), 23 unexpected (extra00, " in said
    assert "extra09, … +13)" in said
    assert "extra10" not in said


def altered(**changes: torch.Tensor) -> dict[str, torch.Tensor]:
    return small().state_dict() | {name.replace("_", ".", 1): values for name, values in changes.items()}


@pytest.mark.parametrize(
    ("model", "state", "said"),
    [
        (small(), altered(**{"5_weight": torch.ones(3, 6)}), "5.weight 3×6 ≠ 4×6"),  # … with the bias of 4
        (small(), altered(**{"5_bias": torch.ones(3)}), "5.bias 3 ≠ 4"),
        (small(), altered(**{"5_weight": torch.ones(3, 7), "5_bias": torch.ones(3)}), "5.weight 3×7 ≠ 4×6"),
        (small(), altered(**{"5_weight": torch.ones(0, 6), "5_bias": torch.ones(0)}), "5.weight 0×6 ≠ 4×6"),
        (small(), altered(**{"5_weight": torch.tensor(1.0), "5_bias": torch.tensor(1.0)}), "2 of another shape"),
        (small(), small(3).state_dict() | {"1.bias": torch.ones(5)}, "1 of another shape (1.bias 5 ≠ 6)"),
        (small(), {}, "8 missing"),
        (convolutional(4, groups=2), convolutional(6, groups=2).state_dict(), "2.weight 6×3×1×1 ≠ 4×3×1×1"),
        (nn.BatchNorm2d(3), nn.BatchNorm2d(4).state_dict(), "weight 4 ≠ 3"),
    ],
)
def test_fit_adapts_nothing_but_the_number_of_outputs(model, state, said):
    assert said in unfit(model, state)


class WithAuxiliary(nn.Module):
    def __init__(self):
        super().__init__()
        self.features, self.aux1, self.fc = nn.Conv2d(3, 4, 1), nn.Linear(4, 2), nn.Linear(4, 2)


def test_fit_leaves_out_auxiliary_classifiers_only_where_the_model_has_none():
    full, plain = WithAuxiliary(), WithAuxiliary()
    del plain.aux1
    assert torch.equal(fit(plain, full.state_dict()).fc.weight, full.fc.weight)
    assert "2 missing (aux1.weight, aux1.bias)" in unfit(full, plain.state_dict())
    assert "1 unexpected (aux2.weight)" in unfit(full, full.state_dict() | {"aux2.weight": torch.ones(1)})


def test_fit_does_not_touch_the_random_numbers():
    model, state = small(4), small(9).state_dict()
    before = torch.random.get_rng_state()
    fit(model, state)
    assert torch.equal(before, torch.random.get_rng_state())
