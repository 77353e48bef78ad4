"""Stacks of several depths that learn the same examples: their gradients step by step, and where depth hurts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from typing import Any

import streamlit as st

from models.options import Choice, Number, Phrase, Switch
from pages.common import address, cache, panels
from pages.common.asking import ask_live, come_back, fragment, key_of, standing
from pages.common.components.sliders import Frame, Results
from pages.common.jobs import Job
from pages.common.progress import watch
from pages.common.session import keep, kept, set_to
from pages.common.text import _, language
from pages.learn.depth.settings import Settings, ask_settings, names, options
from pages.learn.lesson import Question, predicted
from pages.learn.stacks import curves, look, scales_of
from vis.concepts.depth import Moment, spirals
from vis.figures.depths import by_depth
from vis.figures.numbers import percent, scientific

QUESTION = Question(
    "deeper",
    Phrase(
        "Two plain stacks with batch norm learn the same examples, with 10 layers and with 50. "
        "After 60 steps, how often is the deeper one wrong on these very examples?"
    ),
    (Phrase("less often: it can do more"), Phrase("as often"), Phrase("more often")),
    3,
    Phrase(
        "It could copy the shallow one and just hand the signal on. It does not find that: deep plain stacks train "
        "badly."
    ),
)
OPTIONS = options("learn_", "he", True)
STEPS = 60
DEPTHS = (2, 6, 10, 20, 32, 50, 100)
RATE = Choice("rate", Phrase("Learning rate"), (0.01, 0.02, 0.05, 0.1), 0.05, shown_as="scale")
DEPTH = Choice("stack", Phrase("Layers"), DEPTHS, 50, marks=(2, 10, 20, 50, 100))
STEP = Number("step", Phrase("Training step"), STEPS, 0, STEPS, marks=(0, 20, 40, 60))
IS_ASKED = Switch("learning", Phrase("Train"), False)
AT_MOST = 300  # seconds of a job

Runs = dict[int, list[tuple[Moment, ...]]]  # by depth: of the plain stack and of the one with shortcuts


@dataclass
class Learning:
    """A job that trains stacks of all depths, one after another, and what is known so far."""

    of: Settings
    rate: float
    runs: Runs = field(default_factory=dict)
    job: Job | None = None

    def begin(self) -> "Learning":
        self.job = Job(self._work, AT_MOST)
        return self

    def _work(self, report: Callable[[float], None], stopped: Callable[[], bool]) -> Runs | None:
        for depth in DEPTHS:
            both = []
            for stack in self.of.stacks(depth):
                if stopped():
                    return None
                both.append(cache.learnt(stack, self.of.seed, self.rate, STEPS))
            self.runs[depth] = both
            report(sum(self.runs) / sum(DEPTHS))
        return self.runs


@fragment
def while_learning() -> None:
    """The question; once predicted, a training of all stacks, its errors by depth, and its gradients step by step."""
    st.header(_("While it learns"), anchor="learning")
    is_answered = predicted(QUESTION)
    if not is_answered:
        st.caption(_("Trained here and now: once you have predicted."))
        return
    drawing = st.container()
    of, further = ask_settings("learning", OPTIONS, RATE)
    with drawing:
        learning = _learning(replace(of, gradient=""), further["rate"])
        if learning and learning.job.result:
            _errors(learning.runs)
            _step_by_step(learning, of.gradient)


def _learning(of: Settings, rate: float) -> Learning | None:
    """The training that was asked for; while it goes on, how far it is. None where none was asked for."""
    key, page = key_of(IS_ASKED.name), address.drawn()
    come_back(IS_ASKED, key)
    learning = kept("stacks", lambda: None)
    is_asked = standing(IS_ASKED, page)
    if learning and (not is_asked or (learning.of, learning.rate) != (of, rate)):
        learning.job.stop()
        learning = None
    if not is_asked:
        keep("stacks", None)
        _ask(key)
        return None
    if learning is None or learning.job.left_alone:
        learning = Learning(of, rate).begin()
        keep("stacks", learning)
    if learning.job.running:
        draw = partial(_errors, learning.runs)
        watch(lambda: learning.job, _how_far, "stop stacks", partial(set_to, key, False), lambda _job: draw())
        if not learning.job.running:
            st.rerun()
    elif learning.job.failed or not learning.job.result:  # it failed, or came to its limit
        keep("stacks", None)
        st.error(_("It failed; start it again to retry."), icon=":material/error:")
        _ask(key)
    return learning


def _ask(key: str) -> None:
    """A button that begins the training."""
    label = _("Train {count} stacks", count=2 * len(DEPTHS))
    st.button(label, icon=":material/play_arrow:", key="train stacks", on_click=set_to, args=(key, True))
    points = len(spirals()[1])
    st.caption(
        _("About ten seconds: {steps} steps each, on {points} points of three spirals.", steps=STEPS, points=points)
    )


def _how_far(job: Job) -> str:
    return percent(job.part, 0)


def _step_by_step(learning: Learning, gradient: str) -> None:
    """The gradients of stacks of one depth after one step."""
    runs = learning.runs
    scales = {depth: scales_of(chain.from_iterable(both), gradient) for depth, both in runs.items()}

    def frame(values: Mapping[str, Any]) -> Frame:
        depth, step = values["stack"], values["step"]
        moments = [known[min(step, len(known) - 1)] for known in runs[depth]]
        lasts = [len(known) - 1 for known in runs[depth]]
        readings = [_reading(*both, step) for both in zip(moments, lasts, strict=True)]
        return {"readings": readings, "curves": curves(moments, gradient, depth, scales[depth])}

    about = ("stacks that learn", learning.of, learning.rate, gradient, language())
    ask_live(st.container(), DEPTH, STEP, of="learning", results=Results(look(names(), gradient), frame, about, "step"))


def _reading(moment: Moment, last: int, step: int) -> list:
    words = _("of the training examples wrong; loss {loss}", loss=scientific(moment.loss))
    if last < step:
        words = _("wrong; after step {step} the loss is no number any more", step=last)
    return [percent(moment.error, 0), words, [round(moment.error, 3)]]


def _errors(runs: Runs) -> None:
    """What share of the training examples each stack gets wrong after the last step, over its depth."""
    runs = dict(runs)  # a job may add to them
    if not runs:
        return
    # What diverged has no error after the last step: a gap.
    errors = {
        name: [both[i][-1].error if len(both[i]) > STEPS else None for both in runs.values()]
        for i, name in enumerate(names())
    }
    words = {"across": _("layers"), "axis": _("training error after {steps} steps", steps=STEPS)}
    alt = _("The share of training examples that plain stacks and stacks with shortcuts get wrong, over their depth.")
    panels.chart(by_depth([*runs], errors, DEPTHS, words), "errors by depth", alt)
    if any(error is None for known in errors.values() for error in known):
        st.caption(_("Where a line has a gap, the loss was no number any more: that stack diverged."))
    if any(known[-1] is None for known in errors.values()):
        return
    plain, residual = (percent(known[-1], 0) for known in errors.values())
    st.markdown(
        _(
            "At **{depth} layers** the plain stack gets **{plain}** of its own training examples wrong, the one with "
            "shortcuts **{residual}**.",
            depth=max(runs),
            plain=plain,
            residual=residual,
        )
    )
