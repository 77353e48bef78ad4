"""What is asked of a network: which of its numbers is to be explained, and for which picture."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, fx, nn

from models.refusals import Refused
from vis.deconvnet import Unit, check_unit
from vis.maps import maps_of_all, stream_maps
from vis.trace import Recording, Trace, record_above, record_differentiable, stream, traced


@dataclass(frozen=True)
class FeatureMap:
    """All of one map of a layer: its score is the sum of its activations."""

    layer: str
    channel: int


Inside = Unit | FeatureMap  # of a layer, anywhere in the network
Target = (
    int | tuple[int, int] | Inside
)  # a class; "class a and not b", the difference of their scores; or a part of a layer


@dataclass(frozen=True, eq=False)
class Question:
    """Why does the network answer so to this picture?"""

    model: nn.Module
    image: Tensor  # (1, C, H, W), as the network takes it
    target: Target
    layer: str | None = None  # of whose maps the CAM family makes its picture; None: the last that has positions
    is_probability: bool = False  # whether the score of a class is its probability, and not its logit
    is_negative: bool = False  # whether −score is explained: of a network with one output, the answer “no”

    @cached_property
    def trace(self) -> Trace:
        """The way through the network, as it was when first asked for.

        Raises:
            TraceRefused: see `vis.trace.traced`.
        """
        return traced(self.model, tuple(self.image.shape))

    def recorded(self, images: Tensor | None = None) -> tuple[Recording, Tensor]:
        """A pass of these pictures (N, C, H, W), by default of the one asked about, and their scores (N,).

        Raises:
            TraceRefused: see `vis.trace.record` and `vis.maps.maps_of_all`.
            Refused: for a class that the network does not have, or a network without classes.
        """
        ends = [self.target.layer] if isinstance(self.target, Inside) else None
        recording = record_differentiable(self.model, self.image if images is None else images, ends)
        return recording, self.scores_in(recording)

    def recorded_above(self, layer: str) -> tuple[Recording, Tensor]:
        """As `recorded` of the picture asked about, for gradients down to `layer` and no further.

        Raises:
            TraceRefused, Refused: as `recorded`.
        """
        recording = record_above(self.model, self.image, layer, self.end, self.trace)
        return recording, self.scores_in(recording)

    def end(self, trace: Trace) -> fx.Node | None:
        """The operation from whose result the score is read; None where the network's answer is a list.

        Raises:
            TraceRefused: for a layer that there is not, or that is the same for every picture.
        """
        return trace.changing(self.target.layer) if isinstance(self.target, Inside) else end_of(trace)

    def scores_in(self, recording: Recording) -> Tensor:
        """The scores (N,) in a recording of N pictures; raises as `recorded`."""
        if isinstance(self.target, Inside):
            return self._of_maps(maps_of_all(recording, self.target.layer))
        return self._of_answers(recording.values.get(end_of(recording.trace)))

    @torch.no_grad()
    def scores(self, images: Tensor) -> Tensor:
        """The scores (N,) of these pictures (N, C, H, W); nothing of their passes is kept.

        Raises:
            Refused, TraceRefused: as `recorded`; or for scores that are not finite.
        """
        if isinstance(self.target, Inside):
            ((_, maps),) = stream_maps(self.model, images, [self.target.layer])
            return self._of_maps(maps)
        trace = traced(self.model, tuple(images.shape))
        ((_, answers),) = stream(self.model, images, [trace.names.get(end_of(trace), "")])
        return self._of_answers(answers)

    def _of_maps(self, maps: Tensor) -> Tensor:
        if isinstance(part := self.target, FeatureMap):
            check_unit(maps[0], part.layer, part.channel)
            return self._signed(maps[:, part.channel].sum((1, 2)))
        check_unit(maps[0], part.layer, part.channel, part.row, part.column)
        return self._signed(maps[:, part.channel, part.row, part.column])

    def _of_answers(self, answers: object) -> Tensor:
        if not isinstance(answers, Tensor) or answers.dim() != 2:
            raise Refused("This network gives no scores of classes; choose a unit of one of its layers.")
        classes = self.target if isinstance(self.target, tuple) else (self.target,)
        for number in classes:
            if not 0 <= number < answers.shape[1]:
                raise Refused(
                    "The network has classes 0 to {last}, no {number}.", last=answers.shape[1] - 1, number=number
                )
        if self.is_probability and answers.shape[1] == 1:  # a softmax of one number is always 1
            return self._signed(answers[:, 0]).sigmoid()
        answers = answers.softmax(1) if self.is_probability else answers
        first, *minus = (answers[:, number] for number in classes)
        return self._signed(first - minus[0] if minus else first)

    def _signed(self, scores: Tensor) -> Tensor:
        return -scores if self.is_negative else scores

    def gradients(self, images: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """By how much each number of these pictures (N, C, H, W) changes the score, and the scores (N,).

        Raises:
            Refused, TraceRefused: as `recorded`.
        """
        recording, scores = self.recorded(images)
        (gradients,) = torch.autograd.grad(scores.sum(), recording.image)  # no picture has a part in another's score
        return gradients, scores.detach()


def end_of(trace: Trace) -> fx.Node | None:
    """The operation whose result is the network's answer; None where its answer is a list."""
    answer = next(iter(reversed(trace.graph.nodes))).args[0]  # of the output, with which every graph ends
    return answer if isinstance(answer, fx.Node) else None
