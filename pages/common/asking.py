"""The inputs of a page, drawn from what they are: each begins as the link says, is kept when the page is left, and is
written into the address where it is not as usual.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

import streamlit as st

from models.options import Choice, Number, Numbers, Option, Several, Switch
from models.statefile import listed
from pages.common import address, routes
from pages.common.cache.turns import warm
from pages.common.components.sliders import Report, Results, Slider, live_sliders
from pages.common.framing import framed, is_by_itself
from pages.common.session import kept, set_to, value_of
from pages.common.text import _, plain, speak, spoken
from vis.figures.numbers import rewritten

FRAME = ""  # the page of what belongs to every page


def fragment(draw: Callable[..., None]) -> Callable[..., None]:
    """A part of a page that can be drawn by itself, as `st.fragment`, and then writes its part of the address."""

    @framed
    @st.fragment
    @wraps(draw)
    def drawn(*args, **kwargs):
        speak()
        routes.follow()
        try:
            with address.part(f"{draw.__module__}.{draw.__qualname__}"):
                draw(*args, **kwargs)
        finally:
            if is_by_itself():
                warm()

    return drawn


def key_of(option: str, of: str = "", page: str | None = None) -> str:
    """The key of an option's widget: of the page that is drawn, or of another one."""
    page = address.drawn() if page is None else page
    return "/".join(filter(None, (page, option, of)))


def ask(place, *options: Option, **about: Any) -> dict[str, Any]:
    """What the visitor chose, by the options' names.

    Args:
        place: a container, or one for each of the options.
        about: as of `ask_one`.
    """
    places = place if isinstance(place, Sequence) else [place] * len(options)
    return {option.name: ask_one(where, option, **about) for where, option in zip(places, options, strict=True)}


def ask_one(
    place,
    option: Option,
    *,
    network: str | None = None,
    of: str = "",
    page: str | None = None,
    prefix: str = "",
    is_linked: bool = True,
    comes_back: bool = False,
    **look: Any,
) -> Any:
    """What the visitor chose.

    Args:
        place: a container, or `st`.
        network: whose option it is: for every network another choice is kept, and a link to another one says nothing.
        of: whatever else it belongs to, such as a layer.
        page: the page that keeps it; that which is drawn, unless several have it in common.
        prefix: before its name in the address.
        is_linked: whether the link that opened the session is about it.
        comes_back: whether Back and Forward set it, for what is opened on the page depends on it.
        look: as of Streamlit's widget.
    """
    key = key_of(prefix + option.name, "/".join(filter(None, (network, of))), page)
    if comes_back:
        come_back(option, key, prefix)
    first = first_value(option, network, prefix, page) if is_linked else option.usual
    if page:
        first = kept(f"first {key}", lambda: first)  # what the page of the link has shown, the others show as well
    look = {"key": key, "persist_state": "session", "help": option.help and spoken(option.help)} | look
    value = _WIDGETS[type(option)](place, option, spoken(option.label), first, look)
    note(option, value, prefix)
    return value


def come_back(option: Option, key: str, prefix: str = "") -> None:
    """Sets the widget of that key as the address says, after Back or Forward; not to what an address cannot say."""
    link = address.returned()
    if link is None or (isinstance(option, Choice) and value_of(key) in option.unlinked):
        return
    text = link.get(prefix + option.name)
    value, wrong = (option.usual, ()) if text is None else option.read_in_part(text)
    if not wrong and value != value_of(key, option.usual):
        set_to(key, value)


def standing(option: Option, page: str, of: str = "", is_linked: bool = True) -> Any:
    """What an option of several pages is set to, where the page that is drawn does not ask for it.

    Args: as of `ask_one`.
    """
    key = key_of(option.name, of, page)
    first = kept(f"first {key}", lambda: first_value(option, page=page) if is_linked else option.usual)
    value = value_of(key, first)
    value = value if option.accepts(value) else option.usual
    note(option, value)
    return value


def first_value(option: Option, network: str | None = None, prefix: str = "", page: str | None = None) -> Any:
    """What an option is at first: what the link that opened the session says of it, or else the usual value.

    It is not put into the widget's state: there it would win over a choice that is made while the first run is still
    under way.
    """
    link = address.link() if page == FRAME else address.opened_with()
    text = link.get(prefix + option.name)
    if text is None or not (network is None or address.is_about(network)):
        return option.usual
    value, wrong = option.read_in_part(text)
    if wrong:
        address.leave_out(spoken(option.label) or option.name, ", ".join(wrong))
    return value


def note(option: Option, value: Any, prefix: str = "") -> None:
    """Adds a value to the address, where a link has to say it."""
    address.note(**{prefix + option.name: option.linked(value)})


# Widgets ---------------------------------------------------------------------------------------------------------


def _choice(place, option: Choice, label: str, first: Any, look: dict[str, Any]) -> Any:
    values = list(option.values)

    def called(value: Any) -> str:
        words = option.called(value)
        return rewritten(words) if isinstance(value, float) and words == str(value) else spoken(words)

    if option.shown_as == "buttons":
        look = {"required": True, "wrap": True} | look
        first = before if option.accepts(before := value_of(look["key"])) else first
        # A browser that draws the buttons anew begins with this value, so that it must be the one that is chosen; but
        # where the state was set a moment ago, Streamlit objects to a first value beside it.
        default = None if _is_set(look["key"]) else first
        value = place.segmented_control(label, values, format_func=called, default=default, **look)
        return value if option.accepts(value) else first
    if option.shown_as == "scale":
        return place.select_slider(label, values, first, format_func=called, **look)
    names = [called(value) for value in values]
    _set_where_renamed(option, look["key"], names)
    # Streamlit takes None for no choice at all, and would say so instead of what None is called.
    if None in option.values and value_of(look["key"], NONE) is None:
        set_to(look["key"], NONE)
    if _is_set(look["key"]):
        first = values[0]  # as above
    shown = [NONE if value is None else value for value in values]
    words = dict(zip(shown, names, strict=True)).__getitem__
    value = place.selectbox(label, shown, values.index(first), format_func=words, **look)
    value = None if value == NONE else value
    return value if option.accepts(value) else option.usual


NONE = ""  # in a list, for the value None


def _is_set(key: str) -> bool:
    """Whether the widget of that key was set since it was last drawn."""
    known = kept("set", set)
    if was_set := key in known:
        known.remove(key)
    return was_set


def _set_where_renamed(option: Choice, key: str, names: list[str]) -> None:
    """Sets the state once more where the values have other names than when this list was last drawn.

    A browser holds the words of a list's choice, not its value: in another language they would be none of its own.
    """
    known = kept("names in lists", dict)
    before, known[key] = known.get(key), hash(tuple(names))  # a thousand names would stay as long as the session
    value = value_of(key)
    if before not in (None, known[key]) and option.accepts(value):
        set_to(key, value)


def _number(place, option: Number, label: str, first: float | None, look: dict[str, Any]) -> float | None:
    if option.shown_as == "slider":
        return place.slider(label, option.least, option.most, first, option.step, **look)
    if option.shown_as == "pages":
        look.pop("help")
        return place.pagination(option.most, default=first, **look)
    first = None if _is_set(look["key"]) else first  # as above
    value = place.number_input(label, option.least, option.most, first, option.step, **look)
    return value if value is None or option.kind is int else round(value, max(option.digits, 2))


def _switch(place, option: Switch, label: str, first: bool, look: dict[str, Any]) -> bool:
    return place.toggle(label, first, **look)


def _several(place, option: Several, label: str, first: tuple[str, ...], look: dict[str, Any]) -> tuple[str, ...]:
    values = list(option.values)
    if option.shown_as == "list":
        chosen = place.multiselect(label, values, first, format_func=lambda one: spoken(option.called(one)), **look)
        return option.ordered(chosen)  # not in the order of the clicks
    look.pop("help")
    key = look.pop("key")
    each = {one: place.toggle(spoken(option.called(one)), one in first, key=f"{key}/{one}", **look) for one in values}
    return option.ordered(one for one, is_on in each.items() if is_on)


def _numbers(place, option: Numbers, label: str, first: tuple[int, ...], look: dict[str, Any]) -> tuple[int, ...]:
    """A field for the numbers of some feature maps; what is none of them is named beside it."""
    text = place.text_input(label, ", ".join(map(str, first)), placeholder="3, 17, 40", **look)
    found, wrong = option.read_in_part(text)
    if wrong:
        words = _(
            "No such feature map: {words}. This layer has 0 to {highest}.",
            words=plain(listed(wrong)),
            highest=option.highest,
        )
        place.error(words, icon=":material/error:")
    if len(text.replace(",", " ").split()) > option.most:
        place.caption(_("Only the first 16 numbers are shown."))
    return found


_WIDGETS: Mapping[type[Option], Callable] = {
    Choice: _choice,
    Number: _number,
    Switch: _switch,
    Several: _several,
    Numbers: _numbers,
}


# Sliders that report while they are dragged ----------------------------------------------------------------------


@dataclass
class Live:
    """Where live sliders stand."""

    values: dict[str, Any]
    moved: str | None = None  # the name of the one that was moved last
    near: str | None = None  # the name of the one that the visitor is at

    def put(self, values: Mapping[str, Any]) -> None:
        """Moves them all at once, so that none is held any more."""
        self.values = dict(values)
        address.hold(False)


def live_of(options: Sequence[Choice | Number], of: str, is_linked: bool = True) -> Live:
    """Where the live sliders of these options stand, for what is drawn before them; arguments as of `ask_live`."""
    return kept(key_of("sliders", of), lambda: Live({o.name: _stop_of(o) if is_linked else o.usual for o in options}))


def ask_live(place, *options: Choice | Number, of: str, is_linked: bool = True, results: Results | None = None) -> Live:
    """Sliders that report while they are dragged; they belong into a `fragment`, with all that depends on them.

    Args:
        of: what they set, for a page may have several such sets.
        is_linked: whether the link that opened the session is about these.
        results: what is shown beside them and follows the hand.
    """
    now = live_of(options, of, is_linked)

    def act(report: Report) -> None:
        values = report.values or now.values
        now.moved = next((name for name, value in values.items() if value != now.values[name]), now.moved)
        now.values, now.near = values, report.near or now.near
        address.hold(not report.rests)

    with place:
        live_sliders(
            [Slider(o.name, spoken(o.label), o.values, o.marks, o.digits) for o in options],
            now.values,
            key_of("sliders", of),
            on_change=act,
            results=results,
            near=now.near,
        )
    for option in options:
        note(option, now.values[option.name])
    return now


def _stop_of(option: Choice | Number) -> Any:
    """Where a slider stands nearest to what the link says; as usual, where that is beyond its ends."""
    stops = option.values
    if isinstance(option, Choice):
        option = Number(option.name, option.label, option.usual, min(stops), max(stops))
    first = first_value(option)
    return min(stops, key=lambda stop: abs(stop - first))
