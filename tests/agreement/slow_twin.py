"""The deconvnet once more, slowly and by other means: the truth that the engine is compared with.

A projection is the unit's activation times its gradient, with another way back through the ReLUs. So the twin runs
the plain network, swaps that way back wherever the network calls a ReLU (as a module, a function or a method, in
place or not), and asks autograd, unit by unit, in float64, on the whole picture. It knows no torch.fx, no windows
and no rules.
"""

import copy
from itertools import product

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from vis.deconvnet import Unit

MAX_POOLS = {F.max_pool2d, torch.max_pool2d}
RELUS = {F.relu, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_}
NEARLY_RELUS = {F.relu6, F.hardtanh, F.silu, F.gelu, F.hardswish, F.leaky_relu, F.elu, torch.tanh, Tensor.tanh} | {
    *(F.prelu, torch.prelu, F.selu, torch.selu, F.celu, torch.celu, F.mish, F.softplus, F.threshold, torch.threshold),
}


class SlowTwin:
    """One forward pass of a copy of `model`, and the way back from any unit of `layers` and of the last operation."""

    def __init__(self, model: nn.Module, image: Tensor, method: str, unpooling: str = "add"):
        self.method = method
        self.outputs: dict[str, Tensor] = {}
        model = copy.deepcopy(model).double()
        for name, module in model.named_modules():
            module.register_forward_hook(self._watch(name))
        self.picture = image.detach().double().requires_grad_()
        with OtherWayBack(method, unpooling):
            self.outputs["the last"] = model(self.picture.clone())

    def _watch(self, name: str):
        def keep_first(module: nn.Module, inputs: tuple, output: Tensor) -> Tensor:
            self.outputs.setdefault(name, output)
            return output.clone() if isinstance(output, Tensor) else output  # what is kept is not changed in place

        return keep_first

    def projection(self, unit: Unit, order: str = "khw") -> Tensor:
        """What reaches the picture of this unit, (C, H, W); `order` is that of maps, rows and columns in its layer."""
        seed = torch.zeros_like(self._output(unit.layer))
        of = {"k": unit.channel, "h": unit.row, "w": unit.column}
        place = (0, *(of[dimension] for dimension in order))[: seed.dim()]
        seed[place] = self._active(self._output(unit.layer)[place])
        return self._sent_down(unit.layer, seed)

    def projection_of_map(self, layer: str, channel: int) -> Tensor:
        """What reaches the picture of all units of a feature map at once, (C, H, W)."""
        seed = torch.zeros_like(self._output(layer))
        seed[:, channel] = self._active(self._output(layer)[:, channel])
        return self._sent_down(layer, seed)

    def _active(self, activations: Tensor) -> Tensor:
        """All activations for the gradient; for the others a negative one is no activity, and nothing is sent down."""
        return torch.where((activations > 0) | (self.method == "gradient"), activations, 0.0).detach()

    def _output(self, layer: str) -> Tensor:
        return self.outputs.get(layer, self.outputs["the last"])

    def _sent_down(self, layer: str, seed: Tensor) -> Tensor:
        (gradient,) = torch.autograd.grad(self._output(layer), self.picture, seed, retain_graph=True)
        return gradient[0]


class OtherWayBack(TorchFunctionMode):
    """Within it, gradients go back through ReLUs and max pools as `method` and `unpooling` say.

    Going up nothing changes. For the gradient nothing changes going down either.
    """

    def __init__(self, method: str, unpooling: str):
        super().__init__()
        self.method, self.unpooling = method, unpooling

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function in MAX_POOLS and self.unpooling == "overwrite":
            kwargs.pop("return_indices", None)
            return OverwritingPool.apply(args[0], args[1:], kwargs)
        if self.method == "gradient":
            return function(*args, **kwargs)
        if function in RELUS:
            in_place = kwargs.get("inplace") or function in (torch.relu_, Tensor.relu_)
            return ReLU.apply(args[0], self.method, in_place)
        if function in NEARLY_RELUS:
            kwargs = {key: value for key, value in kwargs.items() if key != "inplace"}
            return NearlyReLU.apply(args[0], self.method, lambda x: function(x, *args[1:], **kwargs))
        if function is F.local_response_norm:
            return args[0] + (function(*args, **kwargs) - args[0]).detach()  # the identity on the way down
        if function is F.layer_norm:
            return layer_norm_with_held_statistics(*args, **kwargs)
        if function in (F.group_norm, F.instance_norm, F.rms_norm):
            x = args[0]  # every step of a norm but its scale and offset is a scale and an offset of these positions
            held = function(x.detach(), *args[1:], **kwargs)
            return held + (x - x.detach()) * held_scale(function, x.detach(), *args[1:], **kwargs)
        return function(*args, **kwargs)


class ReLU(Function):
    @staticmethod
    def forward(ctx, x: Tensor, method: str, in_place: bool) -> Tensor:
        ctx.method, ctx.was_positive = method, x > 0
        if in_place:
            ctx.mark_dirty(x)
            return x.clamp_(min=0)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, signal: Tensor):
        kept = torch.where(signal > 0, signal, 0.0)
        return torch.where(ctx.was_positive, kept, 0.0) if ctx.method == "guided" else kept, None, None


class NearlyReLU(Function):
    """Another non-linearity as the deconvnet treats it; guided backpropagation multiplies by the slope as well."""

    @staticmethod
    def forward(ctx, x: Tensor, method: str, function) -> Tensor:
        with torch.enable_grad():
            leaf = x.detach().clone().requires_grad_()
            result = function(leaf)
            (slope,) = torch.autograd.grad(result.sum(), leaf)
        ctx.factor = slope if method == "guided" else 1.0
        return result.detach().clone()

    @staticmethod
    def backward(ctx, signal: Tensor):
        return torch.where(signal > 0, signal, 0.0) * ctx.factor, None, None


class OverwritingPool(Function):
    """Max pooling whose signals are put back one after the other, in reading order, each over what was there."""

    @staticmethod
    def forward(ctx, x: Tensor, args: tuple, kwargs: dict) -> Tensor:
        pooled, ctx.switches = F.max_pool2d(x, *args, **kwargs, return_indices=True)
        ctx.shape = x.shape
        return pooled

    @staticmethod
    def backward(ctx, signal: Tensor):
        below = signal.new_zeros(ctx.shape).flatten(2)
        for place in product(*map(range, signal.shape)):
            below[place[0], place[1], ctx.switches[place]] = signal[place]
        return below.view(ctx.shape), None, None


def layer_norm_with_held_statistics(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    dims = [-1 - i for i in range(len(normalized_shape))]
    mean, variance = x.detach().mean(dims, keepdim=True), x.detach().var(dims, correction=0, keepdim=True)
    x = (x - mean) / (variance + eps) ** 0.5
    x = x if weight is None else x * weight
    return x if bias is None else x + bias


def held_scale(function, x, *args, weight=None, eps=1e-5, **kwargs) -> Tensor:
    """By how much each value of `x` is multiplied if the statistics of this picture stay as they are."""
    if function is F.rms_norm:
        eps = torch.finfo(x.dtype).eps if eps is None else eps
        square = (x**2).mean([-1 - i for i in range(len(args[0]))], keepdim=True)
        return (1.0 if weight is None else weight) / (square + eps) ** 0.5
    apart = x.view(1, args[0] if function is F.group_norm else x.shape[1], -1)
    deviation = (((apart - apart.mean(2, keepdim=True)) ** 2).mean(2, keepdim=True) + eps) ** 0.5
    scale = (1 / deviation).expand_as(apart).reshape(x.shape)
    return scale if weight is None else scale * weight.view(-1, *[1] * (x.dim() - 2))
