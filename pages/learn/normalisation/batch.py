"""Batch norm: a batch with each channel's mean and variance, and the moving averages as they follow the batches."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np
import streamlit as st
import torch
from torch import Tensor

from models.options import Choice, Number, Phrase
from models.refusals import Refused
from pages.common import panels
from pages.common.asking import ask, ask_one, fragment, key_of
from pages.common.components.following import Shown, follow
from pages.common.components.sheets import Cells, Line, draw_sheets
from pages.common.text import _, plain, said
from pages.learn.lesson import MODE, Question, predicted
from vis.concepts.examples import CHANNELS, DEVIATIONS, MEANS, batch
from vis.concepts.normalisation import Moving, batch_norm, begun, inference, moved_as_keras, moved_as_torch
from vis.figures.averages import averages
from vis.figures.numbers import fixed, rewritten, significant

Shows = TypeVar("Shows")

QUESTION = Question(
    "batch",
    Phrase("Training is over, and the network is shown one picture. Which mean does batch norm subtract?"),
    (
        Phrase("that of the picture's own maps"),
        Phrase("a moving average, kept while training"),
        Phrase("none: it is switched off"),
    ),
    2,
    Phrase("At inference each channel is a fixed line, the same for every picture, whatever else is in the batch."),
)
LAST = 60  # batches that can be seen
PICTURES = Choice("pictures", Phrase("Pictures per batch"), (1, 2, 4, 6), 4)
SIDE = Choice("map_side", Phrase("Map side"), (1, 2), 2)
MOMENTUM = Choice("momentum", Phrase("Momentum m"), (0.01, 0.1, 0.5, 0.9, 0.99), 0.1, shown_as="scale")
SEEN = Number("seen", Phrase("Batches seen"), 20, 0, LAST, shown_as="slider")
CHANNEL = Choice("channel", Phrase("Channel"), tuple(range(CHANNELS)), 2)
AVERAGE = Choice("average", Phrase("Moving average of"), {"mean": Phrase("mean"), "variance": Phrase("variance")})
ONE, ZERO = torch.ones(CHANNELS, dtype=torch.float64), torch.zeros(CHANNELS, dtype=torch.float64)


@fragment
def batch_norms() -> None:
    """The question, a batch before and after, and then the averages."""
    st.header(_("Batch norm"), anchor="batch-norm")
    is_answered = predicted(QUESTION)
    drawing = st.container()
    with st.container(horizontal=True, gap="medium", key="row of batch norm"):
        pictures, side, mode = (ask_one(st, option) for option in (PICTURES, SIDE, MODE))
    places = st.columns(2, gap="medium")
    seen, momentum = ask(places, SEEN, MOMENTUM).values()
    batches = [batch(number, pictures, side) for number in range(1, LAST + 1)]
    try:
        kept = {each: _followed(batches, each) for each in MOMENTUM.values}
        with drawing:
            _draw(batches, {each: libraries[_library(0)] for each, libraries in kept.items()}, mode, seen, momentum)
    except Refused as refusal:
        drawing.error(plain(said(refusal)), icon=":material/error:")
        return
    if pictures == 1:
        st.caption(_("With a single picture, batch norm while training is instance norm: compare below."))
    if is_answered:
        _averages(batches, kept, seen, momentum)
    else:
        st.caption(_("How the averages follow the batches: shown once you have predicted."))


def _library(number: int) -> str:
    return (_("as PyTorch reads m"), _("as Keras reads m"))[number]


def _followed(batches: Sequence[Tensor], momentum: float) -> dict[str, list[Moving]]:
    """What both libraries keep, before the first batch and after each."""
    kept = {_library(0): [begun(CHANNELS)], _library(1): [begun(CHANNELS)]}
    for (_name, moving), move in zip(kept.items(), (moved_as_torch, moved_as_keras), strict=True):
        for x in batches:
            moving.append(move(moving[-1], x, momentum))
    return kept


def _reached(shown: Callable[[int, float], Shows], seen: int, momentum: float) -> dict[str, list[Shows]]:
    """What is shown at every stop of both sliders, while the other one stays."""
    return {
        key_of(SEEN.name): [shown(each, momentum) for each in SEEN.values],
        key_of(MOMENTUM.name): [shown(seen, each) for each in MOMENTUM.values],
    }


def _draw(
    batches: Sequence[Tensor], kept: Mapping[float, Sequence[Moving]], mode: str, seen: int, momentum: float
) -> None:
    """A line for each channel: the maps of the batch and their statistics, and beside them what comes out."""
    is_training = mode == "training"

    def given(seen: int, _momentum: float) -> Cells:
        return _cells(batches[max(0, seen - 1)])

    def made(seen: int, momentum: float) -> Cells:
        x, moving = batches[max(0, seen - 1)], kept[momentum][seen]
        if is_training:
            return _cells(batch_norm(x, ONE, ZERO))
        return _cells(inference(x, moving, ONE, ZERO), moving)

    sides = {"input": (_("Input"), given), "output": (_("Output"), made)}
    names = [f"№ {number}" for number in range(1, len(batches[0]) + 1)]
    for place, (side, (title, shown)) in zip(st.columns(2, gap="medium"), sides.items(), strict=True):
        here = shown(seen, momentum)
        with place:
            st.markdown(f"**{title}**")
            draw_sheets(
                [Line(names, _("Channel {number}", number=c), note) for c, note in enumerate(here.notes)],
                here.shades,
                here.labels,
                f"batch {side}",
                alt=_("The maps of every picture of the batch, a line for each channel, with its mean and variance."),
                numbers=here.numbers,
                reach=_reached(shown, seen, momentum),
            )


def _cells(x: Tensor, moving: Moving | None = None) -> Cells:
    """The maps of a batch, channel by channel; with the averages that are kept, where these are used."""
    maps = x.transpose(0, 1).flatten(0, 1).numpy()  # (C·N, h, w)
    places = [
        _("channel {channel}, picture {picture}", channel=c, picture=n)
        for c in range(CHANNELS)
        for n in range(1, len(x) + 1)
    ]
    labels = [
        f"{place}: {fixed(value, 2)}"
        for place, each in zip(places, maps, strict=True)
        for value in each.ravel().tolist()
    ]
    return Cells(
        maps / np.abs(maps).max(),
        labels,
        [fixed(value, 1) for value in maps.ravel().tolist()],
        notes=[_note(x[:, channel], moving, channel) for channel in range(CHANNELS)],
    )


def _note(values: Tensor, moving: Moving | None, channel: int) -> str:
    """The mean and variance of a channel; and those that are kept of it, where these are used."""
    lines = [
        _("mean {mean}", mean=_two(values.mean())),
        _("variance {variance}", variance=_two(values.var(correction=0))),
    ]
    if moving:
        lines += [
            _("kept mean {mean}", mean=_two(moving.mean[channel])),
            _("kept variance {variance}", variance=_two(moving.variance[channel])),
        ]
    return "\n".join(lines)


def _two(value: Tensor) -> str:
    return fixed(float(value), 2)


def _averages(
    batches: Sequence[Tensor], kept: Mapping[float, Mapping[str, Sequence[Moving]]], seen: int, momentum: float
) -> None:
    """What is kept of one channel, batch by batch, and how the last step came about."""
    row = st.container(horizontal=True, gap="medium", key="row of averages")
    channel, of = ask_one(row, CHANNEL), ask_one(row, AVERAGE)
    biased, unbiased = ([_statistic(x, channel, of, correction) for x in batches] for correction in (0, 1))
    lines = {
        each: {name: [float(getattr(moving, of)[channel]) for moving in line] for name, line in libraries.items()}
        for each, libraries in kept.items()
    }
    start = lines[momentum][_library(0)][0]
    whole = MEANS[channel] if of == "mean" else DEVIATIONS[channel] ** 2
    among = (start, whole, *biased, *unbiased)  # between which all averages lie
    beyond = 0.06 * (max(among) - min(among))
    limits = min(among) - beyond, max(among) + beyond
    count = batches[0][:, 0].numel() if of == "variance" else None
    words = {
        "batches": _("each batch"),
        "whole": _("all pictures that could come"),
        "axis": _("mean") if of == "mean" else _("variance"),
        "across": _("batch"),
    }

    def shown(seen: int, momentum: float) -> Shown:
        return {
            "averages": averages(unbiased, lines[momentum], whole, seen, limits, words),
            "words of averages": _step((biased, unbiased), lines[momentum], seen, momentum, count),
        }

    here = shown(seen, momentum)
    left, right = st.columns([3, 2], gap="large")
    with left:
        alt = _("The moving average of a channel after each batch, as two libraries keep it.")
        panels.chart(here["averages"], "averages", alt)
    with right:
        st.container(key="words of averages").markdown(here["words of averages"])
        st.caption(
            _(
                "Both begin with a mean of 0 and a variance of 1. PyTorch's momentum is the share of the new value, "
                "Keras's that of the old one: PyTorch's 0.01 is Keras's 0.99. PyTorch keeps the unbiased variance, "
                "Keras the biased one."
            )
        )
    follow("averages", _reached(shown, seen, momentum))


def _statistic(x: Tensor, channel: int, of: str, correction: int) -> float:
    values = x[:, channel]
    return float(values.mean() if of == "mean" else values.var(correction=correction))


def _step(
    statistics: tuple[Sequence[float], Sequence[float]],
    lines: Mapping[str, Sequence[float]],
    seen: int,
    momentum: float,
    count: int | None,
) -> str:
    """The last step of both averages with its numbers, Markdown.

    Args:
        statistics: of each batch, biased and unbiased.
        count: of the values of a batch; None where these are means.
    """
    biased, unbiased = (values[max(0, seen - 1)] for values in statistics)
    words = []
    if count:
        words.append(
            _(
                "This batch's variance: {biased} over its {count} values, by which it is normalised; unbiased, over "
                "{less}, {unbiased}.",
                biased=f"**{significant(biased)}**",
                unbiased=f"**{significant(unbiased)}**",
                count=count,
                less=count - 1,
            )
            + "\n"
        )
    if not seen:
        begins = _("before the first batch")
        words += [f"* {library}, {begins}: **{significant(values[0])}**" for library, values in lines.items()]
        return "\n".join(words)
    (torchs, (before, after)), (keras, (old, new)) = ((name, line[seen - 1 : seen + 1]) for name, line in lines.items())
    m, rest = rewritten(str(momentum)), significant(1 - momentum)
    words += [
        f"* {torchs}: {rest} · {significant(before)} + {m} · {significant(unbiased)} = **{significant(after)}**",
        f"* {keras}: {m} · {significant(old)} + {rest} · {significant(biased)} = **{significant(new)}**",
    ]
    return "\n".join(words)
