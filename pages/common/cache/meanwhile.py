"""What a page says while something is made that was not remembered; of most runs of a page nothing is."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar

_SAYS: ContextVar[Callable[[], AbstractContextManager[object]]] = ContextVar("says", default=nullcontext)


@contextmanager
def meanwhile(says: Callable[[], AbstractContextManager[object]]) -> Iterator[None]:
    """A `with` in which a page says so while something is made: a `with` of Streamlit's takes a thread and a message,
    and many of them a tenth of a run in which everything is there already.

    Args:
        says: gives a `with` that says it.
    """
    token = _SAYS.set(says)
    try:
        yield
    finally:
        _SAYS.reset(token)


@contextmanager
def making() -> Iterator[None]:
    """A `with` for what takes time; the outermost one is said."""
    with _SAYS.get()(), meanwhile(nullcontext):
        yield
