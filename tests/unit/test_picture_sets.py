import hashlib
import io
import os
import random
import stat
import struct
import tracemalloc
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torchvision import datasets

from models.decoding import PictureRefused
from models.picture_sets import (
    DATASETS,
    MOST_ENTRIES,
    MOST_LISTED,
    allowed_root,
    archive,
    dataset,
    folder,
    folders,
    part,
    samples,
    sum_of,
    zips,
)
from models.refusals import Refused


def photo(seed: int = 0, size: tuple[int, int] = (40, 30), mode: str = "RGB", kind: str = "PNG") -> bytes:
    """The file of a picture of noise."""
    noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).convert(mode).save(file, kind)
    return file.getvalue()


def zipped(files: dict[str | zipfile.ZipInfo, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return file.getvalue()


def reasons(pictures) -> dict[str, str]:
    return {name: str(reason) for name, reason in pictures.skipped}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with two pictures, one of them in a subfolder, and a secret beside it."""
    (tmp_path / "secret.png").write_bytes(photo(9))
    (tmp_path / "root/cats").mkdir(parents=True)
    (tmp_path / "root/a.png").write_bytes(photo(1))
    (tmp_path / "root/cats/b.jpg").write_bytes(photo(2, kind="JPEG"))
    return tmp_path / "root"


# Folders ---------------------------------------------------------------------------------------------------------


def test_a_folder_gives_its_pictures_in_order_with_their_classes(root):
    pictures = folder(root, root)
    assert pictures.ids == ["a.png", "cats/b.jpg"]
    assert pictures.classes == ["", "cats"]
    assert pictures.sources is None
    assert pictures.title == "root"
    assert pictures.open("cats/b.jpg").size == (40, 30)
    assert not pictures.skipped


@pytest.mark.parametrize("path", ["..", "../..", "missing", "a.png", "cats/../..", "x\0y"])
def test_nothing_outside_the_root_and_nothing_but_a_folder_is_opened(root, path):
    with pytest.raises(Refused, match="no folder"):
        folder(root / path, root)


def test_a_link_to_outside_is_no_way_out(root):
    (root / "out").symlink_to(root.parent)
    with pytest.raises(Refused, match="no folder"):
        folder(root / "out", root)
    (root / "stolen.png").symlink_to(root.parent / "secret.png")
    (root / "inside.png").symlink_to(root / "a.png")
    pictures = folder(root, root)
    assert pictures.ids == ["a.png", "cats/b.jpg", "inside.png"]
    assert "out of the folder" in reasons(pictures)["stolen.png"]
    assert "link to a folder" in reasons(pictures)["out"]


def test_a_file_that_becomes_a_link_to_outside_after_it_was_listed_is_not_opened(root):
    pictures = folder(root, root)
    (root / "a.png").unlink()
    (root / "a.png").symlink_to(root.parent / "secret.png")
    with pytest.raises(PictureRefused, match="out of the folder"):
        pictures.open("a.png")


def test_loops_of_links_end(root):
    (root / "round").symlink_to(root)
    (root / "self.png").symlink_to(root / "self.png")
    pictures = folder(root, root)
    assert pictures.ids == ["a.png", "cats/b.jpg"]
    assert set(reasons(pictures)) == {"round", "self.png"}


@pytest.mark.timeout(20)
def test_a_pipe_is_never_waited_for(root):
    os.mkfifo(root / "pipe.png")
    pictures = folder(root, root)
    assert reasons(pictures) == {"pipe.png": "It is not a plain file."}
    (root / "a.png").unlink()
    os.mkfifo(root / "a.png")
    with pytest.raises(PictureRefused, match="plain file"):
        pictures.open("a.png")


def test_a_file_that_is_gone_after_it_was_listed_is_refused(root):
    pictures = folder(root, root)
    (root / "a.png").unlink()
    with pytest.raises(PictureRefused, match="gone"):
        pictures.open("a.png")


def test_files_that_are_no_pictures_are_listed_with_the_reason(root):
    (root / "notes.txt").write_text("x")
    (root / "._a.png").write_bytes(b"x")
    (root / "empty.png").touch()
    with (root / "huge.bmp").open("wb") as file:
        file.truncate(15 * 2**20 + 1)
    (root / os.fsdecode(b"caf\xe9.png")).write_bytes(photo())
    found = reasons(folder(root, root))
    assert len(found) == 5
    assert "empty" in found["empty.png"]
    assert "15 MB" in found["huge.bmp"]
    assert "UTF-8" in found["caf?.png"]
    assert "the ending of a picture" in found["notes.txt"] == found["._a.png"]


def test_odd_names_are_names(root):
    names = ["new\nline.png", "\u202egnp.exe.png", "<b>.png", "x" * 200 + ".png", " .png", "-rf.png", "%s{0}.png"]
    for name in names:
        (root / name).write_bytes(photo())
    pictures = folder(root, root)
    assert set(names) < set(pictures.ids)
    assert all(pictures.open(name).mode == "RGB" for name in names)


def test_ten_thousand_empty_files_are_counted_and_the_first_listed(tmp_path):
    for i in range(10_000):
        (tmp_path / f"{i}.png").touch()
    with pytest.raises(Refused, match="no pictures"):
        folder(tmp_path, tmp_path)
    (tmp_path / "real.png").write_bytes(photo())
    pictures = folder(tmp_path, tmp_path)
    assert pictures.ids == ["real.png"]
    assert (len(pictures.skipped), pictures.skipped_in_all) == (MOST_LISTED, 10_000)


def test_a_folder_without_pictures_is_refused(tmp_path):
    with pytest.raises(Refused, match="no pictures"):
        folder(tmp_path, tmp_path)


def test_a_folder_with_too_many_files_is_refused(root, monkeypatch):
    monkeypatch.setattr(folders, "MOST_PICTURES", 2)
    assert len(folder(root, root).ids) == 2
    (root / "c.png").touch()
    with pytest.raises(Refused, match="more than 2 files"):
        folder(root, root)
    assert len(folder(root, root, most=3).ids) == 2
    with pytest.raises(Refused, match="more than 1 files"):
        folder(root, root, most=1)


def test_mixed_sizes_and_modes_come_out_as_rgb(tmp_path):
    for i, (mode, kind) in enumerate([("L", "PNG"), ("RGBA", "PNG"), ("P", "GIF"), ("CMYK", "JPEG"), ("1", "BMP")]):
        (tmp_path / f"{i}.{kind.lower()}").write_bytes(photo(i, (20 + 300 * i, 50), mode, kind))
    pictures = folder(tmp_path, tmp_path)
    assert len(pictures.ids) == 5
    assert {pictures.open(id).mode for id in pictures.ids} == {"RGB"}
    assert max(max(pictures.open(id).size) for id in pictures.ids) <= 1024


def test_the_administrator_opens_a_folder_or_none(root, monkeypatch):
    monkeypatch.delenv("CONVSCOPE_PICTURES", raising=False)
    assert allowed_root() is None
    monkeypatch.setenv("CONVSCOPE_PICTURES", str(root / "a.png"))
    assert allowed_root() is None
    monkeypatch.setenv("CONVSCOPE_PICTURES", str(root / "cats" / ".."))
    assert allowed_root() == root.resolve()


# Fingerprints and parts ------------------------------------------------------------------------------------------


def test_the_fingerprint_changes_with_any_picture(root):
    before = folder(root, root).fingerprint
    assert before == folder(root, root).fingerprint
    assert len(before) == 64
    os.utime(root / "a.png", ns=(1, 1))
    touched = folder(root, root).fingerprint
    (root / "a.png").rename(root / "c.png")
    renamed = folder(root, root).fingerprint
    assert len({before, touched, renamed}) == 3


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_parts_are_disjoint_and_together_the_whole_whose_fingerprint_is_their_sum(parts):
    whole = samples({"noise": photo(size=(60, 50))})
    found = [part(whole, i + 1, parts) for i in range(parts)]
    assert sorted(id for pictures in found for id in pictures.ids) == whole.ids
    total = "0" * 64
    for pictures in found:
        total = sum_of(total, pictures.fingerprint)
        assert pictures.open(pictures.ids[0]).size
        assert set(pictures.classes) == set(pictures.sources) == {"noise"}
    assert total == whole.fingerprint


@pytest.mark.parametrize(("number", "parts"), [(0, 2), (3, 2), (1, 0), (1, 10**6)])
def test_a_part_that_there_is_not_is_refused(number, parts):
    with pytest.raises(Refused, match="no part"):
        part(samples({"noise": photo()}), number, parts)


# ZIPs ------------------------------------------------------------------------------------------------------------


def test_a_zip_gives_its_pictures(tmp_path):
    content = zipped({"b/2.png": photo(2), "a.png": photo(1), "b/": b""})
    (tmp_path / "x.zip").write_bytes(content)
    for pictures in (archive(content, "x.zip"), archive(tmp_path / "x.zip", "x.zip")):
        assert (pictures.ids, pictures.classes) == (["a.png", "b/2.png"], ["", "b"])
        assert pictures.open("b/2.png").size == (40, 30)
    assert (
        archive(content, "x").fingerprint == archive(zipped({"a.png": photo(1), "b/2.png": photo(2)}), "y").fingerprint
    )
    assert (
        archive(content, "x").fingerprint != archive(zipped({"a.png": photo(3), "b/2.png": photo(2)}), "y").fingerprint
    )


def link(name: str, kind: int = stat.S_IFLNK) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (kind | 0o777) << 16
    return entry


def test_names_that_lead_out_and_links_are_skipped_and_listed():
    out = ["../up.png", "/etc/x.png", "a/../../x.png", "C:/x.png", "..\\x.png", "//server/x.png"]
    files = {name: photo() for name in out} | {"good.png": photo()}
    found = archive(zipped(files | {link("link.png"): b"/etc/passwd", link("dev.png", stat.S_IFCHR): b"1"}), "x")
    assert found.ids == ["good.png"]
    assert {name for name, why in reasons(found).items() if "leads out" in why} == set(out)
    assert {name for name, why in reasons(found).items() if "plain file" in why} == {"link.png", "dev.png"}


def test_two_entries_of_one_name_are_one_picture():
    content = zipped({"a.png": photo(1), "b.png": photo(2)}).replace(b"b.png", b"a.png")
    found = archive(content, "x")
    assert found.ids == ["a.png"]
    assert "same name" in reasons(found)["a.png"]
    assert np.array_equal(found.open("a.png"), Image.open(io.BytesIO(photo(1))))


def test_a_bomb_is_refused_as_a_whole():
    with pytest.raises(Refused, match="100 times"):
        archive(zipped({"a.png": photo(), "zeros.png": bytes(20 * 2**20)}), "bomb.zip")


def test_a_bomb_that_lies_about_its_size_takes_no_memory():
    content = zipped({"a.png": photo(), "zeros.png": bytes(100 * 2**20)})
    told = content.replace(struct.pack("<L", 100 * 2**20), struct.pack("<L", 1000))
    assert told != content
    pictures = archive(told, "bomb.zip")
    tracemalloc.start()
    with pytest.raises(PictureRefused):
        pictures.open("zeros.png")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 2 * 2**20
    assert pictures.open("a.png").size == (40, 30)


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_packings_that_unpack_without_a_bound_are_skipped(compression):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("a.png", photo())
        packed.writestr("b.png", photo(), compression)
    assert "Its compression is not supported" in reasons(archive(file.getvalue(), "x"))["b.png"]


@pytest.mark.parametrize("name", ["inner.zip", "inner.tar.gz", "INNER.ZIP"])
def test_an_archive_in_an_archive_is_refused(name):
    with pytest.raises(Refused, match="another archive"):
        archive(zipped({"a.png": photo(), name: b"x"}), "x")


def test_an_archive_under_a_pictures_name_is_an_unreadable_picture():
    pictures = archive(zipped({"a.png": zipped({"b.png": photo()})}), "x")
    with pytest.raises(PictureRefused, match="really a ZIP"):
        pictures.open("a.png")


def test_an_encrypted_zip_is_refused():
    content = bytearray(zipped({"a.png": photo()}))
    content[content.index(b"PK\x01\x02") + 8] |= 1  # the flag in the directory
    with pytest.raises(Refused, match="password"):
        archive(bytes(content), "x")


def test_too_many_entries_are_refused_before_they_are_listed():
    with pytest.raises(Refused, match=f"more than {MOST_ENTRIES}"):
        archive(zipped({f"{i}.png": b"" for i in range(MOST_ENTRIES + 1)}, zipfile.ZIP_STORED), "x")


def test_ten_thousand_empty_entries_are_no_pictures():
    with pytest.raises(Refused, match=r"no pictures.*not empty"):
        archive(zipped({f"{i}.png": b"" for i in range(10_000)}, zipfile.ZIP_STORED), "x")


def test_a_zip_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(zips, "MOST_ZIP_MEGABYTES", 1)
    with (tmp_path / "x.zip").open("wb") as file:
        file.truncate(2**20 + 1)
    with pytest.raises(Refused, match="larger than 1 MB"):
        archive(tmp_path / "x.zip", "x.zip")


def test_a_zip_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(Refused, match="no file"):
        archive(tmp_path / "x.zip", "x.zip")


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04", b"PK\x05\x06" + bytes(18), photo(), zipped({"a.png": photo()})[:-9]]
)
def test_what_is_no_zip_is_refused(content):
    with pytest.raises(Refused):
        archive(content, "\u202ex\n.zip")


def test_a_damaged_zip_is_refused_or_its_pictures_are_whatever_is_damaged():
    whole, dice = zipped({"a.png": photo(1), "b/c.png": photo(2)}), random.Random(0)
    for _ in range(500):
        content = bytearray(whole)
        for _ in range(dice.randint(1, 8)):
            where = dice.choice([dice.randrange(len(whole)), -dice.randint(1, 180), dice.randrange(60)])
            content[where] = dice.randrange(256)
        try:
            pictures = archive(bytes(content), "x")
        except Refused:
            continue
        for id in pictures.ids:
            with suppress(PictureRefused):
                assert pictures.open(id).mode == "RGB"


# Samples ---------------------------------------------------------------------------------------------------------


def test_crops_are_what_their_names_say_and_cover_the_photograph():
    content = photo(size=(96, 64))
    pictures, whole = samples({"noise": content}), np.asarray(Image.open(io.BytesIO(content)))
    covered = np.zeros(whole.shape[:2], int)
    sides = set()
    for id in pictures.ids:
        top, left, side = map(int, id.removeprefix("noise ").replace(",", " ").replace("×", " ").split()[:3])
        assert np.array_equal(pictures.open(id), whole[top : top + side, left : left + side])
        covered[top : top + side, left : left + side] += 1
        sides.add(side)
    assert len(sides) == 2
    assert covered.min() >= 2
    assert set(pictures.classes) == set(pictures.sources) == {"noise"}
    square = samples({"noise": photo(size=(96, 96))})
    assert square.ids[:2] == ["noise", "noise 0,0 64×64"]  # all of it, then two thirds of its side
    assert square.open("noise").size == (96, 96)


def test_the_samples_change_with_the_photograph():
    assert samples({"a": photo(1)}).fingerprint != samples({"a": photo(2)}).fingerprint


# torchvision's ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DATASETS)
def test_a_data_set_that_is_not_there_is_refused(name, tmp_path):
    with pytest.raises(Refused, match=name):
        dataset(name, tmp_path)


def test_an_unknown_data_set_is_refused(tmp_path):
    with pytest.raises(Refused, match="choose one of CIFAR10"):
        dataset("../CIFAR10", tmp_path)


def test_cifar_gives_its_pictures_and_classes(tmp_path, monkeypatch):
    import pickle

    base = tmp_path / datasets.CIFAR10.base_folder
    base.mkdir()
    data = np.random.default_rng(0).integers(0, 256, (4, 3, 32, 32), dtype=np.uint8)
    files = {"test_batch": {"data": data.reshape(4, -1), "labels": [0, 1, 1, 0]}}
    files["batches.meta"] = {"label_names": ["frog", "ship"]}
    sums = {}
    for name, values in files.items():
        (base / name).write_bytes(pickle.dumps(values))
        sums[name] = hashlib.md5((base / name).read_bytes()).hexdigest()
    monkeypatch.setattr(datasets.CIFAR10, "train_list", [])
    monkeypatch.setattr(datasets.CIFAR10, "test_list", [["test_batch", sums["test_batch"]]])
    meta = {"filename": "batches.meta", "key": "label_names", "md5": sums["batches.meta"]}
    monkeypatch.setattr(datasets.CIFAR10, "meta", meta)
    pictures = dataset("CIFAR10", tmp_path)
    assert pictures.ids == ["00000", "00001", "00002", "00003"]
    assert pictures.classes == ["frog", "ship", "ship", "frog"]
    assert pictures.title == "CIFAR-10 test"
    assert np.array_equal(pictures.open("00002"), data[2].transpose(1, 2, 0))


def test_imagenette_gives_its_pictures_and_classes(tmp_path):
    for wnid in ("n01440764", "n03888257"):
        for split in ("train", "val"):
            (tmp_path / "imagenette2-320" / split / wnid).mkdir(parents=True)
        (tmp_path / "imagenette2-320" / "val" / wnid / "x.jpeg").write_bytes(photo(kind="JPEG"))
    (tmp_path / "imagenette2-320" / "val" / "n03888257" / "y.JPEG").write_bytes(b"")
    pictures = dataset("Imagenette", tmp_path)
    assert pictures.classes == ["tench, Tinca tinca", "parachute, chute", "parachute, chute"]
    assert pictures.open("00001").size == (40, 30)
    with pytest.raises(PictureRefused):
        pictures.open("00002")
