"""Plain networks against residual ones that differ in nothing else."""

from collections.abc import Sequence
from statistics import mean

import streamlit as st

from models.cards import Card, with_other_seeds
from pages.common.panels import wrapped
from pages.common.text import _
from vis.cost.training import Entrant
from vis.figures.arena import points_of_percent
from vis.figures.numbers import percent

DEPTHS = (20, 32)


def plain_against_residual(entrants: Sequence[Entrant]) -> None:
    """For both depths and every seed, how good each is, and by how much the residual one is ahead."""
    st.header(_("Plain against residual"), anchor="pair")
    st.markdown(
        _(
            "ResNet-20 is Plain-20 with shortcuts, which have no parameters and cost no multiply-add. The same seed "
            "shows both the same pictures in the same order."
        )
    )
    rows, ahead = [], []
    for depth in DEPTHS:
        plain, residual = (_by_seed(f"cifar_{kind}{depth}") for kind in ("plain", "resnet"))
        for seed in sorted({0, *plain, *residual}):
            difference = None
            if seed in plain and seed in residual:
                difference = residual[seed].top1 - plain[seed].top1
                ahead.append(difference)
            rows.append(
                [
                    str(depth),
                    str(seed),
                    *(_written(found.get(seed)) for found in (plain, residual)),
                    "–" if difference is None else points_of_percent(difference),
                ]
            )
    wrapped(
        [_("layers"), _("random seed"), _("plain"), _("residual"), _("difference, points")],
        rows,
        "pairs",
    )
    if len(ahead) > 1:
        st.caption(
            _(
                "Over {count} pairs the residual network is ahead by {mean} points on average, {least} to {most}.",
                count=len(ahead),
                mean=points_of_percent(mean(ahead)),
                least=points_of_percent(min(ahead)),
                most=points_of_percent(max(ahead)),
            )
        )
    else:
        st.caption(_("One pair shows a tendency; other seeds would show how far chance goes."))


def _by_seed(network: str) -> dict[int, Card]:
    return {training.seed: training for training in with_other_seeds(network)}


def _written(training: Card | None) -> str:
    return percent(training.top1 / 100) if training else _("not trained yet")
