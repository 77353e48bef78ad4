"""Every page of the app, once; and the ways from one to another."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import streamlit as st
from streamlit.logger import get_logger

from models.options import Phrase
from models.server import server
from pages.common import address
from pages.common.session import keep, kept, set_to
from pages.common.text import _, plain, spoken

log = get_logger("convscope")


@dataclass(frozen=True)
class Route:
    """A page: its section's folder and its own, its title and its icon."""

    section: str
    name: str  # also its address
    title: str
    icon: str
    asks: tuple[str, ...] = ()  # for the picture, the network, the weights, in the row at its top
    opens_on: str = "zfnet_mini"  # its network, until a visitor chooses one

    @property
    def script(self) -> str:
        return f"pages/{self.section}/{self.name}/page.py"

    @property
    def addresses(self) -> tuple[str, str]:
        """What it is called in a list of pages."""
        return self.name, f"{self.section}/{self.name}"

    @property
    def is_shown(self) -> bool:
        """Whether this server shows it."""
        return server().pages is None or self in (HOME, *listed(server().pages))

    def page(self) -> Any:
        """The page for `st.navigation`, with its title in the session's language.

        One that is not shown is known all the same, so that links and buttons that lead to it find what is said there.
        """
        title, icon = spoken(self.title), f":material/{self.icon}:"
        visibility = "visible" if self.is_shown else "hidden"
        return st.Page(
            self.script, title=title, icon=icon, url_path=self.name, default=self == HOME, visibility=visibility
        )


ALL = ("picture", "network", "weights")
HOME = Route("start", "home", Phrase("Home"), "home")
LAYERS = Route("look", "layers", Phrase("What layers 1–5 respond to"), "visibility", ALL)
FILTERS = Route("look", "filters", Phrase("Filters"), "blur_on", ALL)
ACTIVATIONS = Route("look", "activations", Phrase("Activations"), "apps", ALL)
TOP9 = Route("look", "top9", Phrase("Top nine pictures"), "view_comfy", ALL[1:])
GRAPH = Route("look", "architecture", Phrase("The layer graph"), "account_tree", ALL)

KNOWS_IMAGENET = "efficientnet_lite0"  # in the install, or in a package beside it
ATTRIBUTION = Route("explain", "attribution", Phrase("Why this class"), "psychology_alt", ALL, KNOWS_IMAGENET)
OCCLUSION = Route("explain", "occlusion", Phrase("What if a part is covered"), "select_all", ALL, KNOWS_IMAGENET)

TRAIN = Route("learn", "train", Phrase("Train live"), "model_training")
OWN_STACK = "own stack"  # under which the page “A stack of your own” keeps its design for that one

SECTIONS = {
    Phrase("Start"): (HOME,),
    Phrase("Look"): (LAYERS, FILTERS, ACTIVATIONS, TOP9, GRAPH),
    Phrase("Explain"): (ATTRIBUTION, OCCLUSION),
    Phrase("Count"): (
        Route("count", "bottleneck", Phrase("1×1 bottlenecks"), "filter_alt"),
        Route("count", "residual", Phrase("Residual bottlenecks"), "alt_route"),
        Route("count", "separable", Phrase("Separable convolutions"), "layers"),
        Route("count", "kernels", Phrase("Small kernels, groups and gaps"), "grid_4x4"),
        Route("count", "mobilenet", Phrase("MobileNet's multipliers"), "tune"),
        Route("count", "stack", Phrase("A stack of your own"), "stacks"),
        Route("count", "milliseconds", Phrase("MACs are not milliseconds"), "timer", ALL[1:2]),
    ),
    Phrase("Learn"): (
        Route("learn", "convolution", Phrase("Convolution"), "filter_center_focus"),
        Route("learn", "pooling", Phrase("Pooling and switches"), "grid_view"),
        Route("learn", "nonlinearities", Phrase("Activation functions"), "show_chart"),
        Route("learn", "normalisation", Phrase("Normalisation"), "equalizer"),
        Route("learn", "dropout", Phrase("Dropout"), "blur_circular"),
        Route("learn", "depth", Phrase("Depth"), "stacked_bar_chart"),
        Route("learn", "shortcuts", Phrase("Shortcuts"), "alt_route"),
        TRAIN,
        Route("learn", "arena", Phrase("The CIFAR-10 arena"), "trophy"),
    ),
}


def named(name: str) -> Route:
    """The page of this address."""
    return next((route for section in SECTIONS.values() for route in section if route.name == name), HOME)


@lru_cache(maxsize=1)
def listed(addresses: tuple[str, ...]) -> tuple[Route, ...]:
    """The pages at these addresses, such as "layers" or "look/layers"; the log names those at which there is none."""
    known = {name: route for section in SECTIONS.values() for route in section for name in route.addresses}
    if unknown := [address for address in addresses if address not in known]:
        log.warning("CONVSCOPE_PAGES names no page of the app with %s.", ", ".join(map(repr, unknown)))
    return tuple(known[address] for address in addresses if address in known)


def say_not_shown(route: Route) -> None:
    """In the place of a page that this server does not show."""
    st.title(spoken(route.title))
    words = _(
        "This server does not show the page “{page}”; choose another one in the menu.", page=plain(spoken(route.title))
    )
    st.info(words, icon=":material/visibility_off:")


def go(route: Route, network: str | None = None, **link: str) -> None:
    """Asks for another page, for callbacks: it is opened when the run that follows has drawn the frame.

    Args:
        network: becomes the chosen one.
        link: what the address is to say beside the network.
    """
    if network:
        address.forget("network")
        choose_network(network)
        link = {"network": network, **link} if link else {}
    keep("wanted page", (route, link))


def choose_network(name: str) -> None:
    """Makes this the network of all pages, for callbacks."""
    for page in {route.opens_on for section in SECTIONS.values() for route in section} - {HOME.opens_on}:
        set_to(f"{page}/network", name)
    set_to("network", name)


def follow() -> None:
    """Opens the page that was asked for, if one was."""
    wanted = kept("wanted page", lambda: None)
    if wanted:
        keep("wanted page", None)
        route, link = wanted
        st.switch_page(route.script, query_params=link or None)
