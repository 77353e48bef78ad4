"""How far a map is to be trusted on this very picture: checks, begun by hand and watched."""

from collections.abc import Hashable
from typing import Any

import streamlit as st

from models.options import Choice, Phrase
from pages.common import cache
from pages.common.asking import ask_one
from pages.common.export import download, table
from pages.common.text import _, spoken
from pages.explain import work
from pages.explain.attribution import cascade, curves, pointing, steadiness
from pages.explain.attribution.asking import View
from pages.explain.attribution.check import Check
from vis.figures.numbers import significant

LONGEST = 30  # seconds of work that others wait for without a break

CHECKS = {check.name: check for check in (curves.CHECK, cascade.CHECK, pointing.CHECK, steadiness.CHECK)}


def ask_and_draw(view: View, method: str, found: cache.Explained) -> None:
    """One of the checks: what it is and costs, how far it is, and what it gave."""
    st.markdown(f"### {_('How far can this map be trusted?')}")
    checks = [check for check in CHECKS.values() if check is not pointing.CHECK or pointing.is_possible(view)]
    option = Choice("check", Phrase("Check"), {check.name: check.title for check in checks})
    check = CHECKS[ask_one(st, option, label_visibility="collapsed")]
    st.markdown(spoken(check.does))
    if found.seconds * check.maps_at_once > LONGEST:
        words = _(
            "One map takes {seconds} s, and this check needs {count} of them without a break; choose fewer steps.",
            seconds=significant(found.seconds, 2),
            count=check.maps_at_once,
        )
        st.info(words, icon=":material/timer_off:")
        return
    passes = check.passes(found.passes)
    result = work.found(
        _key(view, method, check),
        lambda: cache.InTurns(check.steps(view, method, found), lambda known: len(known) / check.count),
        passes,
        cache.seconds_of_passes(view.chosen, *passes),
        "check",
        label=_("Check this map"),
    )
    if result is None:
        return
    check.draw(view, method, result)
    name = f"{view.chosen.network}-{method}-{check.name}.csv"
    rows = check.rows(view, method, result)
    download(st, _("As a table (CSV)"), lambda: table(rows), name, "check csv")


def keys(view: View, method: str | None) -> set[Hashable]:
    """By what the checks of a method are kept."""
    return {_key(view, method, check) for check in CHECKS.values()} if method else set()


def tables(view: View, method: str) -> list[tuple[str, list[dict[str, Any]]]]:
    """What is known of a method's checks, as rows of tables by the checks' names."""
    known = [(check, work.result(_key(view, method, check))) for check in CHECKS.values()]
    return [(check.name, check.rows(view, method, result)) for check, result in known if result]


def _key(view: View, method: str, check: Check) -> Hashable:
    return view.chosen, view.asked(method), check.name
