"""The tiles of a feature map's nine in a file, which gives them back bit by bit."""

import hashlib
import io
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import astuple
from pathlib import Path
from uuid import uuid4

import numpy as np

from vis.figures.nine import Tile
from vis.top9 import Entry

TILES = ".tiles"  # ends the name of a folder with the tiles of one result
FORMAT = 1  # counted up when the same entries are to give other tiles
MOST_BYTES = 4 * 2**20  # of a file; nine tiles of 112×112 take 1.7 · 10⁶


def file_of(folder: Path, layer: str, channel: int) -> Path:
    return folder / f"{layer}-{channel}.nine"


def write(tiles: Sequence[Tile], folder: Path, layer: str, channel: int, entries: Sequence[Entry]) -> None:
    """Keeps the tiles of these entries, whole or not at all; where that is not possible, they are made again."""
    file, body = file_of(folder, layer, channel), _packed(tiles)
    partial = file.with_name(f"{file.name}.{uuid4().hex}.partial")
    with suppress(OSError):  # the disk is full, or the folder above went with its session
        folder.mkdir(exist_ok=True)
        try:
            partial.write_bytes(_seal(layer, channel, entries, body) + body)
            os.replace(partial, file)
        finally:
            partial.unlink(missing_ok=True)


def read(folder: Path, layer: str, channel: int, entries: Sequence[Entry]) -> list[Tile] | None:
    """The tiles of these entries; None where there are none, or a damaged file, or one of other entries."""
    file = file_of(folder, layer, channel)
    try:
        content = file.read_bytes() if file.stat().st_size <= MOST_BYTES else b""
    except OSError:
        return None
    seal, body = content[:32], content[32:]
    return _unpacked(body) if seal == _seal(layer, channel, entries, body) else None


def _seal(layer: str, channel: int, entries: Sequence[Entry], body: bytes) -> bytes:
    """32 bytes that no damaged file has at its beginning, nor one of other entries."""
    of = json.dumps([FORMAT, layer, channel, [astuple(entry) for entry in entries]])
    return hashlib.sha256(of.encode() + body).digest()


def _packed(tiles: Sequence[Tile]) -> bytes:
    about = json.dumps([[tile.limit, tile.fidelity] for tile in tiles]).encode()
    arrays = {f"patch {i}": tile.patch for i, tile in enumerate(tiles)}
    arrays |= {f"projection {i}": tile.projection for i, tile in enumerate(tiles)}
    file = io.BytesIO()
    np.savez(file, about=np.frombuffer(about, np.uint8), **arrays)
    return file.getvalue()


def _unpacked(body: bytes) -> list[Tile]:
    with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
        about = json.loads(arrays["about"].tobytes())
        return [Tile(arrays[f"patch {i}"], arrays[f"projection {i}"], *those) for i, those in enumerate(about)]
