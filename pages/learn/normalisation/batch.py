"""Batch norm: a batch with each channel's mean and variance, and the moving averages as they follow the batches."""

from collections.abc import Sequence

import numpy as np
import streamlit as st
import torch
from torch import Tensor

from models.options import Choice, Number, Phrase
from models.refusals import Refused
from pages.common import panels
from pages.common.asking import ask, ask_one, fragment
from pages.common.components.sheets import Line, draw_sheets
from pages.common.text import _, plain, said
from pages.learn.lesson import MODE, Question, predicted
from vis.concepts.examples import CHANNELS, DEVIATIONS, MEANS, batch
from vis.concepts.normalisation import Moving, batch_norm, begun, inference, moved_as_keras, moved_as_torch
from vis.figures.averages import averages
from vis.figures.numbers import fixed, rewritten, significant

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
    values = ask(places, SEEN, MOMENTUM)
    batches = [batch(number, pictures, side) for number in range(1, LAST + 1)]
    x = batches[max(0, values["seen"] - 1)]
    try:
        kept = _followed(batches, values["momentum"])
        with drawing:
            _draw(x, mode, kept[_library(0)][values["seen"]])
    except Refused as refusal:
        drawing.error(plain(said(refusal)), icon=":material/error:")
        return
    if pictures == 1:
        st.caption(_("With a single picture, batch norm while training is instance norm: compare below."))
    if is_answered:
        _averages(batches, kept, values["seen"], values["momentum"])
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


def _draw(x: Tensor, mode: str, moving: Moving) -> None:
    """A line for each channel: the maps of the batch and their statistics, and beside them what comes out."""
    is_training = mode == "training"
    y = batch_norm(x, ONE, ZERO) if is_training else inference(x, moving, ONE, ZERO)
    sides = {"input": (_("Input"), x), "output": (_("Output"), y)}
    for place, (side, (title, maps)) in zip(st.columns(2, gap="medium"), sides.items(), strict=True):
        with place:
            st.markdown(f"**{title}**")
            _maps(side, maps, None if is_training or maps is y else moving)


def _maps(side: str, x: Tensor, moving: Moving | None) -> None:
    maps = x.transpose(0, 1).flatten(0, 1).numpy()  # (C·N, h, w)
    pictures = len(x)
    notes = [_note(x[:, channel], moving, channel) for channel in range(CHANNELS)]
    names = [f"№ {number}" for number in range(1, pictures + 1)]
    lines = [Line(names, _("Channel {number}", number=c), note) for c, note in enumerate(notes)]
    places = [
        _("channel {channel}, picture {picture}", channel=c, picture=n)
        for c in range(CHANNELS)
        for n in range(1, pictures + 1)
    ]
    labels = [
        f"{place}: {fixed(value, 2)}"
        for place, each in zip(places, maps, strict=True)
        for value in each.ravel().tolist()
    ]
    draw_sheets(
        lines,
        maps / np.abs(maps).max(),
        labels,
        f"batch {side}",
        alt=_("The maps of every picture of the batch, a line for each channel, with its mean and variance."),
        numbers=[fixed(value, 1) for value in maps.ravel().tolist()],
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


def _averages(batches: Sequence[Tensor], kept: dict[str, list[Moving]], seen: int, momentum: float) -> None:
    """What is kept of one channel, batch by batch, and how the last step came about."""
    row = st.container(horizontal=True, gap="medium", key="row of averages")
    channel, of = ask_one(row, CHANNEL), ask_one(row, AVERAGE)
    biased, unbiased = ([_statistic(x, channel, of, correction) for x in batches] for correction in (0, 1))
    lines = {name: [float(getattr(each, of)[channel]) for each in moving] for name, moving in kept.items()}
    whole = MEANS[channel] if of == "mean" else DEVIATIONS[channel] ** 2
    words = {
        "batches": _("each batch"),
        "whole": _("all pictures that could come"),
        "axis": _("mean") if of == "mean" else _("variance"),
        "across": _("batch"),
    }
    left, right = st.columns([3, 2], gap="large")
    with left:
        alt = _("The moving average of a channel after each batch, as two libraries keep it.")
        panels.chart(averages(unbiased, lines, whole, seen, words), "averages", alt)
    with right:
        _steps(batches[0], (biased, unbiased), lines, seen, momentum, of)


def _statistic(x: Tensor, channel: int, of: str, correction: int) -> float:
    values = x[:, channel]
    return float(values.mean() if of == "mean" else values.var(correction=correction))


def _steps(
    x: Tensor,
    statistics: tuple[Sequence[float], Sequence[float]],
    lines: dict[str, list[float]],
    seen: int,
    momentum: float,
    of: str,
) -> None:
    """The last step of both averages with its numbers."""
    if not seen:
        st.markdown(_("No batch has been seen: both begin with a mean of 0 and a variance of 1."))
        return
    biased, unbiased = (values[seen - 1] for values in statistics)
    (torchs, (before, after)), (keras, (old, new)) = ((name, line[seen - 1 : seen + 1]) for name, line in lines.items())
    m, rest = rewritten(str(momentum)), significant(1 - momentum)
    count = x[:, 0].numel()
    if of == "variance":
        st.markdown(
            _(
                "This batch's variance: {biased} over its {count} values, by which it is normalised; unbiased, over "
                "{less}, {unbiased}.",
                biased=f"**{significant(biased)}**",
                unbiased=f"**{significant(unbiased)}**",
                count=count,
                less=count - 1,
            )
        )
    panels.bullets(
        [
            f"{torchs}: {rest} · {significant(before)} + {m} · {significant(unbiased)} = **{significant(after)}**",
            f"{keras}: {m} · {significant(old)} + {rest} · {significant(biased)} = **{significant(new)}**",
        ]
    )
    st.caption(
        _(
            "PyTorch's momentum is the share of the new value, Keras's that of the old one: PyTorch's 0.01 is Keras's "
            "0.99. PyTorch keeps the unbiased variance, Keras the biased one."
        )
    )
