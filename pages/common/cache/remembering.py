"""Functions whose results are remembered: shared by everybody, or copied for everybody, or for one session."""

import inspect
import math
import pickle
from collections.abc import Callable, Hashable, Mapping
from functools import partial, wraps
from typing import Any

from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages.common.cache.memory import remembered_things

Function = Callable[..., Any]


def shared(
    size_of: Callable[[Any], int] | None = None, seconds: float = math.inf, most: float = math.inf
) -> Callable[[Function], Function]:
    """A decorator that remembers what a function gives, for everybody: all get the same thing, and must not change it.

    Arguments are the key, but those whose names begin with an underscore.

    Args:
        size_of: gives the bytes that such a thing holds; counted by default.
        seconds: after which it is made anew.
        most: bytes; with `size_of`, what is larger is not remembered.
    """
    return lambda function: _remembering(function, size_of, seconds, most=most)


def copied(seconds: float = math.inf, of_session: bool = False) -> Callable[[Function], Function]:
    """As `shared`, but everybody gets a copy of their own, which they may change.

    Args:
        of_session: it is remembered for the session that asked, and for no other.
    """

    def decorate(function: Function) -> Function:
        def packed(*args: Any, **kwargs: Any) -> bytes:
            return pickle.dumps(function(*args, **kwargs), pickle.HIGHEST_PROTOCOL)

        recall = _remembering(wraps(function)(packed), len, seconds, of_session)
        unpacked = wraps(function)(lambda *args, **kwargs: pickle.loads(recall(*args, **kwargs)))
        unpacked.clear = recall.clear
        return unpacked

    return decorate


def shared_in_session(
    size_of: Callable[[Any], int] | None = None, seconds: float = math.inf, most: float = math.inf
) -> Callable[[Function], Function]:
    """As `shared`, for the session that asked and for no other."""
    return lambda function: _remembering(function, size_of, seconds, True, most)


def _remembering(
    function: Function,
    size_of: Callable[[Any], int] | None,
    seconds: float = math.inf,
    of_session: bool = False,
    most: float = math.inf,
) -> Function:
    name, signature = f"{function.__module__}.{function.__qualname__}", inspect.signature(function)

    @wraps(function)
    def recall(*args: Any, **kwargs: Any) -> Any:
        given = signature.bind(*args, **kwargs)
        given.apply_defaults()
        owner = _session() if of_session else None
        said = tuple(_hashable(value) for name, value in given.arguments.items() if not name.startswith("_"))
        make = partial(function, *args, **kwargs)
        return remembered_things.recall((name, (owner, said)), make, size_of, owner, seconds, most)

    recall.clear = partial(remembered_things.forget, name)
    return recall


def _hashable(value: Any) -> Hashable:
    if isinstance(value, (list, tuple)):
        return tuple(map(_hashable, value))
    if isinstance(value, (set, frozenset)):
        return frozenset(value)
    if isinstance(value, Mapping):
        return tuple((name, _hashable(part)) for name, part in value.items())
    return value


def _session() -> str:
    context = get_script_run_ctx()
    return context.session_id if context else ""
