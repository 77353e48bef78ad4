"""What a picture on these pages shows, in words."""

from models import Loaded
from models.statefile import printable
from pages.common.session import SAMPLES, Picture
from pages.common.text import _
from pages.common.widgets import weights_in_words
from vis.deconvnet import Projection, Unit

METHODS = {"deconvnet": "Deconvnet", "guided": "Guided backpropagation", "gradient": "Gradient × activation"}


def unit_in_words(unit: Unit) -> str:
    """A unit by its feature map, its place in it, and its activation."""
    words = _(
        "feature map {channel}, row {row}, column {column}: activation {activation}",
        channel=unit.channel,
        row=unit.row,
        column=unit.column,
        activation=f"{unit.activation:.3g}",
    )
    return words if unit.activation > 0 else f"{words} ({_('not active')})"


def name_of(picture: Picture) -> str:
    """A sample's name in the session's language, or the name of the user's file."""
    if not picture.uploaded:
        return _(SAMPLES[picture.name])
    return printable(picture.name)


def range_in_words(limit: float | None) -> str:
    """What black, grey and white mean; None where every picture has its own range."""
    if limit is None:
        return _("Every picture has its own range: grey is 0, white or black is its own largest value.")
    return _("Grey is 0, white +{limit}, black −{limit}, in units of the normalised picture.", limit=f"{limit:.3g}")


def fidelity_in_words(fidelity: str) -> str:
    """Whether the paper defines every step, and if not, what was assumed."""
    kind, _colon, why = fidelity.partition(": ")
    return f"{_(kind)}: {'; '.join(_(part) for part in why.split('; '))}" if why else _(kind)


def projection_in_words(loaded: Loaded, picture: Picture, projection: Projection, limit: float) -> list[str]:
    """All that a projection's picture must say where it stands alone."""
    unit, box = projection.unit, projection.box
    return [
        f"{loaded.architecture.title} · {weights_in_words(loaded)} · {name_of(picture)}",
        f"{unit.layer} · {unit_in_words(unit)}",
        f"{_(METHODS[projection.method])} · {fidelity_in_words(projection.fidelity)} · "
        + _(
            "pixels {left}–{right} × {top}–{bottom}",
            left=box.left,
            right=box.right - 1,
            top=box.top,
            bottom=box.bottom - 1,
        ),
        range_in_words(limit),
    ]
