"""Pictures as the weights want them, (1, C, H, W); and back for the eye."""

import base64
import hashlib
import io
import zlib
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from models.decoding import check_size
from models.kept import Kept

MIDDLE = 50  # percent: where torchvision cuts


@dataclass(frozen=True)
class Preprocess:
    """Picture → (1, C, crop, crop) float32, as torchvision prepares pictures for its classification weights.

    The shorter side becomes `resize` pixels (antialiased), the middle is cut out, values are divided by 255, then
    normalised with `mean` and `std`, one value a channel. Weights of one channel see the picture in grey.

    Raises PictureRefused for a side under 16 pixels.
    """

    resize: int
    crop: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    resample: Image.Resampling = Image.Resampling.BILINEAR

    def __call__(self, picture: Image.Image) -> Tensor:
        check_size(*picture.size)
        picture = picture.convert("L" if len(self.mean) == 1 else "RGB")
        shorter = min(picture.size)
        width, height = (self.resize * side // shorter for side in picture.size)
        left, top = round((width - self.crop) / 2), round((height - self.crop) / 2)
        picture = picture.resize((width, height), self.resample)
        pixels = np.array(picture.crop((left, top, left + self.crop, top + self.crop)))
        # With NumPy: torch would use threads, and threads of torch in several threads at once make all of them slow.
        image = pixels.reshape(self.crop, self.crop, -1).transpose(2, 0, 1).astype(np.float32, order="C")
        mean, std = (np.array(values, np.float32).reshape(-1, 1, 1) for values in (self.mean, self.std))  # (C, 1, 1)
        image /= 255
        image -= mean
        image /= std
        return torch.from_numpy(image)[None]

    def for_the_eye(self, image: Tensor) -> np.ndarray:
        """The pixels (H, W, 3), uint8, of an image (C, H, W) or (1, C, H, W): the normalisation undone, clipped.

        Grey is repeated in all three channels.
        """
        image = image.detach().cpu().float().reshape(image.shape[-3:])
        mean, std = (torch.tensor(values).view(-1, 1, 1) for values in (self.mean, self.std))  # (C, 1, 1)
        pixels = ((image * std + mean).clamp(0, 1) * 255).round().byte()
        return pixels.expand(3, -1, -1).permute(1, 2, 0).contiguous().numpy()


def square_of(width: int, height: int, part: int) -> tuple[int, int, int, int]:
    """The box (left, top, right, bottom) of the largest square in a picture, where it stands at this part of its way.

    Args:
        part: percent of the way from the left or the top, 0, to the right or the bottom, 100.
    """
    side = min(width, height)
    left, top = (round((length - side) * part / 100) for length in (width, height))
    return left, top, left + side, top + side


def shown_at(picture: Image.Image, part: int) -> Image.Image:
    """The picture so cut that its middle, which `Preprocess` takes, is the square at this part of its way.

    In the middle it is left whole, and what a network sees is torchvision's to the last digit.
    """
    return picture if part == MIDDLE else picture.crop(square_of(*picture.size, part))


def png(pixels: np.ndarray) -> bytes:
    """A PNG file, without any notes, of pixels (H, W), (H, W, 3) or (H, W, 4), uint8."""
    content = np.ascontiguousarray(pixels)
    key = content.shape, content.dtype.str, hashlib.sha256(content).digest()
    return _files.get(key, lambda: _encoded(content))


def jpeg(pixels: np.ndarray) -> bytes:
    """A JPEG file of a photograph's pixels (H, W, 3), as Streamlit makes one of every picture that has no transparent
    part, in every run; one that is a JPEG already it takes as it is.
    """
    content = np.ascontiguousarray(pixels)
    key = "jpeg", content.shape, hashlib.sha256(content).digest()
    return _files.get(key, lambda: _photograph(content))


def _photograph(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=90)
    return file.getvalue()


_files = Kept(32 << 20)  # a page draws most of its pictures again whenever something else on it changes


def _encoded(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    # Looking for runs alone takes a quarter to a half of the time, and photographs are 1 % larger for it.
    Image.fromarray(pixels).save(file, "PNG", compress_type=zlib.Z_RLE)
    return file.getvalue()


def webp(pixels: np.ndarray) -> bytes:
    """A WebP file of pixels (H, W, 3) or (H, W, 4), uint8: a photograph's is a fifth of its PNG, and not exact."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "WEBP", quality=90)
    return file.getvalue()


def data_uri(picture: bytes, kind: str = "png") -> str:
    """A picture as an address of itself; its kind as in image/png."""
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode('ascii')}"
