"""A corpus of odd and hostile pictures, made in code."""

import io
import struct
import zlib
from functools import cache

import numpy as np
from PIL import Image, ImageCms

RED, GREEN, BLUE, WHITE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)
ORIENTATION = 0x0112


def corners(mode: str = "RGB", size: tuple[int, int] = (64, 48)) -> Image.Image:
    """Four plain quarters, all different: red and green above blue and white."""
    picture, (w, h) = Image.new("RGB", size, RED), size
    picture.paste(GREEN, (w // 2, 0, w, h // 2))
    picture.paste(BLUE, (0, h // 2, w // 2, h))
    picture.paste(WHITE, (w // 2, h // 2, w, h))
    return picture.convert(mode)


@cache
def photograph(width: int, height: int) -> Image.Image:
    noise = np.random.default_rng(0).integers(0, 255, (height // 50 + 1, width // 50 + 1, 3), dtype=np.uint8)
    return Image.fromarray(noise.repeat(50, 0).repeat(50, 1)[:height, :width])


def saved(picture: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def turned(orientation: int, kind: str) -> bytes:
    """A file of `corners()` that stands upright only once its EXIF note is heeded."""
    inverse = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Image.Transpose: ROTATE_90 is 2, ROTATE_270 is 4
    stored = corners() if orientation == 1 else corners().transpose(inverse[orientation])
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return saved(stored, kind, exif=exif, **({"quality": 95} if kind == "JPEG" else {}))


def grey_ramp(dtype: str, low: float, high: float) -> np.ndarray:
    """Left half `low`, right half `high`: (48, 64)."""
    return np.repeat(np.array([[low] * 32 + [high] * 32], dtype), 48, 0)


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_file(width: int, height: int, depth: int, colour: int, rows: bytes, *extra: bytes) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(rows, 9))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(extra) + pixels + chunk(b"IEND", b"")


def with_chunk(name: bytes, data: bytes) -> bytes:
    file = saved(corners(), "PNG")
    return file[:33] + chunk(name, data) + file[33:]


def gif_file(screen: tuple[int, int], frame: tuple[int, int], before: bytes = b"") -> bytes:
    dispose = b"!\xf9\4\x08\0\0\0\0"  # "restore to background" makes a reader fill the frame at once
    head = b"GIF89a" + struct.pack("<HHBBB", *screen, 0, 0, 0)
    return head + before + dispose + b"," + struct.pack("<4HB", 0, 0, *frame, 0) + b"\2\2\x44\1\0;"


def tiff_file(*tags: tuple[int, int, int, int], tail: bytes = b"") -> bytes:
    """A TIFF whose directory holds (tag, type, count, value) and may lie."""
    directory = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + directory + bytes(4) + tail


def tiff_of(width: int, height: int, compression: int = 1, strips: int = 1, rows: int = 1) -> bytes:
    return tiff_file(
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, 8),
        (259, 3, 1, compression),
        (262, 3, 1, 1),
        (273, 4, strips, 150),
        (277, 3, 1, 1),
        (278, 4, 1, rows),
        (279, 4, 1, 2**31),
        tail=bytes(min(strips, 10**6) * 4 + 100),
    )


def jpeg_claiming(width: int, height: int) -> bytes:
    file = saved(corners(), "JPEG")
    at = file.index(b"\xff\xc0") + 5
    return file[:at] + struct.pack(">HH", height, width) + file[at + 4 :]


def jpeg_with_many_scans() -> bytes:
    file = saved(corners(), "JPEG", progressive=True)
    scan, end = file.rfind(b"\xff\xda"), file.rfind(b"\xff\xd9")
    return file[:scan] + file[scan:end] * 2000 + file[end:]


def jpeg_with_hidden_scans() -> bytes:
    """As `jpeg_with_many_scans`, each behind a comment that holds an end of image."""
    file = saved(corners(), "JPEG", progressive=True)
    scan, end = file.rfind(b"\xff\xda"), file.rfind(b"\xff\xd9")
    return file[:scan] + (b"\xff\xfe\0\4\xff\xd9" + file[scan:end]) * 2000 + file[end:]


def jpeg_with_scans_behind_comments() -> bytes:
    """Thousands of empty segments, and then the scans."""
    file = saved(corners(), "JPEG", progressive=True)
    scan, end = file.rfind(b"\xff\xda"), file.rfind(b"\xff\xd9")
    return file[:scan] + b"\xff\xfe\0\2" * 30_000 + file[scan:end] * 2000 + file[end:]


def bmp_run_length() -> bytes:
    head = struct.pack("<IIIIiiHHIIIIII", 0, 0, 1078, 40, 5000, 5000, 1, 8, 1, 0, 0, 0, 256, 0)
    return b"BM" + head + bytes(range(256)) * 4 + b"\1\1\0\0" * 3000


def bmp_bottom_up(bits: int) -> bytes:
    """A blue BMP of 16 × 16 pixels, written by hand."""
    row = {16: b"\x1f\0", 24: b"\xff\0\0", 32: b"\xff\0\0\0"}[bits] * 16
    return b"BM" + struct.pack("<IIIIiiHHIIIIII", 0, 0, 54, 40, 16, 16, 1, bits, 0, 0, 0, 0, 0, 0) + row * 16


def lab() -> Image.Image:
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    return ImageCms.profileToProfile(corners(), srgb, lab, outputMode="LAB")


def hidden_under_alpha(mode: str) -> Image.Image:
    """Colours of `corners()`, the left half of them wholly transparent."""
    picture = corners(mode)
    picture.putalpha(Image.fromarray(grey_ramp("u1", 0, 255)))
    return picture


def palette_with_transparency() -> bytes:
    picture = corners().quantize(4)
    red = picture.getpixel((0, 0))
    return saved(picture, "PNG", transparency=red)


def frames(kind: str) -> bytes:
    others = [Image.new("RGB", (64, 48), BLACK) for _ in range(2)]
    options = {"lossless": True} if kind == "WEBP" else {}
    return saved(corners(), kind, save_all=True, append_images=others, **options)


REFUSED = (
    {  # what it is → bytes, a word the sentence must hold
        "empty": lambda: (b"", "empty"),
        "one byte": lambda: (b"\x89", "not a supported picture"),
        "text": lambda: (b"Dear diary, " * 100, "not a supported picture"),
        "zeros": lambda: (bytes(10_000), "not a supported picture"),
        "HEIC": lambda: (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(500), "HEIC"),
        "AVIF": lambda: (saved(corners(), "AVIF"), "AVIF"),
        "video": lambda: (b"\0\0\0\x18ftypisom" + bytes(500), "video"),
        "SVG": lambda: (b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"/>', "SVG"),
        "SVG with prologue": lambda: (b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- a -->\n<svg/>', "SVG"),
        "web page": lambda: (b"<!DOCTYPE html><html><svg/></html>", "web page"),
        "PDF": lambda: (saved(corners(), "PDF"), "PDF"),
        "PSD": lambda: (b"8BPS\0\1" + bytes(500), "PSD"),
        "EPS": lambda: (saved(corners(), "EPS"), "EPS"),
        "EPS of DOS": lambda: (b"\xc5\xd0\xd3\xc6" + bytes(500), "EPS"),
        "JPEG 2000": lambda: (saved(corners(), "JPEG2000"), "JPEG 2000"),
        "ZIP": lambda: (b"PK\x03\x04" + bytes(500), "ZIP"),
        "PPM, not on the list": lambda: (saved(corners(), "PPM"), "not a supported picture"),
        "too many bytes": lambda: (saved(corners(), "PNG") + bytes(15 * 2**20), "15.1 MB"),
        "1 × 1": lambda: (saved(corners(size=(1, 1)), "PNG"), "1 × 1"),
        "1 × 5000": lambda: (saved(corners(size=(1, 5000)), "PNG"), "1 × 5000"),
        "15 × 15": lambda: (saved(corners(size=(15, 15)), "JPEG"), "15 × 15"),
        "15 × 16": lambda: (saved(corners(size=(15, 16)), "GIF"), "15 × 16"),
        "ratio 33": lambda: (saved(corners(size=(16 * 33, 16)), "PNG"), "528 × 16"),
        "26 megapixels": lambda: (saved(Image.new("L", (5200, 5000)), "PNG"), "25 million"),
        "26 megapixels, JPEG": lambda: (saved(Image.new("L", (5200, 5000)), "JPEG"), "25 million"),
        "PNG bomb": lambda: (png_file(18000, 18000, 8, 2, bytes(18000 * 54001 // 4)), "18000 × 18000"),
        "PNG of one pixel too many": lambda: (png_file(25_000_001 // 5000 + 1, 5000, 8, 0, b""), "25 million"),
        "PNG that claims 24 megapixels": lambda: (png_file(5000, 4800, 8, 2, b"\0"), "damaged"),
        "PNG of 2³² - 1 pixels a side": lambda: (png_file(2**32 - 1, 2**32 - 1, 8, 2, b""), "25 million"),
        "PNG of no width": lambda: (png_file(0, 64, 8, 2, b""), "damaged"),
        "PNG of a depth that is none": lambda: (png_file(64, 64, 7, 2, bytes(9999)), "damaged"),
        "PNG of a million empty chunks": lambda: (
            saved(corners(), "PNG")[:33] + chunk(b"teSt", b"") * 1_000_000,
            "damaged",
        ),
        "WebP bomb of 34 bytes": lambda: (
            b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f" + struct.pack("<I", 0x0FFF_BFFE) + bytes(9),
            "16383 × 16383",
        ),
        "WebP bomb, lossy": lambda: (
            b"RIFF\x16\0\0\0WEBPVP8 \x0a\0\0\0\0\0\0\x9d\x01\x2a\xff\x3f\xff\x3f",
            "16383 × 16383",
        ),
        "WebP bomb, extended": lambda: (b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0" + bytes(4) + b"\xff" * 6, "16777216 ×"),
        "WebP of a header alone": lambda: (saved(corners(), "WEBP")[:16], "damaged"),
        "GIF bomb of 43 bytes": lambda: (gif_file((65535, 65535), (65535, 65535)), "65535 × 65535"),
        "GIF whose frame hangs over": lambda: (gif_file((100, 100), (13000, 13000)), "13000 × 13000"),
        "GIF bomb behind a comment": lambda: (gif_file((64, 64), (13000, 13000), b"!\xfe\2hi\0"), "13000 × 13000"),
        "GIF of a million comments": lambda: (gif_file((64, 64), (64, 64), b"!\xfe\1a\0" * 10**6), "damaged"),
        "GIF of one endless comment": lambda: (gif_file((64, 64), (64, 64), b"!\xfe" + b"\1a" * 10**6), "damaged"),
        "GIF without a frame": lambda: (gif_file((64, 64), (64, 64))[:13] + b";", "damaged"),
        "JPEG that lies upwards": lambda: (jpeg_claiming(65500, 65500), "65500 × 65500"),
        "JPEG of zeros": lambda: (b"\xff\xd8\xff" + bytes(10**7), "damaged"),
        "JPEG of a million segments": lambda: (b"\xff\xd8" + b"\xff\xe5\0\2" * 10**6, "damaged"),
        "JPEG of many scans": lambda: (jpeg_with_many_scans(), "pieces"),
        "JPEG of many scans behind ends of image": lambda: (jpeg_with_hidden_scans(), "pieces"),
        "JPEG of many scans behind many comments": lambda: (jpeg_with_scans_behind_comments(), "damaged"),
        "TIFF of 2³¹ pixels a side": lambda: (tiff_of(2**31, 2**31), "2147483648"),
        "TIFF of a million strips": lambda: (tiff_of(64, 64, strips=10**6), "1000000 pieces"),
        "TIFF whose strip is short": lambda: (tiff_of(64, 64, rows=64), "damaged"),
        "TIFF whose strips lie outside": lambda: (tiff_of(64, 64, rows=64)[:130], "damaged"),
        "TIFF of a strip of 2³¹ rows": lambda: (tiff_of(5000, 5000, compression=5, rows=2**31), "damaged"),
        "TIFF whose directory is elsewhere": lambda: (b"II*\0" + struct.pack("<I", 2**32 - 1), "damaged"),
        "BigTIFF whose directory is elsewhere": lambda: (b"II+\0\x08\0\0\0" + b"\xff" * 8, "damaged"),
        "TIFF without tags": lambda: (tiff_file(), "damaged"),
        "BMP, run-length coded": lambda: (bmp_run_length(), "run-length"),
        "BMP of a header alone": lambda: (bmp_bottom_up(24)[:20], "damaged"),
        "BMP without pixels": lambda: (bmp_bottom_up(24)[:60], "damaged"),
    }
    | {
        f"{kind} cut at {share:.0%}": lambda kind=kind, share=share: (
            (file := saved(photograph(300, 200), kind))[: int(len(file) * share)],
            "damaged",
        )
        for kind in ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
        for share in (0.1, 0.5, 0.95)
    }
)


ALIKE = {  # ways to write `corners()`: bytes
    "PNG": lambda: saved(corners(), "PNG"),
    "BMP": lambda: saved(corners(), "BMP"),
    "TIFF": lambda: saved(corners(), "TIFF"),
    "TIFF, LZW": lambda: saved(corners(), "TIFF", compression="tiff_lzw"),
    "TIFF, deflated": lambda: saved(corners(), "TIFF", compression="tiff_adobe_deflate"),
    "BigTIFF": lambda: saved(corners(), "TIFF", big_tiff=True),
    "TIFF of LAB": lambda: saved(lab(), "TIFF"),
    "TIFF of CMYK": lambda: saved(corners("CMYK"), "TIFF"),
    "TIFF of many pages": lambda: frames("TIFF"),
    "GIF": lambda: saved(corners(), "GIF"),
    "GIF of many frames": lambda: frames("GIF"),
    "WebP, lossless": lambda: saved(corners(), "WEBP", lossless=True),
    "WebP": lambda: saved(corners(), "WEBP", quality=95),
    "WebP of many frames": lambda: frames("WEBP"),
    "PNG of many frames": lambda: frames("PNG"),
    "PNG of a palette": lambda: saved(corners().quantize(4), "PNG"),
    "PNG with opaque alpha": lambda: saved(corners("RGBA"), "PNG"),
    "BMP of a palette": lambda: saved(corners().quantize(4), "BMP"),
    "JPEG": lambda: saved(corners(), "JPEG", quality=95),
    "JPEG, progressive": lambda: saved(corners(), "JPEG", quality=95, progressive=True),
    "JPEG of CMYK": lambda: saved(corners("CMYK"), "JPEG", quality=95),
    "JPEG of many (MPO)": lambda: saved(corners(), "MPO", save_all=True, append_images=[corners()], quality=95),
    "PNG with bytes behind": lambda: saved(corners(), "PNG") + b"<script>" * 999,
    "JPEG with bytes behind": lambda: saved(corners(), "JPEG", quality=95) + bytes(9999),
    "PNG with a text of 100 MB": lambda: with_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(10**8))),
    "PNG with an iTXt of 100 MB": lambda: with_chunk(b"iTXt", b"a\0\1\0\0\0" + zlib.compress(bytes(10**8))),
    "PNG with a profile of 100 MB": lambda: with_chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(10**8))),
    "PNG with a broken EXIF note": lambda: with_chunk(b"eXIf", b"MM\0*" + b"\xff" * 40),
    "PNG with an EXIF note of rubbish": lambda: with_chunk(b"eXIf", b"rubbish"),
    "JPEG with a broken EXIF note": lambda: saved(corners(), "JPEG", quality=95, exif=b"Exif\0\0II*\0\xff\xff\0\0"),
    "JPEG with an EXIF note of rubbish": lambda: saved(corners(), "JPEG", quality=95, exif=b"Exif\0\0rubbish"),
    "PNG of sixteen bits a colour": lambda: png_file(
        64,
        48,
        16,
        2,
        b"".join(b"\0" + row.tobytes() for row in (np.asarray(corners()).astype(">u2") * 257)),
    ),
}

GREYS = {  # left half, right half of what is shown: bytes
    "PNG of 16 bits": (0x40, 0x80, lambda: saved(Image.fromarray(grey_ramp("u2", 0x40FF, 0x8000)), "PNG")),
    "TIFF of 16 bits": (0x40, 0x80, lambda: saved(Image.fromarray(grey_ramp("u2", 0x4000, 0x80FF)), "TIFF")),
    "PNG of 16 bits, one transparent": (
        0x40,
        255,
        lambda: png_file(
            64,
            48,
            16,
            0,
            b"".join(b"\0" + row.tobytes() for row in grey_ramp(">u2", 0x4000, 0x8000)),
            chunk(b"tRNS", b"\x80\0"),
        ),
    ),
    "TIFF of floats in 0…1": (51, 102, lambda: saved(Image.fromarray(grey_ramp("f4", 0.2, 0.4)), "TIFF")),
    "TIFF of wide floats": (0, 255, lambda: saved(Image.fromarray(grey_ramp("f4", -3e38, 3e38)), "TIFF")),
    "TIFF with NaN": (0, 128, lambda: saved(Image.fromarray(grey_ramp("f4", np.nan, 0.5)), "TIFF")),
    "TIFF with infinity": (0, 0, lambda: saved(Image.fromarray(grey_ramp("f4", np.inf, 7)), "TIFF")),
    "TIFF of NaN": (0, 0, lambda: saved(Image.fromarray(grey_ramp("f4", np.nan, np.nan)), "TIFF")),
    "TIFF of wide integers": (0, 255, lambda: saved(Image.fromarray(grey_ramp("i4", -70000, 70000)), "TIFF")),
    "TIFF, zero is white": (
        255 - 0x40,
        255 - 0x80,
        lambda: saved(Image.fromarray(grey_ramp("u2", 0x4000, 0x8000)), "TIFF", tiffinfo={262: 0}),
    ),
    "PNG of 1 bit": (0, 255, lambda: saved(Image.fromarray(grey_ramp("u1", 0, 255)).convert("1"), "PNG")),
    "TIFF of 1 bit": (
        0,
        255,
        lambda: saved(Image.fromarray(grey_ramp("u1", 0, 255)).convert("1"), "TIFF", compression="group4"),
    ),
    "BMP of 1 bit": (0, 255, lambda: saved(Image.fromarray(grey_ramp("u1", 0, 255)).convert("1"), "BMP")),
    "BMP of 8 bits": (64, 128, lambda: saved(Image.fromarray(grey_ramp("u1", 64, 128)), "BMP")),
    "PNG of 8 bits": (64, 128, lambda: saved(Image.fromarray(grey_ramp("u1", 64, 128)), "PNG")),
    "JPEG of 8 bits": (64, 128, lambda: saved(Image.fromarray(grey_ramp("u1", 64, 128)), "JPEG", quality=95)),
    "GIF of 8 bits": (64, 128, lambda: saved(Image.fromarray(grey_ramp("u1", 64, 128)), "GIF")),
}
