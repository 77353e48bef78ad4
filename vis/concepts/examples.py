"""Small inputs with which the concepts are shown: the same ones at every visit."""

import torch
from torch import Tensor

TOYS = {  # pictures of 8×8 pixels, dark and bright
    "cross": ("........", "...##...", "...##...", ".######.", ".######.", "...##...", "...##...", "........"),
    "stroke": ("......##", ".....###", "....###.", "...###..", "..###...", ".###....", "###.....", "##......"),
    "corner": ("........", ".######.", ".######.", ".##.....", ".##.....", ".##.....", ".##.....", "........"),
}
FILTERS = {
    "vertical": ((-1, 0, 1), (-2, 0, 2), (-1, 0, 1)),  # Sobel's
    "horizontal": ((-1, -2, -1), (0, 0, 0), (1, 2, 1)),
    "diagonal": ((2, -1, -1), (-1, 2, -1), (-1, -1, 2)),
    "outline": ((0, -1, 0), (-1, 4, -1), (0, -1, 0)),
    "blur": ((1, 1, 1), (1, 1, 1), (1, 1, 1)),
}

CHANNELS = 3  # of the batches
MEANS, DEVIATIONS = (-1.0, 0.5, 3.0), (0.5, 1.0, 2.0)  # of each channel, over all batches that could come


def activations() -> Tensor:
    """Eight maps of whole numbers as a ReLU leaves them, (1, 8, 4, 4); number 3 is loud."""
    drawn = torch.randn((1, 8, 4, 4), dtype=torch.float64, generator=torch.Generator().manual_seed(12)) + 0.5
    drawn[:, 3] = 1.5 * drawn[:, 3] + 1.5
    return (60 * drawn).relu().round()


def batch(number: int, pictures: int, side: int, channels: int = CHANNELS) -> Tensor:
    """The batch of that number, from 1 on, (pictures, channels, side, side); more channels repeat the first three."""
    generator = torch.Generator().manual_seed(1000 + number)
    drawn = torch.randn((pictures, channels, side, side), dtype=torch.float64, generator=generator)
    places = torch.arange(channels) % CHANNELS
    mean, deviation = (torch.tensor(of, dtype=torch.float64)[places] for of in (MEANS, DEVIATIONS))
    return drawn * deviation[:, None, None] + mean[:, None, None]


def numbers() -> Tensor:
    """A map of whole numbers, 0 to 99, (1, 1, 9, 9)."""
    return torch.randint(0, 100, (1, 1, 9, 9), generator=torch.Generator().manual_seed(8)).double()


def toy(name: str) -> Tensor:
    """One of the small pictures, of 0 and 1, (1, 1, 8, 8)."""
    return torch.tensor([[float(pixel == "#") for pixel in row] for row in TOYS[name]], dtype=torch.float64)[None, None]


def preactivations() -> Tensor:
    """What one unit is given for 160 inputs, before its bias: mean 0 and deviation 1, (8, 20)."""
    return torch.randn((8, 20), dtype=torch.float64, generator=torch.Generator().manual_seed(4))


def units() -> tuple[Tensor, Tensor]:
    """What 24 units give, 1 to 9, and the gradient that comes back to the layer behind them, −4 to 4, (4, 6) each."""
    generator = torch.Generator().manual_seed(5)
    given = torch.randint(1, 10, (4, 6), generator=generator).double()
    return given, torch.randint(-4, 5, (4, 6), generator=generator).double()


def both_ways() -> tuple[Tensor, Tensor]:
    """What came to eight ReLUs on the way up, and the signal that comes to them on the way down."""
    up = torch.tensor([2.0, 1.0, -1.0, -2.0, 3.0, -1.0, 1.0, -3.0], dtype=torch.float64)
    return up, torch.tensor([1.0, -2.0, 3.0, -1.0, 2.0, 1.0, -1.0, -3.0], dtype=torch.float64)


def residual_block(channels: int) -> tuple[Tensor, tuple[Tensor, Tensor, Tensor]]:
    """A map of whole numbers, −4 to 5, (1, 1, 6, 6), and a block's kernels for so many channels, in quarters."""
    generator = torch.Generator().manual_seed(3)
    x = torch.randint(-4, 6, (1, 1, 6, 6), generator=generator).double()
    sizes = (channels, 1, 3, 3), (channels, channels, 3, 3)
    first, second = (torch.randint(-2, 3, size, generator=generator).double() / 4 for size in sizes)
    return x, (first, second, torch.tensor([0.75, -0.5], dtype=torch.float64)[:channels, None, None, None])
