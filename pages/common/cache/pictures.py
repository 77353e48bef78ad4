"""The picture of a selection."""

import sys

import numpy as np
from PIL import Image

from models.decoding import decoded
from models.decoding_apart import decoded_apart
from models.images import shown_at, square_of, webp
from models.samples import SAMPLES
from pages.common.cache.remembering import copied, shared
from pages.common.session import PICTURE_FILE, Picture, Selection, own_file, sha256
from vis.figures.pictures import montage


@shared(sys.getsizeof)
def sample(name: str) -> bytes:
    """The file of a sample."""
    return SAMPLES[name].content()


@shared(sys.getsizeof)
def sample_sha256(name: str) -> str:
    """The sha256 of a sample's file."""
    return sha256(sample(name))


@copied(of_session=True)
def _upload(digest: str, _file) -> np.ndarray:
    return np.asarray(decoded_apart(_file.getvalue()))


def whole_picture(chosen: Picture) -> Image.Image:
    """A picture as it was given, upright RGB.

    Raises:
        PictureRefused: see `models.decoding.decoded`.
    """
    if chosen.uploaded:
        return Image.fromarray(_upload(chosen.sha256, own_file(PICTURE_FILE)))
    return decoded(sample(chosen.name))


def picture(selection: Selection) -> Image.Image:
    """The selection's picture, or that part of it which was chosen for the network to see.

    Raises:
        PictureRefused: see `models.decoding.decoded`.
    """
    return shown_at(whole_picture(selection.picture), selection.picture.part)


def thumbnail(chosen: Picture, side: int) -> np.ndarray:
    """The square of a picture that a network sees, (side, side, 3) uint8.

    Raises:
        PictureRefused: see `models.decoding.decoded`.
    """
    return (_own_small if chosen.uploaded else _small)(chosen, side, True)


def reduced(chosen: Picture, most: int) -> np.ndarray:
    """A whole picture, (h, w, 3) uint8, whose longer side has `most` pixels at most.

    Raises:
        PictureRefused: see `models.decoding.decoded`.
    """
    return (_own_small if chosen.uploaded else _small)(chosen, most, False)


def _made_small(chosen: Picture, side: int, is_square: bool) -> np.ndarray:
    whole = whole_picture(chosen)
    if is_square:
        return np.asarray(whole.resize((side, side), Image.Resampling.BOX, square_of(*whole.size, chosen.part)))
    whole.thumbnail((side, side))
    return np.asarray(whole)


_small = copied()(_made_small)
_own_small = copied(of_session=True)(_made_small)


@shared(sys.getsizeof)
def sheet_of_samples(names: tuple[str, ...], columns: int, side: int) -> bytes:
    """A WebP of these samples as tiles, in rows of `columns`."""
    pictures = [Picture(name, sample_sha256(name), False) for name in names]
    return webp(montage([thumbnail(picture, side) for picture in pictures], columns, side))
