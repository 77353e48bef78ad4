"""How weights of somebody's own were trained, where that is not as usual for their network."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite

import torch
from torch import nn

from models.images import Preprocess
from models.refusals import Refused

LEAST_SIDE, MOST_SIDE = 16, 640  # pixels


@dataclass(frozen=True)
class Trained:
    """What was other than usual; what is left out was not.

    Args:
        side: of the pictures, pixels.
        mean, std: of the pictures' values between 0 and 1, one of each channel.
        classes: the names of the outputs, in their order.
    """

    side: int | None = None
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    classes: tuple[str, ...] = ()

    def prepares(self, usual: Preprocess) -> Preprocess:
        """How pictures are prepared for these weights.

        Raises:
            Refused: for a side, a mean or a deviation that cannot be.
        """
        side = self.side or usual.crop
        if not LEAST_SIDE <= side <= MOST_SIDE:
            raise Refused(
                "Pictures can be {least} to {most} pixels wide, not {side}.",
                least=LEAST_SIDE,
                most=MOST_SIDE,
                side=side,
            )
        resize = round(usual.resize * side / usual.crop)
        mean, std = self.mean or usual.mean, self.std or usual.std
        _check(mean, len(usual.mean), least=-torch.inf)
        _check(std, len(usual.std), least=0)
        return replace(usual, resize=resize, crop=side, mean=mean, std=std)

    @torch.no_grad()
    def check(self, model: nn.Module, channels: int, side: int, device: torch.device) -> None:
        """Shows the network one picture, to see that it takes this size and has as many outputs as there are names.

        Raises:
            Refused: where it does not.
        """
        if not (self.side or self.classes):
            return
        try:
            outputs = model(torch.zeros(1, channels, side, side, device=device)).shape[1]
        except torch.OutOfMemoryError:  # of which its caller knows what to do
            raise
        except RuntimeError as error:
            raise Refused("This network does not take pictures of {side}×{side} pixels.", side=side) from error
        if self.classes and len(self.classes) != outputs:
            raise Refused(
                "There are {given} names of classes, but the network has {outputs} outputs.",
                given=len(self.classes),
                outputs=outputs,
            )


AS_USUAL = Trained()


def _check(values: Sequence[float], channels: int, least: float) -> None:
    if len(values) != channels or not all(isfinite(value) and value > least for value in values):
        raise Refused(
            "Mean and deviation are {channels} numbers each, one of each channel, and a deviation is more than 0.",
            channels=channels,
        )
