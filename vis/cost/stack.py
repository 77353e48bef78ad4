"""A network of your own, row by row: what every layer makes of the picture, what its units see, and what it costs."""

from collections.abc import Iterable
from dataclasses import dataclass

from models.refusals import Refused
from vis.cost.layer import Field, Layer, Shape, layer, picture

MOST_ROWS = 200


@dataclass(frozen=True)
class Row:
    """What is filled in for one layer; a setting that its kind does not have is left alone.

    A kernel, a stride, a padding or a dilation is one number, or (rows, columns). See `vis.cost.layer.SETTINGS`.
    """

    kind: str
    channels: object = None
    kernel: object = 1
    stride: object = 1
    padding: object = 0
    dilation: object = 1
    groups: object = 1


@dataclass(frozen=True)
class Step:
    """A layer of the stack, and what its units see of the picture; None for all of it."""

    layer: Layer
    field: Field | None


@dataclass(frozen=True)
class Stack:
    """The layers up to the first row that is impossible."""

    picture: Shape  # (C, H, W)
    steps: tuple[Step, ...]
    refused: Refused | None = None  # why the row after the last step cannot be; None where every row can

    @property
    def macs(self) -> int:
        return sum(step.layer.macs or 0 for step in self.steps)

    @property
    def weights(self) -> int:
        return sum(step.layer.weights for step in self.steps)

    @property
    def params(self) -> int:
        return sum(step.layer.params for step in self.steps)

    @property
    def activation_bytes(self) -> int:
        """Of all that the layers make; the picture itself does not count."""
        return sum(step.layer.activation_bytes for step in self.steps)

    @property
    def shape(self) -> Shape:
        """Of what comes out at the end."""
        return self.steps[-1].layer.shape if self.steps else self.picture


def row_by_row(rows: Iterable[Row], shape: Shape, bias: bool = True, norm: bool = False) -> Stack:
    """The layers of these rows for a picture of `shape` (C, H, W); after an impossible row nothing is computed.

    Args:
        bias, norm: whether convolutions and linear layers have biases, whether batch norm follows the convolutions.

    Raises:
        Refused: for a picture that cannot be.
    """
    given = seen = picture(*shape)
    field: Field | None = Field()
    steps: list[Step] = []
    for row in rows:
        try:
            if len(steps) == MOST_ROWS:
                raise Refused("A stack has at most {most} rows; remove the ones from here on.", most=MOST_ROWS)
            made = layer(**vars(row), given=given, bias=bias, norm=norm)
        except Refused as refused:
            return Stack(seen, tuple(steps), refused.alone())
        given, field = made.shape, field and field.after(made)
        steps.append(Step(made, field))
    return Stack(seen, tuple(steps))
