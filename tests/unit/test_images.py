"""Pictures from outside: what is read, how it looks afterwards, and what is refused."""

import io
import json
import re
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageFile
from torchvision.models import AlexNet_Weights

from models.decoding import PictureRefused, decoded
from models.images import MIDDLE, Preprocess, png, shown_at, square_of
from models.refusals import Refused
from tests.unit import pictures
from tests.unit.pictures import ALIKE, BLUE, GREEN, GREYS, RED, REFUSED, WHITE, corners, photograph, saved

ROOT = Path(__file__).parents[2]
ALEXNET = Preprocess(256, 224, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
LENET = Preprocess(32, 32, (0.1307,), (0.3081,))


def pixels(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture).astype(int)


def quarters(picture: Image.Image) -> np.ndarray:
    """The colours in the middle of the four quarters: (2, 2, 3)."""
    w, h = picture.size
    return pixels(picture)[h // 4 :: h // 2, w // 4 :: w // 2]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_turns_every_exif_orientation_upright(orientation, kind):
    picture = decoded(pictures.turned(orientation, kind))
    assert picture.size == (64, 48)
    assert abs(quarters(picture) - quarters(corners())).max() <= 6


@pytest.mark.parametrize("name", ALIKE)
def test_shows_the_same_picture_however_it_is_written(name):
    picture = decoded(ALIKE[name]())
    assert (type(picture), picture.mode, picture.size, picture.info) == (Image.Image, "RGB", (64, 48), {})
    tolerance = 24 if "LAB" in name else 6  # in eight bits LAB has few of the purest blues
    assert abs(quarters(picture) - quarters(corners())).max() <= tolerance


@pytest.mark.parametrize("name", GREYS)
def test_keeps_the_greys_of_every_depth(name):
    left, right, content = GREYS[name]
    shown = pixels(decoded(content()))
    assert (shown[:, 16].min(), shown[:, 16].max()) == (left, left)
    assert (shown[:, 48].min(), shown[:, 48].max()) == (right, right)


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_shows_white_where_colours_hide_under_alpha(kind, mode):
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    shown = quarters(decoded(saved(pictures.hidden_under_alpha(mode), kind, **options)))
    assert (shown[:, 0] == 255).all()
    assert (shown[0, 1] == pixels(corners(mode).convert("RGB"))[12, 48]).all()


def test_lets_white_through_where_alpha_is_half():
    shown = pixels(decoded(saved(Image.new("RGBA", (20, 20), (200, 0, 100, 128)), "PNG")))
    assert abs(shown - (227, 127, 177)).max() <= 1


def test_shows_white_where_a_palette_is_transparent():
    assert quarters(decoded(pictures.palette_with_transparency())).tolist() == [
        [list(WHITE), list(GREEN)],
        [list(BLUE), list(WHITE)],
    ]


@pytest.mark.parametrize("bits", [16, 24, 32])
def test_reads_a_bmp_of_every_depth(bits):
    assert (pixels(decoded(pictures.bmp_bottom_up(bits))) == BLUE).all()


@pytest.mark.parametrize("size", [(16, 16), (16, 512), (512, 16)])
def test_takes_the_smallest_and_the_longest_that_are_allowed(size):
    assert decoded(saved(Image.new("RGB", size, RED), "PNG")).size == size


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_shrinks_a_picture_of_24_megapixels(kind):
    options = {"PNG": {"compress_level": 1}, "WEBP": {"method": 0}}.get(kind, {})
    shown = decoded(saved(photograph(6000, 4000), kind, **options))
    assert shown.size == (1024, 683)
    truth = pixels(photograph(6000, 4000).resize((1024, 683), Image.Resampling.BICUBIC))
    assert abs(pixels(shown) - truth).mean() < 3


def test_reads_an_interlaced_png():
    passes = [(2, 2), (2, 2), (4, 2), (4, 4), (8, 4), (8, 8), (16, 8)]  # of Adam7, on 16 × 16 pixels
    rows = b"".join((b"\0" + b"\xff\0\0" * width) * height for width, height in passes)
    file = pictures.png_file(16, 16, 8, 2, rows)
    file = file[:8] + pictures.chunk(b"IHDR", file[16:28] + b"\1") + file[33:]
    assert (pixels(decoded(file)) == RED).all()


@pytest.mark.parametrize("name", REFUSED)
def test_refuses_in_one_clear_sentence(name):
    content, word = REFUSED[name]()
    with pytest.raises(PictureRefused) as refused:
        decoded(content)
    sentence = str(refused.value)
    assert word in sentence
    assert re.fullmatch(r"The [^\n]{20,200}\.", sentence)
    assert refused.value.template.format(**refused.value.values_said) == sentence


def test_a_refused_picture_is_a_refusal():
    assert issubclass(PictureRefused, Refused)


WATCH = """
import json, sys, time
from pathlib import Path
from models.decoding import PictureRefused, decoded

def peak():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]) / 1024

for file in sorted(Path(sys.argv[1]).iterdir()):
    content = file.read_bytes()
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before, start = peak(), time.process_time()
    try:
        decoded(content)
    except PictureRefused:
        pass
    print(json.dumps([time.process_time() - start, peak() - before]))
"""


def costs(contents: dict[str, bytes], folder: Path) -> dict[str, tuple[float, float]]:
    """Seconds and megabytes that each file takes, measured in a process of its own; what C allocates counts."""
    for number, content in enumerate(contents.values()):
        (folder / f"{number:03}").write_bytes(content)
    command = [sys.executable, "-c", WATCH, str(folder)]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return dict(zip(contents, map(json.loads, said), strict=True))


linux = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peak memory is read from Linux's /proc")


@linux
def test_refuses_within_a_fifth_of_a_second_and_50_megabytes(tmp_path):
    spent = costs({name: make()[0] for name, make in REFUSED.items()}, tmp_path)
    assert {name: cost for name, cost in spent.items() if cost[0] > 0.2 or cost[1] > 50} == {}


@linux
def test_takes_bounded_memory_for_24_megapixels(tmp_path):
    large = photograph(6000, 4000)
    bounds = {"JPEG": 60, "PNG": 160, "WEBP": 450}  # MB; only a JPEG can be decoded smaller at once
    spent = costs({kind: saved(large, kind, compress_level=1, method=0) for kind in bounds}, tmp_path)
    assert {kind: spent[kind][1] for kind in bounds if not 1 < spent[kind][1] < bounds[kind]} == {}


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_only_ever_refuses_when_bytes_are_wrong(kind):
    options = {"compression": "tiff_lzw"} if kind == "TIFF" else {}
    sound, rng = saved(photograph(90, 70), kind, **options), np.random.default_rng(0)
    outcomes = set()
    for _ in range(300):
        content = bytearray(sound)
        for at in rng.integers(0, min(len(content), 400), rng.integers(1, 6)):
            content[at] = rng.integers(0, 256)
        try:
            outcomes.add(decoded(bytes(content)).mode)
        except PictureRefused:
            outcomes.add("refused")
    assert outcomes == {"RGB", "refused"}


def test_refuses_where_warnings_are_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(PictureRefused, match="12000 × 9000"):
            decoded(pictures.png_file(12000, 9000, 8, 2, b""))


def test_decodes_in_eight_threads_as_in_one_and_changes_nothing_of_the_process():
    corpus = [make() for make in ALIKE.values()] + [make() for _, _, make in GREYS.values()]
    before = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters))
    alone = [decoded(content).tobytes() for content in corpus]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda content: decoded(content).tobytes(), corpus * 8))
    assert together == alone * 8
    assert (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters)) == before


@pytest.mark.parametrize("size", [(64, 48), (256, 256), (257, 300), (1024, 32), (500, 333)])
def test_prepares_bit_for_bit_as_torchvision_does(size):
    picture = photograph(*size)
    assert torch.equal(ALEXNET(picture), AlexNet_Weights.DEFAULT.transforms()(picture)[None])


def test_prepares_one_channel_in_grey():
    image = LENET(photograph(64, 32))
    grey = pixels(photograph(64, 32).convert("L").crop((16, 0, 48, 32)))
    assert (image.shape, image.dtype) == ((1, 1, 32, 32), torch.float32)
    assert np.allclose(image[0, 0].numpy(), (grey / 255 - 0.1307) / 0.3081, atol=1e-6)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK"])
def test_prepares_a_picture_of_any_mode(mode):
    assert ALEXNET(corners(mode)).shape == (1, 3, 224, 224)


def test_refuses_to_prepare_a_side_under_16_pixels():
    with pytest.raises(PictureRefused, match="40 × 15"):
        ALEXNET(Image.new("RGB", (40, 15)))


def test_a_preprocess_is_a_key_that_does_not_change():
    assert {ALEXNET: 1}[Preprocess(256, 224, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))] == 1
    with pytest.raises(FrozenInstanceError):
        ALEXNET.crop = 8


@pytest.mark.parametrize("batched", [True, False])
def test_gives_the_eye_back_the_pixels_that_went_in(batched):
    picture = photograph(256, 256)
    image = ALEXNET(picture).requires_grad_()
    shown = ALEXNET.for_the_eye(image if batched else image[0])
    assert (shown.dtype, shown.shape) == (np.uint8, (224, 224, 3))
    assert (shown == pixels(picture)[16:240, 16:240]).all()


def test_shows_grey_in_three_channels_and_clips():
    shown = LENET.for_the_eye(torch.tensor([[[-9.0, 0.0, 9.0]]]))
    assert shown.tolist() == [[[0, 0, 0], [33, 33, 33], [255, 255, 255]]]


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3), (5, 7, 4)])
def test_writes_a_png_of_the_pixels_and_nothing_else(shape):
    array = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    file = png(array)
    assert (np.asarray(Image.open(io.BytesIO(file))) == array).all()
    names = []
    at = 8
    while at < len(file):
        names.append(file[at + 4 : at + 8])
        at += 12 + int.from_bytes(file[at : at + 4], "big")
    assert set(names) == {b"IHDR", b"IDAT", b"IEND"}


def test_keeps_no_note_of_where_a_picture_was_taken():
    exif = Image.Exif()
    exif[0x010E] = "at home"
    picture = decoded(saved(corners(), "JPEG", exif=exif, comment=b"at home"))
    assert b"at home" not in saved(picture, "JPEG") + saved(picture, "PNG") + saved(picture, "TIFF")


# Which part of it -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "part", "box"),
    [
        ((300, 200), 0, (0, 0, 200, 200)),
        ((300, 200), 100, (100, 0, 300, 200)),
        ((300, 200), 25, (25, 0, 225, 200)),
        ((90, 500), 75, (0, 308, 90, 398)),  # 410 · 0.75 = 307.5, to even
        ((64, 64), 80, (0, 0, 64, 64)),
    ],
)
def test_the_square_stands_at_that_part_of_its_way(size, part, box):
    assert square_of(*size, part) == box


def test_in_the_middle_a_network_sees_what_torchvision_shows_it():
    picture = photograph(301, 200)
    assert shown_at(picture, MIDDLE) is picture
    wanted = AlexNet_Weights.IMAGENET1K_V1.transforms()(picture)[None]
    assert torch.allclose(ALEXNET(shown_at(picture, MIDDLE)), wanted, rtol=0, atol=1e-6)


@pytest.mark.parametrize("part", [0, 30, 100])
def test_elsewhere_it_sees_what_it_sees_of_that_square_alone(part):
    picture = photograph(200, 301)
    alone = picture.crop((0, round(101 * part / 100), 200, 200 + round(101 * part / 100)))
    assert torch.equal(ALEXNET(shown_at(picture, part)), ALEXNET(alone))
