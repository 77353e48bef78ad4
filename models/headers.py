"""What a picture's file says about itself, read without a pixel of it and without Pillow.

Each function raises what a file that lies makes it raise: see `models.decoding.DAMAGE`.
"""

import io
import re
import struct

MOST_READS = 20_000  # until the header is known; photographs need some hundreds
MOST_PIECES = 20_000  # chunks of a PNG, strips of a TIFF: a strip may be a single row
MARKER = re.compile(rb"\xff+([^\x00\x01\xff\xd0-\xd7])", re.DOTALL)  # of a JPEG, that begins a segment or an image
TIFF_NOTES = 700  # tags from here on are notes
TIFF_TEXT = 2  # type of a tag's values
SHOWN_CHUNKS = {b"IHDR", b"PLTE", b"tRNS", b"eXIf", b"IDAT", b"IEND"}  # of a PNG: what changes how it looks


class Source(io.BytesIO):
    """A file in memory that may be read only so often: a million empty blocks are no header."""

    reads_left: float = MOST_READS

    def read(self, size: int | None = -1) -> bytes:
        self.reads_left -= 1
        if self.reads_left < 0:
            raise EOFError("too many pieces")
        return super().read(size)


def scans(content: bytes) -> int:
    """How many scans a JPEG file has before its end of image; what stands within other segments does not count.

    Source: ITU-T T.81, annex B.
    """
    count = start = 0
    for _ in range(MOST_PIECES):
        marker = MARKER.search(content, start)
        if marker is None or marker[1] == b"\xd9":
            return count
        if marker[1] == b"\xd8":  # the start of the image, which has no length
            start = marker.end()
            continue
        count += marker[1] == b"\xda"
        start = marker.end() + max(2, int.from_bytes(content[marker.end() : marker.end() + 2]))
    raise ValueError("too many pieces")


def tiff_pieces(content: bytes) -> int:
    """The most values that a tag about the pixels has: offsets of strips or tiles, entries of the palette.

    Source: TIFF 6.0, section 2; in a BigTIFF counts and offsets are twice as wide.
    """
    order, big = "<" if content[0] == ord("I") else ">", 43 in content[2:4]
    entry = order + ("HHQQ" if big else "HHII")  # tag, type, count, value or its offset
    (start,) = struct.unpack_from(order + ("8xQ" if big else "4xI"), content)
    (entries,) = struct.unpack_from(order + ("Q" if big else "H"), content, start)
    start += 8 if big else 2
    tags = struct.iter_unpack(entry, content[start : start + entries * struct.calcsize(entry)])
    return max(count for tag, kind, count, _ in tags if tag < TIFF_NOTES and kind != TIFF_TEXT)


def shown_chunks(content: bytes) -> bytes:
    """A PNG without its notes, profiles and later frames, which cost memory and are not shown.

    Source: PNG specification, third edition, section 5.3.
    """
    view, start = memoryview(content), 8
    kept = [view[:start]]
    for _ in range(MOST_PIECES):
        length, name = struct.unpack_from(">I4s", content, start)
        end = start + 12 + length  # length and name before, checksum behind
        if name in SHOWN_CHUNKS:
            kept.append(view[start:end])
        if name == b"IEND":  # a file that ends without is cut off, which the next chunk's header shows
            break
        start = end
    return b"".join(kept)


def webp_size(content: bytes) -> tuple[int, int]:
    """Width and height that a WebP claims. Source: RFC 9649, sections 2.5 to 2.7 and 3.4."""
    match content[12:16]:
        case b"VP8 ":
            width, height = struct.unpack_from("<HH", content, 26)
            return width & 0x3FFF, height & 0x3FFF
        case b"VP8L":
            (bits,) = struct.unpack_from("<I", content, 21)
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case _:
            return int.from_bytes(content[24:27], "little") + 1, int.from_bytes(content[27:30], "little") + 1


def gif_size(content: bytes) -> tuple[int, int]:
    """Width and height that a GIF claims: its screen, or more if the first frame hangs over it.

    Source: GIF89a specification, sections 18 to 24.
    """
    file = Source(content)
    screen_width, screen_height, flags = struct.unpack("<6xHHB2x", file.read(13))
    if flags & 0x80:
        file.read(3 << (flags & 7) + 1)  # the palette
    while (mark := file.read(1)) != b",":
        if mark == b"!":  # an extension: its label, then blocks until an empty one
            file.read(1)
            while length := file.read(1)[0]:
                file.read(length)
    left, top, width, height = struct.unpack("<4H", file.read(8))
    return max(screen_width, left + width), max(screen_height, top + height)
