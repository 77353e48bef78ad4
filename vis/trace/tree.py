"""The module tree as it is now: all that the way through a network depends on, to be compared with what it was."""

import contextlib
import functools
import weakref
from collections import deque
from enum import Enum
from types import FunctionType, MethodType, ModuleType
from typing import Any

import torch
from torch import Tensor, nn

DEEPEST, LONGEST = 3, 1000  # containers within containers, and things in one, that are looked into


def is_leaf(module: nn.Module) -> bool:
    """Whether a trace calls it as one operation: a layer of torch itself."""
    return _is_layer(type(module))


@functools.lru_cache(maxsize=1024)
def _is_layer(kind: type[nn.Module]) -> bool:
    return kind.__module__.startswith(("torch.nn", "torch.ao.nn")) and not issubclass(kind, nn.Sequential)


class Tree:
    """The modules of a network, what each has for parts and settings, and which tensors; it keeps none of them alive.

    Parameters count by identity, for their values are read anew in every pass; so do the buffers of torch's own layers.
    Those of other modules count by how often they were written to, too: what is computed from them while tracing is a
    constant of the trace.
    """

    def __init__(self, model: nn.Module):
        # As long as the things behind these references are alive, an id says which of them is meant.
        self._then: dict[bool, tuple[list[Any], list[weakref.ref], list[weakref.ref]]] = {}
        for with_tensors in (False, True):
            lost: list[weakref.ref] = []
            alive = _Alive(lost)
            self._then[with_tensors] = _facts(model, with_tensors, alive), alive, lost

    def is_of(self, model: nn.Module, with_tensors: bool) -> bool:
        """Whether the network is as it was.

        Args:
            with_tensors: whether tensors that are neither parameters nor buffers count, too.
        """
        facts, _alive, lost = self._then[with_tensors]
        return not lost and facts == _facts(model, with_tensors, None)


class _Alive(list[weakref.ref]):
    """References to things; those whose thing is there no more are added to `lost` in that moment."""

    def __init__(self, lost: list[weakref.ref]):
        super().__init__()
        self._lost = lost

    def add(self, thing: object) -> None:
        self.append(weakref.ref(thing, self._lost.append))


def _facts(model: nn.Module, with_tensors: bool, alive: _Alive | None) -> list[Any]:
    """What counts, module by module; `alive` is given a reference to each thing that is meant by its id.

    This is looked at before every pass: one list is filled, and what most layers do not have adds nothing to it.
    """
    facts: list[Any] = []
    seen, waiting = {model}, [model]
    while waiting:  # as `model.modules()`, in another order and without their names, which take most of its time
        module = waiting.pop()
        kind, own = type(module), vars(module)
        leaf, parts, parameters, buffers = _is_layer(kind), own["_modules"], own["_parameters"], own["_buffers"]
        facts += id(module), kind, own["training"], own.get("inplace") if leaf else None, "forward" in own
        if alive is not None:
            for thing in (module, *parameters.values(), *buffers.values()):
                if thing is not None:
                    alive.add(thing)
        if parts:
            facts += parts
            for part in parts.values():
                facts.append(id(part))
                if part is not None and part not in seen:
                    seen.add(part)
                    waiting.append(part)
        if parameters or buffers:
            facts += *parameters, None, *buffers, *map(id, parameters.values()), *map(id, buffers.values())
        if own["_forward_pre_hooks"] or own["_forward_hooks"]:
            facts.append([*own["_forward_pre_hooks"], *own["_forward_hooks"]])
        if leaf:
            continue
        if buffers:
            facts.append([_frozen(tensor, alive, True) for tensor in buffers.values()])
        facts.append(getattr(kind.forward, "__code__", None))
        facts.append({name: _frozen(own[name], alive, with_tensors) for name in own.keys() - _OF_EVERY_MODULE})
    return facts


_OF_EVERY_MODULE = frozenset(vars(nn.Module()))
_PLAIN = (bool, int, float, complex, str, bytes, type(None), Enum, torch.dtype, torch.device, torch.Size)

_AS_THEY_ARE = (nn.Module, type, ModuleType, FunctionType, functools.partial)


def _frozen(value: Any, alive: _Alive | None, with_tensors: bool, depth: int = 0) -> Any:
    if isinstance(value, Tensor):
        if not with_tensors:
            return None
        if alive is not None:
            alive.add(value)
        return id(value), None if value.is_inference() else value._version
    if isinstance(value, _PLAIN):
        return type(value), value
    if isinstance(value, MethodType):
        return id(value.__self__), value.__func__.__code__ if hasattr(value.__func__, "__code__") else value.__func__
    if depth < DEEPEST and isinstance(value, (list, tuple, dict, set, frozenset, deque)) and len(value) <= LONGEST:
        items = value.items() if isinstance(value, dict) else value
        return type(value), [_frozen(item, alive, with_tensors, depth + 1) for item in items]
    if depth < DEEPEST and hasattr(value, "__dict__") and not isinstance(value, _AS_THEY_ARE):  # such as a config
        return type(value), [
            (name, _frozen(item, alive, with_tensors, depth + 2)) for name, item in vars(value).items()
        ]
    if alive is not None:
        with contextlib.suppress(TypeError):  # of some things there are no weak references
            alive.add(value)
    return type(value), id(value)
