"""The forward pass that a picture's layers and units have in common: a unit is looked at after its layers, and after
others of the same picture, and the pass is a third of the work.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from itertools import count
from operator import attrgetter
from weakref import WeakKeyDictionary

from PIL import Image
from torch import Tensor, fx, nn

from models import Loaded
from pages.common.cache.graphs import Built, shapes
from pages.common.cache.networks import Result, in_turn
from pages.common.cache.pictures import picture
from pages.common.cache.remembering import shared, shared_in_session
from pages.common.session import Selection
from vis.deconvnet import METHODS, record_for
from vis.trace import Recording, Trace

AT_MOST, KEPT = 48 << 20, 120  # bytes of a pass that is kept, and seconds for which it is


def from_kept_pass(
    selection: Selection, function: Callable[..., Result], operations: Collection[str], *args: object
) -> tuple[Result, bool]:
    """What a function of a model and its recorded pass gives for the selection's, and whether the CPU had to do it.

    Args:
        operations: that it reads. Where not all of them are layers of the network, or the pass is large, or on a GPU,
            whose memory is not in the budget, the function is given the prepared picture for a pass of its own.
    """
    given = picture(selection)

    def work(loaded: Loaded) -> Result:
        model, layers = loaded.model, loaded.layers.values()
        built = Built(loaded.architecture.name, loaded.preprocess.crop, tuple(loaded.options.items()))
        is_kept = loaded.device.type == "cpu" and _whole(built) <= AT_MOST
        if not is_kept or not set(operations) <= set(layers):
            return function(model, loaded.preprocess(given), *args)
        known = (_own_pass if selection.private else _public_pass)(selection, _made_as(model), loaded, given)
        return function(model, Recording(model, known.trace, known.image, known.values, known.switches), *args)

    return in_turn(selection, work)


@dataclass(frozen=True, eq=False)
class _Pass:
    """A recorded forward pass without its network, which it does not keep alive."""

    trace: Trace
    image: Tensor
    values: dict[fx.Node, object]
    switches: dict[fx.Node, Tensor]

    @property
    def size(self) -> int:
        values = (*self.values.values(), *self.switches.values())
        return _bytes(value for value in values if isinstance(value, Tensor) and not value.is_meta)


def _bytes(values: Iterable[object]) -> int:
    return sum(value.nbytes for value in values if isinstance(value, Tensor))


@shared()
def _whole(built: Built) -> int:
    """The bytes of everything that a network computes; of what is kept of it, no more is known before."""
    return _bytes(shapes(built).values.values())


def _passed(selection: Selection, made: int, _loaded: Loaded, _given: Image.Image) -> _Pass:
    found = record_for(_loaded.model, _loaded.preprocess(_given), _loaded.layers.values(), METHODS)
    return _Pass(found.trace, found.image, found.values, found.switches)


_public_pass = shared(attrgetter("size"), KEPT, AT_MOST)(_passed)
_own_pass = shared_in_session(attrgetter("size"), KEPT, AT_MOST)(_passed)


def _made_as(model: nn.Module) -> int:
    """A number that no other network has, nor the same one when it is made again: it may be on another device."""
    return _numbers.setdefault(model, next(_next))


_numbers: WeakKeyDictionary[nn.Module, int] = WeakKeyDictionary()
_next = count()
