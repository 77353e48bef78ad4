"""Numbers as pixels, pixel by pixel."""

import io
import unicodedata

import matplotlib
import numpy as np
import pytest
from PIL import Image, ImageFont

from vis.figures.pictures import (
    EDGE,
    GREY,
    LINE,
    WIDTH,
    captioned,
    enlarged,
    heat,
    heat_over,
    lit,
    montage,
    signed,
    with_banner,
    with_box,
)
from vis.figures.pictures import RED as STRIP

RED, BLACK = (255, 75, 75), (0, 0, 0)


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 255, shape, np.uint8)


# Values with a sign ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "pixel"),
    [(0, 128), (2, 255), (-2, 1), (1, 192), (-1, 64), (2 / 127, 129), (-2 / 127, 127), (2.1, 255), (-2.1, 0), (-9, 0)],
)
def test_zero_is_grey_the_limit_white_and_its_negative_black(value, pixel):
    assert signed(np.full((3, 1, 1), value), 2.0).tolist() == [[[pixel] * 3]]


def test_channels_are_scaled_alike_and_become_colours():
    values = np.array([[[1.0]], [[0.0]], [[-0.5]]], np.float32)  # (3, 1, 1)
    assert signed(values, 1.0).tolist() == [[[255, 128, 64]]]  # 128 - 63.5, to even


def test_one_channel_is_grey_in_all_three():
    pixels = signed(np.array([[[0.0, 1.0], [-1.0, 0.5]]]), 1.0)
    assert pixels[..., 0].tolist() == [[128, 255], [1, 192]]
    assert (pixels == pixels[..., :1]).all()
    assert pixels.shape == (2, 2, 3)
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous


@pytest.mark.parametrize("channels", [1, 3])
def test_a_limit_of_zero_is_all_grey_and_no_warning(channels):
    with np.errstate(all="raise"):
        assert (signed(np.zeros((channels, 2, 3)), 0.0) == GREY).all()
        assert signed(np.zeros((channels, 0, 0)), 0.0).shape == (0, 0, 3)


def test_no_sign_is_favoured():
    values = np.random.default_rng(0).uniform(-1, 1, (3, 20, 20))
    assert (signed(values, 1.0).astype(int) - GREY == GREY - signed(-values, 1.0).astype(int)).all()


# Values without one ----------------------------------------------------------------------------------------------


def test_heat_goes_from_dark_to_bright_and_clips():
    pixels = heat(np.array([[-1.0, 0.0, 1.0, 2.0, 4.0, 5.0]]), 4.0)
    assert pixels.shape == (1, 6, 3)
    assert pixels.dtype == np.uint8
    palette = [matplotlib.colormaps["inferno"](x)[:3] for x in (0.0, 0.0, 0.25, 0.5, 1.0, 1.0)]
    assert pixels[0].tolist() == np.round(np.array(palette) * 255).astype(int).tolist()
    lightness = pixels[0, 1:5].sum(1)
    assert (np.diff(lightness.astype(int)) > 0).all()


def test_heat_without_a_limit_is_all_dark():
    with np.errstate(all="raise"):
        assert (heat(np.zeros((2, 2)), 0.0) == heat(np.zeros((1, 1)), 1.0)).all()


@pytest.mark.parametrize(
    ("maps", "size"), [((2, 3), (6, 9)), ((13, 13), (224, 224)), ((3, 2), (10, 7)), ((5, 5), (3, 4))]
)
def test_every_value_covers_its_share_of_the_picture_with_sharp_borders(maps, size):
    values = np.arange(np.prod(maps), dtype=float).reshape(maps)
    picture = np.zeros((*size, 3), np.uint8)
    found = heat_over(values, picture, values.max(), opacity=1.0)
    assert found.shape == picture.shape
    colours = heat(values, values.max())
    for row in range(size[0]):
        for column in range(size[1]):
            share = colours[row * maps[0] // size[0], column * maps[1] // size[1]]
            assert found[row, column].tolist() == share.tolist()


def test_the_picture_shows_through_in_grey():
    picture = noise(4, 4, 3)
    values = np.ones((2, 2))
    clear = heat_over(values, picture, 1.0, opacity=0.0)
    assert np.array_equal(clear[..., 0], np.round(picture.mean(2)).astype(np.uint8))
    half = heat_over(values, picture, 1.0, opacity=0.5)
    expected = 0.5 * heat(values, 1.0)[0, 0] + 0.5 * picture.mean(2, keepdims=True)
    assert np.array_equal(half, np.round(expected).astype(np.uint8))


# Sheets ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "side", "times"), [((3, 2), 12, 4), ((3, 2), 14, 4), ((20, 30), 10, 1), ((5, 1), 5, 1)]
)
def test_enlarging_repeats_every_pixel_a_whole_number_of_times(shape, side, times):
    pixels = noise(*shape, 3)
    big = enlarged(pixels, side)
    assert big.shape == (shape[0] * times, shape[1] * times, 3)
    for down in range(times):
        assert np.array_equal(big[down::times, down::times], pixels)


TILES = {
    "one": [(5, 5)],
    "equal": [(11, 11)] * 9,
    "a short last row": [(7, 7)] * 5,
    "cut by the border": [(11, 11), (4, 11), (11, 3), (2, 2), (1, 1), (11, 10)],
    "larger than the cell": [(150, 150), (120, 150), (150, 1)],
    "some are empty": [(9, 9), (0, 0), (3, 0), (9, 9)],
    "all are empty": [(0, 0), (0, 0)],
}


@pytest.mark.parametrize("shapes", TILES.values(), ids=TILES)
@pytest.mark.parametrize("columns", [1, 3, 4])
@pytest.mark.parametrize("gap", [0, 0.06])
def test_every_tile_stands_whole_in_the_middle_of_its_cell_with_nothing_around_it(shapes, columns, gap):
    tiles = [noise(*shape, 3, seed=i) for i, shape in enumerate(shapes)]
    sheet = montage(tiles, columns, side=60, gap=gap)
    rows = -(-len(tiles) // columns)
    assert sheet.dtype == np.uint8
    assert sheet.shape[0] % rows == sheet.shape[1] % columns == 0
    pitch = sheet.shape[0] // rows
    assert sheet.shape == (rows * pitch, columns * pitch, 4)  # the cells that can be clicked are equal squares
    assert pitch >= 60

    times = {shape: _times(shapes, 60) for shape in shapes}
    for i in range(rows * columns):
        row, column = divmod(i, columns)
        cell = sheet[row * pitch : (row + 1) * pitch, column * pitch : (column + 1) * pitch]
        shown = np.argwhere(cell[..., 3] > 0)
        if i >= len(tiles) or not tiles[i].size:
            assert not shown.size
            continue
        (top, left), (bottom, right) = shown.min(0), shown.max(0) + 1
        big = tiles[i].repeat(times[shapes[i]], 0).repeat(times[shapes[i]], 1)
        assert np.array_equal(cell[top:bottom, left:right, :3], big)
        assert (cell[top:bottom, left:right, 3] == 255).all()
        assert (cell[..., 3] > 0).sum() == big.shape[0] * big.shape[1]
        assert 0 <= (pitch - bottom) - top <= 1
        assert 0 <= (pitch - right) - left <= 1


def _times(shapes: list[tuple[int, int]], side: int) -> int:
    """The least whole factor that makes the largest tile at least `side` pixels."""
    largest = max(max(shape) for shape in shapes)
    return next((times for times in range(1, side + 1) if times * largest >= side), 1)


def test_gaps_are_a_share_of_the_tile():
    assert montage([noise(10, 10, 3)] * 4, 2, side=100, gap=0).shape[:2] == (200, 200)
    assert montage([noise(10, 10, 3)] * 4, 2, side=100, gap=0.06).shape[:2] == (212, 212)


# Marks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("box", [(10, 12, 20, 30), (10, 10, 11, 11), (0, 0, 40, 50), (0, 45, 5, 50)])
def test_a_frame_runs_along_the_boxs_own_border_and_leaves_what_is_inside(box):
    picture = noise(40, 50, 3)
    framed = with_box(picture, box, colour=RED)
    top, left, bottom, right = box
    assert (framed[top, left:right] == RED).all()
    assert (framed[bottom - 1, left:right] == RED).all()
    assert (framed[top:bottom, left] == RED).all()
    assert (framed[top:bottom, right - 1] == RED).all()
    inside = slice(top + 2, bottom - 2), slice(left + 2, right - 2)
    assert np.array_equal(framed[inside], picture[inside])
    changed = np.argwhere((framed != picture).any(2))
    assert (changed >= (top - 3, left - 3)).all()
    assert (changed < (bottom + 3, right + 3)).all()
    assert np.array_equal(picture, noise(40, 50, 3))  # the picture itself is not drawn on


@pytest.mark.parametrize("box", [(0, 0, 0, 0), (5, 5, 5, 9), (5, 5, 9, 5)])
def test_a_box_without_pixels_has_no_frame(box):
    assert np.array_equal(with_box(noise(20, 20, 3), box), noise(20, 20, 3))


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("size", [(300, 400), (112, 112), (40, 500), (16, 16), (9, 200), (1, 1), (500, 3)])
def test_a_banner_is_a_strip_below_the_picture_of_which_no_pixel_changes(size, channels):
    pixels = noise(*size, channels)  # clear in places, where there is a fourth channel
    found = with_banner(pixels, "random weights")
    assert np.array_equal(found[: size[0], :, :channels], pixels)
    assert channels == 4 or (found[: size[0], :, 3] == 255).all()
    strip = found[size[0] :]
    assert 11 <= len(strip) <= max(15, 0.08 * size[1])
    assert (strip[..., 3] == 255).all()
    assert (strip[-1, :, :3] == STRIP).all()  # from side to side
    assert (strip[..., 0] >= strip[..., 1]).all()  # red, or the white of its words
    assert size[1] < 100 or (strip[..., :3] > 200).all(2).any()


def test_a_banner_fits_its_words_into_the_picture():
    narrow = with_banner(np.zeros((100, 150, 3), np.uint8), "trọng số ngẫu nhiên")
    white = np.argwhere((narrow[..., :3] > 200).all(2))
    assert len(white)
    assert white[:, 1].min() > 0
    assert white[:, 1].max() < 149


@pytest.mark.parametrize("text", ["random weights", "trọng số ngẫu nhiên"])
@pytest.mark.parametrize(("width", "shown"), [(224, 112), (198, 112), (640, 139)])
def test_on_a_small_picture_the_letters_of_a_banner_are_as_high_as_can_be_read(text, width, shown):
    """Measured on the screen, by the height of its capital letters and of those that hang below the line."""
    usual, found = (with_banner(np.zeros((100, width, 3), np.uint8), text, at)[100:] for at in (None, shown))
    rows = (found[..., :3] > 200).all(2).any(1)
    lines = np.split(np.flatnonzero(rows), np.flatnonzero(np.diff(np.flatnonzero(rows)) > 1) + 1)
    heights = [np.ptp(line) * shown / width for line in lines if np.ptp(line)]
    assert max(heights) >= 12 * 0.7
    assert max(heights) > 1.3 * np.ptp(np.flatnonzero((usual[..., :3] > 200).all(2).any(1))) * shown / width
    white = np.flatnonzero((found[..., :3] > 200).all(2).any(0))
    assert 0 < white.min() < white.max() < width - 1


# Pictures to take away -------------------------------------------------------------------------------------------


def read(content: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.format == "PNG"
        assert not picture.info
        return np.asarray(picture.convert("RGB"))


def ink(sheet: np.ndarray) -> np.ndarray:
    """Where a white sheet is written on."""
    return (sheet < 128).any(2)


@pytest.mark.parametrize("size", [(11, 11), (100, 100), (7, 480), (600, 900), (1, 1), (0, 0)])
def test_a_picture_to_take_away_has_its_pixels_and_under_them_what_they_show(size):
    pixels = noise(*size, 3)
    sheet = read(captioned(pixels, ["AlexNet", "layer 3, map 7"]))
    big = enlarged(pixels, WIDTH)
    left = (sheet.shape[1] - big.shape[1]) // 2
    assert sheet.shape[1] == max(WIDTH, big.shape[1]) >= 1200
    assert np.array_equal(sheet[: big.shape[0], left : left + big.shape[1]], big)
    assert (sheet[: big.shape[0], :left] == 255).all()
    lines = ink(sheet[big.shape[0] :]).any(1)
    assert (np.diff(lines.astype(int)) == 1).sum() >= 2


def test_clear_gaps_are_white_on_paper():
    sheet = read(captioned(np.zeros((WIDTH, WIDTH, 4), np.uint8), []))
    assert (sheet == 255).all()


@pytest.mark.parametrize(
    "line", ["words " * 60, "unbroken" * 40, "a " + "ợ" * 200 + " z"], ids=["words", "one", "mixed"]
)
def test_long_lines_are_broken_so_that_nothing_runs_over_the_edge(line):
    one = read(captioned(noise(10, 10, 3), ["short"]))
    sheet = read(captioned(noise(10, 10, 3), [line]))
    assert sheet.shape[0] >= one.shape[0] + 3 * LINE
    assert not ink(sheet[WIDTH:, : EDGE - 2]).any()
    assert not ink(sheet[WIDTH:, 2 - EDGE :]).any()
    assert ink(sheet[WIDTH:]).any(1)[-LINE - EDGE :].any()  # the last line is there, too


def test_no_lines_and_empty_ones_are_allowed():
    assert read(captioned(noise(10, 10, 3), [])).shape == (WIDTH + 2 * EDGE, WIDTH, 3)
    assert read(captioned(noise(10, 10, 3), ["", "a"])).shape == (WIDTH + 2 * EDGE + 2 * LINE, WIDTH, 3)


VIETNAMESE = [
    unicodedata.normalize("NFC", vowel + mark + tone)
    for vowel, mark in [(v, "") for v in "aeiouy"] + [*zip("aao", "\u0306\u0302\u0302", strict=True), ("e", "\u0302")]
    for tone in ("", "\u0300", "\u0301", "\u0303", "\u0309", "\u0323")
] + [
    unicodedata.normalize("NFC", v + "\u031b" + tone) for v in "ou" for tone in ("", *"\u0300\u0301\u0303\u0309\u0323")
]


def test_the_font_has_every_vietnamese_letter_and_the_signs_the_captions_use():
    letters = [*VIETNAMESE, "đ", *(letter.upper() for letter in VIETNAMESE), "Đ", *"×–≠±·…“”≤→"]
    assert len(letters) == len(set(letters))
    assert len(VIETNAMESE) == 72
    path = f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans.ttf"
    font = ImageFont.truetype(path, 40)
    missing = bytes(font.getmask("\U0010fffd"))  # for private use: the box that stands for what a font does not have
    assert bytes(font.getmask("\U0010fffc")) == missing
    assert not [letter for letter in letters if bytes(font.getmask(letter)) == missing]


def test_letters_that_differ_look_different_on_paper():
    sheets = {captioned(np.full((1, 1, 3), 255, np.uint8), [letter]) for letter in VIETNAMESE}
    assert len(sheets) == len(VIETNAMESE)


def test_a_warning_goes_with_the_picture_that_is_taken_away():
    pixels = np.full((11, 11, 3), 128, np.uint8)
    plain, warned = (read(captioned(pixels, ["line"], banner=banner)) for banner in (None, "random weights"))
    foot, more = len(enlarged(pixels, WIDTH)), len(warned) - len(plain)
    assert more > 0
    assert np.array_equal(warned[:foot], plain[:foot])  # the picture, whole
    assert (warned[foot + more - 1] == STRIP).all(1).sum() == 1199  # as wide as 109 × 11 pixels
    assert np.array_equal(warned[foot + more :], plain[foot:])  # what it shows


def test_what_is_outside_of_the_box_is_a_third_as_bright_and_the_rest_as_it_was():
    picture = noise(5, 8, 3)
    shown = lit(picture, (2, 1, 6, 4))
    assert (shown[1:4, 2:6] == picture[1:4, 2:6]).all()
    assert (shown[0] == picture[0] // 3).all()
    assert (shown[:, 6:] == picture[:, 6:] // 3).all()
    assert shown.sum() < picture.sum()
