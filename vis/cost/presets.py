"""Stacks to begin with: what known networks are made of, row by row."""

from vis.cost.design import Design
from vis.cost.stack import Row


def _threes(*channels: int) -> list[Row]:
    return [Row("conv", n, 3, padding=1) for n in channels]


def _separable(channels: int, stride: int = 1) -> list[Row]:
    """A block of MobileNet."""
    return [Row("depthwise", kernel=3, stride=stride, padding=1), Row("pointwise", channels)]


def _vgg(*stages: tuple[int, ...]) -> tuple[Row, ...]:
    return tuple(row for stage in stages for row in (*_threes(*stage), HALVING))


HALVING = Row("max pool", kernel=2, stride=2)
OVERLAPPING = Row("max pool", kernel=3, stride=2)
PADDED = Row("max pool", kernel=3, stride=2, padding=1)  # to an even side as large as one that is rounded up
ATROUS = (1, 1, 2, 4, 8, 16, 1)  # Yu & Koltun 2016, Table 1
FEW = 21  # maps, as many as PASCAL VOC has classes

ALEXNET = Row("conv", 64, 11, 4, 2), OVERLAPPING, Row("conv", 192, 5, 1, 2), OVERLAPPING
LENET = Row("conv", 6, 5), HALVING, Row("conv", 16, 5), HALVING, Row("conv", 120, 5)

PRESETS = {
    "alexnet": Design((*ALEXNET, *_threes(384, 256, 256), OVERLAPPING)),
    "lenet5": Design((*LENET, Row("linear", 84), Row("linear", 10)), (1, 32, 32)),
    "zfnet": Design(
        (Row("conv", 96, 7, 2, 1), PADDED, Row("conv", 256, 5, 2), PADDED, *_threes(384, 384, 256), OVERLAPPING)
    ),
    "vgg11": Design(_vgg((64,), (128,), (256, 256), (512, 512), (512, 512))),
    "vgg16": Design(_vgg((64, 64), (128, 128), (256,) * 3, (512,) * 3, (512,) * 3)),
    "context": Design(
        (*(Row("conv", FEW, 3, padding=d, dilation=d) for d in ATROUS), Row("pointwise", FEW)),
        (FEW, 64, 64),
    ),
    "mobilenet": Design(
        (Row("conv", 32, 3, 2, 1), *_separable(64), *_separable(128, 2), *_separable(128), *_separable(256, 2)),
        bias=False,
        norm=True,
    ),
    "empty": Design(),
}
USUAL = "alexnet"  # what the page begins with
