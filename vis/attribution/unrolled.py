"""A network whose operations are modules of their own, each called once, for Captum's hooks.

Captum finds them by their classes: a function such as `F.relu` it does not see, and a module that is called twice it
mixes up, without a word.
"""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F

from models.refusals import Refused
from vis.attribution.question import Question
from vis.operations import named, plain_name
from vis.trace import Recording, Trace, apply, argument, is_max_pool, max_pool_parameters, saying_where, traced

ELEMENTWISE = named("activation", reaches=("position",))
LAYERS = {"conv2d", "linear", "batchnorm2d", "avgpool2d", "adaptiveavgpool2d"}  # with a rule in Captum's LRP
UNCHANGED = named("dropout", "reshape", "concat") | {"zeropad2d"}


class Elementwise(nn.Module):
    """An activation function of each number alone."""

    def __init__(self, function: Callable[[Tensor], Tensor]):
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


class MaxPool(nn.Module):
    """A max pool of any settings; for those of torch Captum has a rule that fails for some."""

    def __init__(self, **settings: object):
        super().__init__()
        self.settings = settings

    def forward(self, x: Tensor) -> Tensor:
        return F.max_pool2d(x, **self.settings)

    def back(
        self, inputs: Tensor, outputs: Tensor, grad_input: Tensor, grad_output: Tensor, eps: float = 1e-10
    ) -> Tensor:
        """DeepLIFT's rule: what a maximum adds goes to where it was, in the picture and in its baseline.

        Captum puts it there with MaxUnpool2d, which keeps one where overlapping windows share a maximum.

        Args:
            inputs, outputs, grad_input, grad_output: of the picture and of its baseline, one after the other.
        """
        with torch.no_grad():
            (x, start), (y, end) = inputs.chunk(2), outputs.chunk(2)
            larger = torch.maximum(y, end)
            added = grad_output * torch.cat([larger - end, y - larger])
            _, places = F.max_pool2d(inputs, **self.settings, return_indices=True)
            below = torch.zeros_like(inputs).flatten(2).scatter_add_(2, places.flatten(2), added.flatten(2))
            parts, apart = below.view_as(inputs).chunk(2), torch.cat([x - start] * 2)
            return torch.where(apart.abs() < eps, grad_input, torch.cat([parts[0] + parts[1]] * 2) / apart)


def check_unrolls(asked: Question) -> Trace:
    """The network's trace; raises Refused for one that has to be followed for each size of its pictures anew."""
    trace = traced(asked.model, tuple(asked.image.shape))
    asked.end(trace)  # refuses what is the same for every picture
    if trace.shape is not None:
        raise Refused("This network's operations depend on the size of the picture; choose another method.")
    return trace


class Unrolled(nn.Module, ABC):
    """Gives the scores (N,) of pictures (N, C, H, W) that a question asks for.

    Raises:
        Refused: see `check_unrolls`.
    """

    def __init__(self, asked: Question):
        super().__init__()
        self._asked, self._trace = asked, check_unrolls(asked)
        self._nodes = nodes_up_to(asked.end(self._trace), self._trace)
        steps = {node.name: self._step(node) for node in self._nodes if node.op.startswith("call")}
        self.steps = nn.ModuleDict({name: step for name, step in steps.items() if step is not None})

    @abstractmethod
    def _step(self, node: fx.Node) -> nn.Module | None:
        """The operation as a module of its own; None where it need not be one."""

    def forward(self, images: Tensor) -> Tensor:
        recording = Recording(self._asked.model, self._trace, images, {}, {})
        for node in self._nodes:
            with saying_where(node, recording):
                recording.values[node] = self._result(node, recording)
        return self._asked.scores_in(recording)

    def _result(self, node: fx.Node, recording: Recording) -> object:
        if node.op == "placeholder":
            return recording.image
        if node.target in self._trace.constants:
            return self._trace.constants[node.target].to(recording.image.device)
        args, kwargs = fx.node.map_arg((node.args, node.kwargs), recording.values.__getitem__)
        if node.name in self.steps:
            # Captum hooks results and inputs; where both are one tensor, the rule of the earlier step overtakes
            given = (recording.values[n] for n in node.all_input_nodes)
            return self.steps[node.name](*(value.view_as(value) for value in given))
        return apply(node, recording.model, args, kwargs)


class WithActivations(Unrolled):
    """Activation functions and max pools are modules of their own; the weights are the network's."""

    def _step(self, node: fx.Node) -> nn.Module | None:
        model = self._asked.model
        if is_max_pool(node, model):
            return MaxPool(**_settings(node, self._asked, self._trace))
        if plain_name(node, model) in ELEMENTWISE and len(node.all_input_nodes) == 1:
            rest, named_rest = node.args[1:], {name: value for name, value in node.kwargs.items() if name != "input"}
            return Elementwise(lambda x: apply(node, model, (x, *rest), named_rest))
        return None


class WithLayers(Unrolled):
    """All that computes is a module of its own with weights of its own, for Captum's LRP changes them meanwhile.

    Raises:
        Refused: see `check_relevance`.
    """

    def _step(self, node: fx.Node) -> nn.Module | None:
        make = _of_relevance(node, self._asked, self._trace)
        return make and make()


def check_relevance(asked: Question) -> None:
    """Raises Refused for an operation for which layer-wise relevance has no rule; see `check_unrolls`, too."""
    trace = check_unrolls(asked)
    for node in nodes_up_to(asked.end(trace), trace):
        if node.op.startswith("call"):
            _of_relevance(node, asked, trace)


def _of_relevance(node: fx.Node, asked: Question, trace: Trace) -> Callable[[], nn.Module] | None:
    """What makes the operation a module of its own; None where it need not be one."""
    from captum.attr._utils.custom_modules import Addition_Module

    name = plain_name(node, asked.model)
    if is_max_pool(node, asked.model):
        return partial(nn.MaxPool2d, **_settings(node, asked, trace))
    if name in ("relu", "relu6"):  # relevance passes an activation function unchanged; Captum knows ReLU's class
        return nn.ReLU if name == "relu" else partial(Elementwise, F.relu6)
    if name in ("add", "iadd") and len(set(node.all_input_nodes)) == 2:
        return Addition_Module
    if node.op == "call_module" and name in LAYERS:
        return partial(copy.deepcopy, asked.model.get_submodule(node.target))
    if name == "adaptiveavgpool2d" and not isinstance(size := argument(node, 1, "output_size"), fx.Node):
        return partial(nn.AdaptiveAvgPool2d, size)
    if name in UNCHANGED or _pads_with_zeros(node, name) or node not in trace.from_picture:
        return None
    raise Refused(
        "Layer-wise relevance has no rule for “{operation}” at “{layer}”; choose another method.",
        operation=name,
        layer=trace.names[node],
    )


def _pads_with_zeros(node: fx.Node, name: str) -> bool:
    """Whether it is F.pad, and what it adds has no part in the score."""
    return name == "pad" and argument(node, 2, "mode") in (None, "constant") and not argument(node, 3, "value")


def _settings(node: fx.Node, asked: Question, trace: Trace) -> dict[str, object]:
    """Of a max pool."""
    return max_pool_parameters(node, Recording(asked.model, trace, asked.image, {}, {}))


def nodes_up_to(end: fx.Node | None, trace: Trace) -> list[fx.Node]:
    """The operations that are done until `end` is known, in their order; all, where it is None."""
    return [node for node in trace.graph.nodes if node.op != "output" and (end is None or node <= end)]
