"""What is said when a network cannot be followed, and the errors that stand behind it."""

from torch import fx

from models.refusals import Refused


class TraceRefused(Refused):
    """A network that cannot be followed operation by operation, or a layer that it does not have."""


# What the code of any network may raise: while it is traced, or given a picture it was not made for.
RAISED = (
    *(ArithmeticError, AssertionError, AttributeError, LookupError, NameError, RuntimeError, TypeError, ValueError),
    fx.proxy.TraceError,
)


def first_line(error: Exception) -> str:
    """The first line of what an error says, or else what kind of error it is."""
    return next(iter(str(error).splitlines()), "") or type(error).__name__
