"""One feature map seen closely: before and after, and one of its values with what it looks at and its arithmetic."""

from dataclasses import astuple

import numpy as np
import streamlit as st

from models import Loaded
from models.options import Phrase, Switch
from pages.common import cache
from pages.common.asking import ask_one
from pages.common.opened import Opened, open_unit
from pages.common.panels import chart, close_up, picture, tiles
from pages.common.session import Selection
from pages.common.text import _, plain
from pages.common.widgets import computed
from pages.common.words import box_in_words, name_of, network_in_words, scale_in_words
from vis.activations import Activations, ChannelView
from vis.deconvnet import Box
from vis.figures.activations import multiplication
from vis.figures.numbers import fixed, percent, significant
from vis.figures.pictures import enlarged, heat, heat_over, signed, with_box
from vis.receptive import ReceptiveField
from vis.sums import FEW, Origin, Sum

SIDE = 448  # pixels of an enlarged map
MOST_LABELS = 10_000  # numbers that are sent along with a map, to be read where one points
STRONGEST = 8  # input channels that are named
DRAWN = 3  # and of which numbers are drawn
ONE_RANGE = Switch("one_range", Phrase("One range for all steps"))


def place_of(chosen: Selection) -> str:
    """Where the enlarged map of this network is kept."""
    return f"activations {chosen.network}"


def enlarged_map(chosen: Selection, loaded: Loaded, found: Activations, pixels: np.ndarray, unit: Opened) -> None:
    """Draws everything about the enlarged map."""
    layer, channel = unit.layer, unit.channel
    view = computed(_("Enlarging the feature map …"), lambda: cache.one_channel(chosen, layer, channel))
    row, column = map(int, unit.position or np.unravel_index(view.map.argmax(), view.map.shape))
    title = f"{plain(layer)} · {_('feature map {channel}', channel=channel)}"
    with close_up(title, f"{layer} {channel}", lambda: open_unit(place_of(chosen), None), "map"):
        of = f"{network_in_words(loaded)} · {name_of(chosen.picture)}"
        st.caption(f"{plain(of)} · {_numbers(found, channel)}")
        if view.map.size > 1:
            _maps(chosen, loaded, view, pixels, (row, column))
        if len(view.stages) > 1:
            _stages(loaded, view)
        origin = computed(
            _("Computing the terms of the value …"), lambda: cache.one_value(chosen, layer, channel, row, column)
        )
        _position(loaded, found, pixels, origin, (row, column), chosen=unit.position is not None)
        if origin.sum:
            _arithmetic(origin.sum)


def _numbers(found: Activations, channel: int) -> str:
    if found.shape[1:] == (1, 1):
        return _("value {value}", value=significant(found.maximum[channel], 4))
    maximum, minimum, mean = (significant(of[channel], 4) for of in (found.maximum, found.minimum, found.mean))
    words = _("maximum {maximum}, minimum {minimum}, mean {mean}", maximum=maximum, minimum=minimum, mean=mean)
    words += ", " + _("0 or less at {share} of its positions", share=percent(found.silent[channel]))
    return f"{words} · **{_('dead on this picture')}**" if found.dead[channel] and not found.has_sign else words


# The map ----------------------------------------------------------------------------------------------------------


def _maps(chosen: Selection, loaded: Loaded, view: ChannelView, pixels: np.ndarray, position: tuple[int, int]) -> None:
    """The map alone and over the picture, both to be clicked."""
    values, columns = view.map, view.map.shape[1]
    limit, most = float(np.abs(values).max()), max(float(values.max()), 0.0)
    alone, over = enlarged(painted(values, limit), SIDE), heat_over(values, enlarged(pixels, SIDE), most)
    scale = scale_in_words(values.min() < 0, limit, of_all=False)
    scale_over = _("Dark is 0 or less, bright is {limit}.", limit=significant(most))
    left, right = st.columns(2, gap="medium")
    labelled = values.size <= MOST_LABELS
    for place, kind, name, shown, words in (
        (left, "alone", _("The feature map"), alone, scale),
        (right, "over", _("The feature map over the picture"), over, scale_over),
    ):
        with place:
            st.caption(f"**{name}**")
            clicked = tiles(
                shown,
                columns,
                f"{kind} {view.layer}",
                labels=values if labelled else None,
                cells=values.size,
                loaded=loaded,
                template=_("row {row}, column {column}: {label}") if labelled else _("row {row}, column {column}"),
                selected=position[0] * columns + position[1],
                alt=name,
            )
            st.caption(words)
        if clicked is not None:
            open_unit(place_of(chosen), Opened(view.layer, view.channel, divmod(clicked, columns)))
            st.rerun()


def painted(values: np.ndarray, limit: float) -> np.ndarray:
    """A map as pixels: grey where some values are negative, heat where none is."""
    return signed(values[None], limit) if values.min() < 0 else heat(values, limit)


def _stages(loaded: Loaded, view: ChannelView) -> None:
    """The same channel in the operations around this one."""
    head = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom")
    head.markdown(f"**{_('Before and after: the same channel in the operations around this one')}**", width="content")
    common = ask_one(head, ONE_RANGE)
    widest = max(float(np.abs(stage.map).max()) for stage in view.stages)
    for i, stage in enumerate(view.stages):
        if i % 4 == 0:
            columns = st.columns(4)
        here = ":material/arrow_right: " if stage.layer == view.layer else ""
        limit = widest if common else float(np.abs(stage.map).max())
        words = _(
            "{h}×{w}, values {low} … {high}; colour scale to {limit}",
            h=stage.map.shape[0],
            w=stage.map.shape[1],
            low=significant(stage.map.min(), 4),
            high=significant(stage.map.max(), 4),
            limit=significant(limit),
        )
        shown = enlarged(painted(stage.map, limit), 224)
        picture(f"{here}`{stage.layer}`", shown, words, loaded=loaded, place=columns[i % 4])


# The position -----------------------------------------------------------------------------------------------------


def _position(
    loaded: Loaded, found: Activations, pixels: np.ndarray, origin: Origin, position: tuple[int, int], chosen: bool
) -> None:
    """What one unit looks at, and how its value came about."""
    row, column = position
    here = _("row {row}, column {column}", row=row, column=column)
    if found.shape[1:] != (1, 1):
        st.markdown(f"**{here if chosen else _('{position}: the largest value of the map', position=here)}**")
    field = cache.fields(cache.Built(loaded.architecture.name, pixels.shape[0]))[found.layer]
    held = field.held or field  # while gates are held, as they are for the deconvnet
    box = Box(*held.box(row, column, pixels.shape[:2]))
    whole, part, value = st.columns([2, 1, 2], gap="medium")
    picture(_("Receptive field"), with_box(pixels, astuple(box), SIDE), place=whole)
    patch = box.part_of(pixels)
    if 0 < patch.size < pixels.size:
        picture(_("That part of the picture"), enlarged(patch, 224), place=part)
    with value:
        st.caption(f"**{_('How its value was computed')}**")
        st.markdown("\n".join(_steps(origin)))
        st.caption(_seen(held, box))
        if field.held:
            st.caption(_("Through “{layer}” it sees the whole picture, too.", layer=plain(field.because)))


def _steps(origin: Origin) -> list[str]:
    lines = []
    for before, step in zip((None, *origin.steps), origin.steps, strict=False):
        where = _("row {row}, column {column}", row=step.row, column=step.column)
        lines.append(f"1. `{step.layer}` · {where}: **{significant(step.value, 4)}**")
        if before and (before.row, before.column) != (step.row, step.column):
            lines[-1] += f" – {_('the maximum of its window')}"
    return lines


def _seen(field: ReceptiveField, box: Box) -> str:
    """The receptive field in words, and how much of it lies in the padding."""
    if field.rows is None or field.columns is None:
        if not field.is_known:
            return _("What it sees is not known from “{layer}” on.", layer=plain(field.because))
        return _("It sees the whole picture.")
    if box.right <= box.left or box.bottom <= box.top:
        return _("It sees only padding.")
    words = box_in_words(box)
    if (box.right - box.left, box.bottom - box.top) != (field.columns.size, field.rows.size):
        words += "; " + _(
            "its {width}×{height} receptive field extends into the padding",
            width=field.columns.size,
            height=field.rows.size,
        )
    return words


# The arithmetic ---------------------------------------------------------------------------------------------------


def _arithmetic(found: Sum) -> None:
    """The sum behind a value; its numbers in full where there are few, or else the input channels that add most."""
    layer = f"`{found.layer}`"
    if found.inside.size > 1:
        title = _("The arithmetic of {layer}: patch × kernel, summed", layer=layer)
    else:
        title = _("The arithmetic of {layer}: inputs × weights, summed", layer=layer)
    title += ", " + _("plus the bias") if found.bias is not None else "; " + _("this layer has no bias")
    st.markdown(f"**{title}**")
    few = len(found.inputs) <= FEW
    strongest, rest = found.strongest(len(found.inputs) if few else STRONGEST)
    if few:
        strongest.sort()
    if found.inside.size > 1:
        places = [found.inputs.index(channel) for channel, _added in strongest[:DRAWN]]
        chart(
            multiplication(
                found,
                places,
                [_input(found, found.inputs[i]) for i in places],
                [_("patch"), _("× kernel"), _("= products"), _("in the padding")],
            ),
            "arithmetic",
            _("Patch, kernel and products, number by number"),
            {"displayModeBar": False},
        )
        st.caption(
            _("Each column has its own grey scale; middle grey is 0. The patch is the layer's input.")
            + ("" if found.inside.all() else " " + _("Crosses mark padding."))
        )
    st.code("\n".join(_ledger(found, strongest, rest)), language=None, wrap_lines=True)


def _input(found: Sum, channel: int) -> str:
    """What an input channel is called: the picture's have the names of colours."""
    if found.of_picture and len(found.inputs) == 1:
        return _("the picture")
    if found.of_picture and len(found.inputs) == 3:
        return (_("red"), _("green"), _("blue"))[channel]
    return _("channel {channel}", channel=channel)


def _ledger(found: Sum, strongest: list[tuple[int, float]], rest: float) -> list[str]:
    """The terms of the sum under each other, with as many decimals as the network's precision bears."""
    terms = [(_input(found, channel), added) for channel, added in strongest]
    if others := len(found.inputs) - len(strongest):
        terms.append((_("the other {count} channels", count=others), rest))
    if found.bias is not None:
        terms.append((_("bias"), found.bias))
    last = [(_("sum"), found.total), (_("the network's value"), found.value)]
    largest = max(abs(number) for _name, number in terms + last)
    decimals = int(np.clip(4 - np.floor(np.log10(largest or 1.0)), 0, 12))
    numbers = [fixed(number, decimals, sign="+") for _name, number in terms + last]
    left, right = (max(map(len, texts)) for texts in ([name for name, _number in terms + last], numbers))
    lines = [f"{name:<{left}}  {number:>{right}}" for (name, _n), number in zip(terms + last, numbers, strict=True)]
    return [*lines[:-2], "─" * (left + right + 2), *lines[-2:]]
