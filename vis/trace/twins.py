"""Twins of a network: the same modules with other tensors, on which its code may do what it likes."""

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from types import MethodType, SimpleNamespace
from typing import Any

from torch import Tensor, nn

DEEPEST, LONGEST = 4, 1000  # containers within containers, and things in one, that a twin has of its own

_CONTAINERS = (list, tuple, dict, OrderedDict, defaultdict, set, deque)


def twin_of(model: nn.Module, tensor_of: Callable[[Tensor], Tensor]) -> nn.Module:
    """The same modules with `tensor_of` every tensor; what is shared in one is shared in the other.

    Attributes, lists, counters and the objects that hold them are the twin's own, so that running its code changes
    nothing on `model`. Made module by module, where copy.deepcopy would give up on modules that are nested deeply, on
    tensors that are computed from others, and on whatever else a module may carry about with it.
    """
    twins: dict[int, Any] = {id(module): object.__new__(type(module)) for module in model.modules()}
    kept: list[Any] = []  # for an id is only somebody's as long as he lives

    def remember(value: Any, made: Any) -> Any:
        twins[id(value)] = made
        kept.append(value)
        return made

    def twin(value: Any, depth: int = 0) -> Any:
        if id(value) in twins:
            return twins[id(value)]
        if isinstance(value, Tensor):
            return remember(value, tensor_of(value))
        if depth > DEEPEST:
            return value
        if isinstance(value, MethodType):
            owner = twin(value.__self__, depth + 1)
            return value if owner is value.__self__ else MethodType(value.__func__, owner)
        if type(value) in _CONTAINERS:
            return value if len(value) > LONGEST else filled(value, depth + 1)
        if _is_plain(value):
            made = remember(value, type(value).__new__(type(value)))
            vars(made).update((name, twin(item, depth + 1)) for name, item in vars(value).items())
            return made
        return value

    def filled(value: Any, depth: int) -> Any:
        if isinstance(value, tuple):
            return tuple(twin(item, depth) for item in value)
        if isinstance(value, dict):
            made = remember(value, value.copy())
            made.update((key, twin(item, depth)) for key, item in value.items())
            return made
        made = remember(value, value.copy())
        made.clear()
        for item in value:
            made.add(twin(item, depth)) if isinstance(made, set) else made.append(twin(item, depth))
        return made

    for module in model.modules():
        own = vars(twins[id(module)])
        own.update((name, twin(value)) for name, value in vars(module).items())
        own.pop("_compiled_call_impl", None)  # compiled code runs for the module that it was compiled for
    return twins[id(model)]


def copied(tensor: Tensor) -> Tensor:
    """A tensor of its own with the same values, for a twin that can be run and changed."""
    own = tensor.detach().clone()
    return nn.Parameter(own, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else own


def without_numbers(model: nn.Module) -> nn.Module:
    """The twin with tensors that have a shape alone; the network itself, if it has no others."""
    if all(tensor.is_meta for tensor in (*model.parameters(), *model.buffers())):
        return model
    return without_hooks(twin_of(model, _bare))


def without_hooks(twin: nn.Module) -> nn.Module:
    """The same twin, that nobody watches: it has no values to show. Torch's own hooks, which make weights, stay."""
    for module in twin.modules():
        own = vars(module)
        own["_forward_hooks"] = OrderedDict()
        kept = ((key, hook) for key, hook in own["_forward_pre_hooks"].items() if _is_of_torch(hook))
        own["_forward_pre_hooks"] = OrderedDict(kept)
    return twin


def _is_of_torch(hook: object) -> bool:
    return type(hook).__module__.startswith("torch.nn.")


def _bare(tensor: Tensor) -> Tensor:
    bare = tensor.detach().to("meta")
    return nn.Parameter(bare, requires_grad=False) if isinstance(tensor, nn.Parameter) else bare


def _is_plain(value: Any) -> bool:
    """Whether it is an object of a class written in Python that keeps all it has in its attributes."""
    kind = type(value)
    is_made_plainly = kind is SimpleNamespace or kind.__new__ is object.__new__
    return is_made_plainly and hasattr(value, "__dict__") and not any(vars(k).get("__slots__") for k in kind.__mro__)
