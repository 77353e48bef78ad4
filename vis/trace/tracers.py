"""How torch.fx follows the code of a network: with names of our own, and, where it asks for sizes, with sizes."""

import itertools
import operator
import re
import threading
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.utils._pytree import tree_leaves

from vis.trace.execution import Recording, execute
from vis.trace.in_place import OUT_OF_PLACE
from vis.trace.nodes import Trace
from vis.trace.twins import without_numbers


class Map(fx.Proxy):
    """Stands for a map while a network is traced. torch.fx would take `y += 1` for `y = y + 1`, and forget aliases."""

    def __getattr__(self, name: str) -> Any:
        return Attribute(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name != "data":
            return super().__setattr__(name, value)
        if not isinstance(value, fx.Proxy) or value.node.target not in OUT_OF_PLACE:  # these assign what they returned
            self.tracer.create_proxy("call_method", "copy_", (self, value), {})

    def __setitem__(self, place: Any, value: Any) -> None:
        raise fx.proxy.TraceError("values are assigned to a part of a map; torch.where or torch.cat can do the same")


class Attribute(fx.proxy.Attribute, Map):
    """What is asked of a map, such as `y.shape`, and called or used only afterwards."""


def _in_place(function: Any, name: str) -> Any:
    def change(self: Map, other: Any) -> Any:
        return self.tracer.create_proxy("call_function", function, (self, other), {}, name=name)

    return change


for _changing, _making in OUT_OF_PLACE.items():  # named as torch.fx names a sum
    setattr(Map, f"__{_changing.__name__}__", _in_place(_changing, _making.__name__))


class Tracer(fx.Tracer):
    """Names every operation by its path in the module tree: `layer1.0.relu_1` is the second ReLU of a block.

    It follows a twin of `model`. torch.fx replaces `nn.Module.__call__` for the whole process while it traces; other
    threads are let through.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.names: dict[fx.Node, str] = {}
        self._taken: set[str] = set()
        self._path = ""
        self._thread = threading.get_ident()
        # Code may know the modules of `model` by other ways than through the module that holds them.
        self._paths = {module: path for path, module in model.named_modules()}
        self._is_looking = False

    def proxy(self, node: fx.Node) -> Map:
        return Map(node, self)

    def path_of_module(self, module: nn.Module) -> str:
        return self._paths[module] if module in self._paths else super().path_of_module(module)

    def call_module(self, m: nn.Module, forward: Any, args: tuple, kwargs: dict) -> Any:
        if self._is_looking or threading.get_ident() != self._thread:
            return forward(*args, **kwargs)
        outside, self._path = self._path, self.path_of_module(m)
        try:
            if self.is_leaf_module(m, self._path):
                return self.create_proxy("call_module", self._path, args, kwargs)
            return forward(*args, **kwargs)
        finally:
            self._path = outside

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict) -> Any:
        if self._is_looking or threading.get_ident() != self._thread:
            return attr_val
        return super().getattr(attr, attr_val, parameter_proxy_cache)

    def create_proxy(self, kind: str, target: Any, args: tuple, *more: Any, **kwargs: Any) -> Any:
        if kind == "placeholder" and self.names and args:
            return args[0]  # after the picture nothing is given, so that `if mask is None` goes its usual way
        proxy = super().create_proxy(kind, target, args, *more, **kwargs)
        name = self._path
        if kind != "call_module":  # torch.fx numbers functions over the whole network, a block numbers its own
            name = f"{name}.".lstrip(".") + re.sub(r"_\d+$", "", proxy.node.name)
        numbered = (f"{name}_{i}" for i in itertools.count(1))
        self.names[proxy.node] = next(n for n in itertools.chain([name], numbered) if n not in self._taken)
        self._taken.add(self.names[proxy.node])
        return proxy


# With sizes -------------------------------------------------------------------------------------------------------


class SizedMap(Map):
    """A map of which the shape is known, so that all that is asked about it gets its answer at once."""

    def __getattr__(self, name: str) -> Any:
        if name in ("device", "is_meta", "is_cuda"):
            device = self.tracer.device
            return device if name == "device" else name == f"is_{device.type}"
        value = self.tracer.value(self)
        found = getattr(value, name)
        if isinstance(found, Tensor):
            return self.tracer.create_proxy("call_function", getattr, (self, name), {})
        return Attribute(self, name) if callable(found) and not isinstance(found, type) else found

    def __len__(self) -> int:
        return len(self.tracer.value(self))

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))


class SizedTracer(Tracer):
    """Follows a network for pictures of one shape: sizes are numbers, and what hangs on them goes its way.

    Every operation is done at once on values that have a shape alone; what gives no map gives a number.
    """

    def __init__(self, model: nn.Module, shape: torch.Size) -> None:
        super().__init__(model)
        parameter = next(model.parameters(), torch.empty(0))
        self.device = parameter.device
        dtype = parameter.dtype
        image = torch.empty(shape, dtype=dtype, device="meta")
        self._seen = Recording(without_numbers(model), Trace(fx.Graph(), self.names, {}, frozenset()), image, {}, {})

    def proxy(self, node: fx.Node) -> Map:
        return SizedMap(node, self)

    def value(self, proxy: fx.Proxy) -> Any:
        """What stands there while looking: a tensor without numbers, or several."""
        return self._seen.values[proxy.node]

    def create_proxy(self, kind: str, target: Any, args: tuple, *more: Any, **kwargs: Any) -> Any:
        proxy = super().create_proxy(kind, target, args, *more, **kwargs)
        if not isinstance(proxy, fx.Proxy):
            return proxy
        value = self._look(proxy.node)
        if _holds_a_map(value):
            return proxy
        self._taken.discard(self.names.pop(proxy.node))
        del self._seen.values[proxy.node]
        self.graph.erase_node(proxy.node)
        return value

    def _look(self, node: fx.Node) -> Any:
        for read in node.all_input_nodes:  # torch.fx makes some of its own accord
            if read not in self._seen.values:
                self._look(read)
        self._is_looking = True
        try:
            if node.op == "get_attr":
                found = operator.attrgetter(node.target)(self.root)
                self._seen.values[node] = found.detach().to("meta") if isinstance(found, Tensor) else found
            else:
                execute(node, self._seen)
        finally:
            self._is_looking = False
        return self._seen.values[node]


def _holds_a_map(value: Any) -> bool:
    return any(isinstance(leaf, (Tensor, nn.Module)) for leaf in tree_leaves(value))
