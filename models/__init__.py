"""Networks, their weights and the hardware they run on; knows nothing of what is made of them.

`ARCHITECTURES` and `load` are what the rest of the house uses. They are imported when they are asked for: the child
process that reads a user's weights needs neither torchvision nor the second that it takes.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.loading import Loaded, load
    from models.registry import ARCHITECTURES, Architecture

__all__ = ["ARCHITECTURES", "Architecture", "Loaded", "load"]

_HOMES = {
    "ARCHITECTURES": "models.registry",
    "Architecture": "models.registry",
    "Loaded": "models.loading",
    "load": "models.loading",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
