"""The pictures in files: bytes → upright RGB, bounded.

What a file says about itself is checked before a pixel of it is decoded: a file of forty bytes may claim gigabytes.
"""

import math
import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PIL import BmpImagePlugin, GifImagePlugin, Image, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin
from PIL.ExifTags import Base as Tag
from PIL.ImageFile import ImageFile

from models.headers import MOST_PIECES, Source, gif_size, scans, shown_chunks, tiff_pieces, webp_size
from models.refusals import Refused

MOST_MEGABYTES = 15
MOST_PIXELS = 25_000_000
LEAST_SIDE = 16
MOST_RATIO = 32
LONGEST_SIDE = 1024  # of the working copy

MOST_SCANS = 100  # of a progressive JPEG, which has about ten; each walks the whole picture

FORMATS = (  # how the file begins, its name, and Pillow's reader
    (rb"\x89PNG\r\n\x1a\n", "PNG", PngImagePlugin.PngImageFile),
    (rb"\xff\xd8\xff", "JPEG", JpegImagePlugin.jpeg_factory),
    (rb"RIFF....WEBP", "WebP", WebPImagePlugin.WebPImageFile),
    (rb"GIF8[79]a", "GIF", GifImagePlugin.GifImageFile),
    (rb"BM", "BMP", BmpImagePlugin.BmpImageFile),
    (rb"II[*+]\0|MM\0[*+]", "TIFF", TiffImagePlugin.TiffImageFile),
)

OTHER_KINDS = (  # how the file begins, what it really is and the way out
    (rb".{4}ftypavi[fs]", "The file is really an AVIF picture, which is not supported: save it as PNG or JPEG."),
    (
        rb".{4}ftyp(?:hei|hev|mif1|msf1)",
        "The file is really a HEIC picture, as many phones save them, which is not supported: export it as JPEG.",
    ),
    (rb".{4}ftyp", "The file is really a video, which is not supported: save one of its frames as PNG or JPEG."),
    (
        rb"(?:\xef\xbb\xbf)?\s*(?:<!doctype html|<html)",
        "The file is really a web page: save the picture itself, not the page around it.",
    ),
    (
        rb"(?:\xef\xbb\xbf)?\s*(?=<)[^\0]*<svg",
        "The file is really an SVG drawing, which has no pixels yet: export it as PNG.",
    ),
    (rb"%PDF", "The file is really a PDF document: export the page as PNG, or take a screenshot of it."),
    (rb"8BPS", "The file is really a Photoshop document (PSD): save a copy of it as PNG or JPEG."),
    (rb"%!PS|\xc5\xd0\xd3\xc6", "The file is really PostScript (EPS), which is never opened here: export it as PNG."),
    (
        rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51|\xff\x0a|\0\0\0\x0cJXL ",
        "The file is really a JPEG 2000 or JPEG XL picture, which is not supported: save it as PNG or JPEG.",
    ),
    (
        rb"PK\x03\x04",
        "The file is really a ZIP archive or an office document: unpack it and choose the picture inside.",
    ),
)
EMPTY = "The file is empty: choose another picture, or copy it again from its source."
UNKNOWN = "The file is not a supported picture (PNG, JPEG, WebP, GIF, BMP, TIFF): save it as PNG or JPEG."
DAMAGED = (
    "The {kind} file is damaged, cut off or of a rare kind: open it in another program and save it as PNG or JPEG."
)

# What Pillow's readers were seen to raise, or may by their source, when a file lies. Each is a way of saying "damaged";
# `Warning` counts where warnings are turned into errors.
DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    AttributeError,
    AssertionError,
    LookupError,
    EOFError,
    ArithmeticError,
    MemoryError,
    RuntimeError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Warning,
)

UPRIGHT = {  # EXIF 2.32, tag 0x0112: how the stored picture is turned to stand upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class PictureRefused(Refused):
    """A picture that cannot be used, and why."""


def decoded(content: bytes) -> Image.Image:
    """The picture in a file: upright RGB on white, the longest side at most 1,024 px, the first frame only.

    Sixteen-bit grey keeps its high byte. Floats and wide integers are taken as they are when all lie in 0…1, otherwise
    stretched from their least to their greatest value; NaN and infinity are black. Notes and colour profiles are
    dropped. Safe in threads: nothing of the process is changed.

    Raises PictureRefused, in one sentence that never holds the file's name.
    """
    kind, reader = _format(content)
    if len(content) > MOST_MEGABYTES * 2**20:
        raise PictureRefused(
            "The file has {megabytes:.1f} MB; the limit is {most} MB: save it smaller, for example as JPEG.",
            megabytes=math.ceil(len(content) / 2**20 * 10) / 10,
            most=MOST_MEGABYTES,
        )
    with _damage_refused(kind):
        stored = _opened(content, kind, reader)
        stored.draft(None, tuple(2 * LONGEST_SIDE * side // max(stored.size) for side in stored.size))
        picture = _resizable(stored)
        picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), reducing_gap=2.0)
        return _upright(_on_white(picture), stored)


def _format(content: bytes) -> tuple[str, type[ImageFile]]:
    """Name and reader of the format that the bytes, not the file's name, speak of."""
    head = content[:1024]
    for beginning, kind, reader in FORMATS:
        if re.match(beginning, head, re.DOTALL):
            return kind, reader
    if not content:
        raise PictureRefused(EMPTY)
    for beginning, sentence in OTHER_KINDS:
        if re.match(beginning, head, re.DOTALL | re.IGNORECASE):
            raise PictureRefused(sentence)
    raise PictureRefused(UNKNOWN)


@contextmanager
def _damage_refused(kind: str) -> Iterator[None]:
    """A `with` in which whatever a reader raises becomes one refusal."""
    try:
        yield
    except PictureRefused:
        raise
    except DAMAGE as damage:
        raise PictureRefused(DAMAGED, kind=kind) from damage


def _opened(content: bytes, kind: str, reader: type[ImageFile]) -> ImageFile:
    """The picture with its header read and found modest, no pixel decoded.

    The reader is called directly: `Image.open` would ask every format, and warn about sizes in its own way.
    """
    match kind:
        case "PNG":
            content = shown_chunks(content)
        case "JPEG":
            _check_pieces(scans(content), MOST_SCANS, kind)
        case "WebP":  # this one and the next take memory for the whole canvas when they are opened
            check_size(*webp_size(content))
        case "GIF":
            check_size(*gif_size(content))
        case "TIFF":
            _check_pieces(tiff_pieces(content), MOST_PIECES, kind)
    source = Source(content)
    picture = reader(source)
    check_size(*picture.size)
    if picture.tile and picture.tile[0][0] == "bmp_rle":  # decoded in Python, byte by byte
        raise PictureRefused("The BMP file is run-length coded, which is not supported: save it as PNG or JPEG.")
    source.reads_left = math.inf
    return picture


def check_size(width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise PictureRefused(
            "The picture has {width} × {height} pixels; the limit is {most} million: make it smaller.",
            width=width,
            height=height,
            most=MOST_PIXELS // 1_000_000,
        )
    if min(width, height) < LEAST_SIDE:
        raise PictureRefused(
            "The picture has {width} × {height} pixels; each side needs at least {least}: choose a larger one.",
            width=width,
            height=height,
            least=LEAST_SIDE,
        )
    if max(width, height) > MOST_RATIO * min(width, height):
        raise PictureRefused(
            "The picture has {width} × {height} pixels; one side may be at most {most} times the other: crop it.",
            width=width,
            height=height,
            most=MOST_RATIO,
        )


def _check_pieces(pieces: int, most: int, kind: str) -> None:
    if pieces > most:
        raise PictureRefused(
            "The {kind} file is split into {pieces} pieces; the limit is {most}: save it again as PNG or JPEG.",
            kind=kind,
            pieces=pieces,
            most=most,
        )


def _resizable(picture: ImageFile) -> Image.Image:
    """The picture in a mode whose neighbouring values may be mixed: whole grey or colour, alpha apart."""
    if picture.mode.startswith("I;16"):
        return _from_sixteen_bits(picture)
    if picture.mode in ("I", "F"):
        return _from_any_range(picture)
    if picture.mode == "La":  # grey, premultiplied: Pillow converts it to nothing else
        picture = picture.convert("LA")
    mode = "RGBA" if picture.has_transparency_data else {"1": "L", "P": "RGB"}.get(picture.mode, picture.mode)
    return picture if picture.mode == mode else picture.convert(mode)


def _from_sixteen_bits(picture: ImageFile) -> Image.Image:
    """Eight-bit grey out of twelve or sixteen bits: the high byte. What is transparent is white."""
    samples = np.asarray(picture)  # (H, W) uint16
    bits, zero_is_white = _tiff_greys(picture, 16)
    grey = (samples >> bits - 8).astype(np.uint8)
    grey = ~grey if zero_is_white else grey
    grey[samples == picture.info.get("transparency", -1)] = 255
    return _grey(grey, picture)


def _from_any_range(picture: ImageFile) -> Image.Image:
    """Eight-bit grey out of floats or wide integers; the rule stands at `decoded`."""
    _, zero_is_white = _tiff_greys(picture, 32)
    samples = np.asarray(picture.reduce(max(1, max(picture.size) // LONGEST_SIDE)), dtype=np.float64)  # (h, w)
    finite = np.isfinite(samples)
    low, high = (samples.min(where=finite, initial=np.inf), samples.max(where=finite, initial=-np.inf))
    if low < 0 or high > 1:
        samples = (samples - low) / ((high - low) or 1)
    samples = 1 - samples if zero_is_white else samples
    return _grey((np.where(finite, samples, 0) * 255).round().astype(np.uint8), picture)


def _tiff_greys(picture: ImageFile, bits: int) -> tuple[int, bool]:
    """Bits of a sample, and whether zero means white, which Pillow heeds only up to eight bits."""
    tags = getattr(picture, "tag_v2", {})
    return tags.get(Tag.BitsPerSample, (bits,))[0], tags.get(Tag.PhotometricInterpretation, 1) == 0


def _grey(samples: np.ndarray, picture: ImageFile) -> Image.Image:
    grey = Image.fromarray(samples)
    grey.info = picture.info
    return grey


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.mode != "RGBA":
        return picture.convert("RGB")
    white = Image.new("RGB", picture.size, "white")
    white.paste(picture, mask=picture.getchannel("A"))
    return white


def _upright(picture: Image.Image, stored: Image.Image) -> Image.Image:
    """`picture` turned as the EXIF note of `stored` says, and free of notes; an unreadable note says nothing."""
    picture.info = {}
    try:
        turn = UPRIGHT.get(stored.getexif().get(Tag.Orientation))
    except DAMAGE:
        turn = None
    return picture if turn is None else picture.transpose(turn)
