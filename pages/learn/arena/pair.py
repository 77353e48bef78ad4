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
            "A ResNet is the plain network with shortcuts, which have no parameters and cost no multiply-add. The same "
            "seed shows both the same pictures in the same order."
        )
    )
    rows, said = [], []
    for depth in DEPTHS:
        ahead = []
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
        said += _ahead(depth, ahead)
    wrapped(
        [_("layers"), _("random seed"), _("plain"), _("residual"), _("difference, points")],
        rows,
        "pairs",
    )
    st.caption(" ".join(said))


def _ahead(depth: int, differences: Sequence[float]) -> list[str]:
    """By how much the residual network of this depth is ahead, in one sentence; of no pair nothing is said."""
    if len(differences) > 1:
        return [
            _(
                "With {depth} layers, over {count} pairs, the residual network is ahead by {mean} points on average, "
                "{least} to {most}.",
                depth=depth,
                count=len(differences),
                mean=points_of_percent(mean(differences)),
                least=points_of_percent(min(differences)),
                most=points_of_percent(max(differences)),
            )
        ]
    words = _(
        "The one pair with {depth} layers shows a tendency; other seeds would show how far chance goes.", depth=depth
    )
    return [words] if differences else []


def _by_seed(network: str) -> dict[int, Card]:
    return {training.seed: training for training in with_other_seeds(network)}


def _written(training: Card | None) -> str:
    return percent(training.top1 / 100) if training else _("not trained yet")
