"""A network whose activation functions and max pools are modules of their own, each called once, for Captum's hooks.

Captum's DeepLIFT finds them by their classes: a function such as `F.relu` it does not see, and a module that is called
twice it mixes up, without a word.
"""

from collections.abc import Callable

from torch import Tensor, fx, nn

from models.refusals import Refused
from vis.attribution.question import Question
from vis.operations import named, plain_name
from vis.trace import Recording, apply, is_max_pool, max_pool_parameters, traced

ELEMENTWISE = named("activation", reaches=("position",))


class Elementwise(nn.Module):
    """An activation function of each number alone."""

    def __init__(self, function: Callable[[Tensor], Tensor]):
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


class Unrolled(nn.Module):
    """Gives the scores (N,) of pictures (N, C, H, W) that a question asks for; the weights are the network's own.

    Raises:
        Refused: for a network that has to be followed for each size of its pictures anew.
    """

    def __init__(self, asked: Question):
        super().__init__()
        trace = traced(asked.model, tuple(asked.image.shape))
        if trace.shape is not None:
            raise Refused("This network's operations depend on the size of the picture; choose another method.")
        self._asked, self._trace = asked, trace
        steps = {node.name: self._step(node) for node in trace.graph.nodes if node.op.startswith("call")}
        self.steps = nn.ModuleDict({name: step for name, step in steps.items() if step is not None})

    def _step(self, node: fx.Node) -> nn.Module | None:
        model = self._asked.model
        if is_max_pool(node, model):
            return nn.MaxPool2d(**max_pool_parameters(node, Recording(model, self._trace, self._asked.image, {}, {})))
        if plain_name(node, model) in ELEMENTWISE and len(node.all_input_nodes) == 1:
            rest, named_rest = node.args[1:], {name: value for name, value in node.kwargs.items() if name != "input"}
            return Elementwise(lambda x: apply(node, model, (x, *rest), named_rest))
        return None

    def forward(self, images: Tensor) -> Tensor:
        recording = Recording(self._asked.model, self._trace, images, {}, {})
        for node in self._trace.graph.nodes:
            if node.op == "output":
                break
            recording.values[node] = self._result(node, recording)
        return self._asked.scores_in(recording)

    def _result(self, node: fx.Node, recording: Recording) -> object:
        if node.op == "placeholder":
            return recording.image
        if node.target in self._trace.constants:
            return self._trace.constants[node.target].to(recording.image.device)
        args, kwargs = fx.node.map_arg((node.args, node.kwargs), recording.values.__getitem__)
        if node.name in self.steps:
            return self.steps[node.name](recording.values[node.all_input_nodes[0]])
        return apply(node, recording.model, args, kwargs)
