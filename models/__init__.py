"""Networks, their weights and the hardware they run on; knows nothing of what is made of them.

`ARCHITECTURES` and `load` are what the rest of the house uses.
"""

from models.architecture import Architecture
from models.loading import Loaded, checkpoint, load
from models.registry import ARCHITECTURES

__all__ = ["ARCHITECTURES", "Architecture", "Loaded", "checkpoint", "load"]
