"""What is seen of trainings while they run and afterwards."""

import numpy as np
import streamlit as st

from models.images import png
from pages.common.learning import Run
from pages.common.panels import chart, figures, wrapped
from pages.common.text import _
from pages.learn.train.projection import projections
from pages.learn.train.recipe import recipe_in_words, title_of
from vis.figures.learning import Curve, filters_on_the_way, gradient_norms, learning_curves, times_shown
from vis.figures.numbers import duration, fixed, percent, significant

MOST_IN_A_ROW = 16  # filters


def show(runs: tuple[Run, ...]) -> None:
    """The curves of all runs; of the newest one also where it stands, its gradients and its filters."""
    newest = runs[-1]
    _standing(newest)
    _curves(runs)
    gradients, filters = st.columns([3, 2], gap="large")
    with gradients:
        _gradients(newest)
    with filters:
        _filters(newest)
    projections(newest)
    if len(runs) > 1:
        _beside_one_another(runs)


def _standing(run: Run) -> None:
    training = run.training
    learned, held_out = (points[-1] if points else None for points in (training.learned, training.held_out))
    best = next((point for point in training.held_out if point.accuracy >= 0.97), None)
    shown = [
        (_("Epoch"), f"{fixed(training.epoch, 1)} / {training.recipe.epochs}"),
        (_("Training loss"), significant(learned.loss) if learned else "–"),
        (_("Held-out loss"), significant(held_out.loss) if held_out else "–"),
        (_("Training accuracy"), percent(learned.accuracy) if learned else "–"),
        (_("Held-out accuracy"), percent(held_out.accuracy) if held_out else "–"),
        (_("Training time"), duration(training.seconds)),
    ]
    if not training.is_over:
        shown.append((_("Learning rate now"), significant(training.rate, 2)))
    if best:
        shown.append((_("97 % after"), duration(best.seconds)))
    figures(shown)


def _curves(runs: tuple[Run, ...]) -> None:
    epochs = max(run.training.recipe.epochs for run in runs)
    words = {"learned": _("training"), "held out": _("held out"), "across": _("epochs")}
    left, right = st.columns(2, gap="large")
    for place, what, axis, is_share, alt in (
        (left, "loss", _("loss"), False, _("The loss of each run, falling with the epochs.")),
        (right, "accuracy", _("accuracy"), True, _("The accuracy of each run, rising with the epochs.")),
    ):
        curves = [
            Curve(
                _("run {number}", number=number),
                *(
                    ([point.step / run.training.steps for point in points], [getattr(point, what) for point in points])
                    for points in (list(run.training.learned), list(run.training.held_out))
                ),
            )
            for number, run in enumerate(runs, 1)
        ]
        with place:
            chart(learning_curves(curves, epochs, axis, words, is_share), f"curves of {what}", alt)


def _gradients(run: Run) -> None:
    training = run.training
    norms = list(training.gradients)
    epochs = [point.step / training.steps for point in training.learned[: len(norms)]]
    st.markdown(f"**{_('Norm of the gradient of each layer')}**")
    words = {"axis": _("norm of the gradient"), "across": _("epochs")}
    figure = gradient_norms(epochs, norms[: len(epochs)], training.layers, training.recipe.epochs, words)
    alt = _("The norm of each layer's gradient over the epochs, on a logarithmic axis.")
    chart(figure, "norms of gradients", alt)


def _filters(run: Run) -> None:
    taken = list(run.training.filters)
    if not taken:
        st.caption(_("Its first layer is no convolution, so there are no filters to look at."))
        return
    st.markdown(f"**{_('Filters of the first layer as they learn')}**")
    shown = [taken[place] for place in times_shown(len(taken))]
    pixels, limit = filters_on_the_way([np.asarray(kernels) for _step, kernels in shown], MOST_IN_A_ROW)
    st.image(png(pixels), alt=_("Filters of the first layer, a row for each time."))
    epochs = ", ".join(significant(step / run.training.steps, 2) for step, _kernels in shown)
    st.caption(
        _(
            "From top to bottom after {epochs} epochs; black is −{limit}, grey 0, white +{limit}.",
            epochs=epochs,
            limit=significant(limit, 2),
        )
    )


def _beside_one_another(runs: tuple[Run, ...]) -> None:
    """A line for every run."""
    st.header(_("Runs compared"), anchor="runs")
    rows = []
    for number, run in enumerate(runs, 1):
        training = run.training
        last = training.held_out[-1].accuracy if training.held_out else None
        best = max((point.accuracy for point in training.held_out), default=None)
        rows.append(
            [
                str(number),
                title_of(training.recipe),
                recipe_in_words(training.recipe),
                f"{fixed(training.epoch, 1)} / {training.recipe.epochs}",
                "–" if last is None else percent(last),
                "–" if best is None else percent(best),
                duration(training.seconds),
            ]
        )
    head = [_("run"), _("network"), _("recipe"), _("epochs"), _("held out"), _("best"), _("time")]
    wrapped(head, rows, "runs")
