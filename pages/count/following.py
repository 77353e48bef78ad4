"""What a calculator shows beside its sliders while they are dragged: readings with bars, and volumes."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from models.options import Choice, Phrase
from models.refusals import Refused
from pages.common.components.sliders import Frame, Results
from pages.common.text import _, language, said, spoken
from pages.count.style import Style
from vis.cost.blocks import Block
from vis.cost.relatives import RELATIVES
from vis.figures.numbers import byte_size, grouped, short, significant
from vis.figures.volumes import volumes

QUANTITY = Choice(  # what blocks are compared by
    "bars",
    Phrase("Chart"),
    {"macs": Phrase("MACs"), "weights": Phrase("weights"), "activation_bytes": Phrase("activation memory")},
)


def following(relative: str, sides: tuple[Phrase, Phrase], style: Style, first: str) -> Results:
    """What follows the sliders of one of `vis.cost.relatives`.

    Args:
        sides: what the plain block and its relative are called.
        first: the slider that is most likely the first one to be dragged.
    """
    names = [spoken(name) for name in QUANTITY.values.values()]
    look = {
        "label": _("Results"),
        "readings": [name[:1].upper() + name[1:] for name in names],
        "sides": [*map(spoken, sides)],
        "reads": _("{count} kernels of {size}"),
        "scale": _("Boxes are to scale: height and depth are map sides, the length is the number of channels."),
    }
    return Results(look, lambda values: _frame(relative, values, style), (relative, style.is_short, language()), first)


def _frame(relative: str, values: Mapping[str, Any], style: Style) -> Frame:
    try:
        plain, cheap = RELATIVES[relative].blocks(**values)
    except Refused as refusal:
        return {"refused": said(refusal)}
    return {
        "readings": [_reading(plain, cheap, quantity, style) for quantity in QUANTITY.values],
        "chains": [_chain(block) for block in (plain, cheap)],
    }


def _reading(plain: Block, cheap: Block, quantity: str, style: Style) -> list:
    """What the cheap block has, which part that is of what the plain one has, and a bar for either."""
    both = [getattr(block, quantity) for block in (plain, cheap)]
    all_of, here = (amount(number, quantity, style) for number in both)
    beside = _("{share} of {plain}", share=ratio_in_words(Fraction(both[1], both[0])), plain=all_of)
    return [here, beside, [round(number / max(both), 4) for number in both]]


def _chain(block: Block) -> dict[str, Any]:
    steps = [
        (*volume[:-1], "" if volume.macs is None else f"{short(volume.macs)} {_('MACs')}") for volume in volumes(block)
    ]
    return {"steps": steps, "joined": block.joined}


# Numbers ----------------------------------------------------------------------------------------------------------


def amount(number: int, quantity: str, style: Style) -> str:
    """A number of this quantity with its unit."""
    if quantity != "activation_bytes":
        return style.number(number)
    return byte_size(number, 4) if style.is_short else f"{grouped(number)} B"


def ratio_in_words(share: Fraction) -> str:
    """10.3 %, with enough digits to tell it from another; 524,402 × for much larger ratios."""
    if share < 10:
        return f"{significant(100 * float(share))} %"
    return f"{significant(float(share))} ×" if share < 999.5 else f"{grouped(round(share))} ×"
