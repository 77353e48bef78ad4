"""The CIFAR-10 arena: small forms of all families, trained alike, compared by what they learn and what that costs."""

from pathlib import Path

import streamlit as st

from pages.common import cache
from pages.common.panels import let_it_be_drawn
from pages.common.text import _
from pages.learn.arena.chart import accuracy_against_cost
from pages.learn.arena.closely import closely
from pages.learn.arena.curves import learning_curves
from pages.learn.arena.mistakes import mistakes
from pages.learn.arena.pair import plain_against_residual
from pages.learn.arena.published import published
from pages.learn.arena.votes import all_vote
from pages.learn.lesson import close_lesson

TEXTS = Path(__file__).parent / "texts"
CODE = """\
from models.cards import cards
from vis.cost.training import entrant, front

entrants = [entrant(training) for training in cards().values()]
points = {{each.name: (each.macs, each.training.top1) for each in entrants}}
best = front(points)  # no other network is as good and as cheap
for name in best:
    print(name, points[name])
"""


def page() -> None:
    st.title(_("The CIFAR-10 arena"))
    entrants = cache.entrants()
    is_answered = accuracy_against_cost(entrants)
    let_it_be_drawn()
    plain_against_residual(entrants)
    learning_curves(entrants, is_answered)
    mistakes(closely(entrants))
    all_vote(entrants)
    published(entrants)
    close_lesson(CODE, TEXTS, "arena")


page()
