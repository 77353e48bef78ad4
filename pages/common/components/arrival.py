"""What the frame of every page needs from the browser: a language, room for the page, a short history, a welcome."""

from collections.abc import Iterable

from pages.common.components import component
from pages.common.routes import ACTIVATIONS, ATTRIBUTION, FILTERS, GRAPH, LAYERS, OCCLUSION, TOP9
from pages.common.text import _

PLACES = {  # by page, what in an address makes it a place to come back to: the first of these of which it has all
    LAYERS.name: [("layer", "map")],
    FILTERS.name: [("layer", "filter"), ("layer", "output", "input")],
    ACTIVATIONS.name: [("layer", "map")],
    TOP9.name: [("layer", "nine")],
    GRAPH.name: [("node_left", "node_right"), ("node_left",), ("node_right",)],
    ATTRIBUTION.name: [("target", "closely"), ("closely",), ("target",)],
    OCCLUSION.name: [("at",)],
}

_arrival = component("arrival", isolate_styles=False)  # its style is for the whole document


def arrival(pages: Iterable[str], page: str, language: str) -> None:
    """Says which language the document is in, lets the page begin higher than Streamlit does, closes the message that
    a page was not found where it was, keeps the browser's history short, draws the page anew in another theme or
    where Streamlit has lost it, and writes on fields for files in the page's language what Streamlit writes in English.

    Until `st.navigation` has run once in the process, Streamlit knows of no pages but those directly in `pages/`, and
    tells the first visitor so, before it runs the very page that was asked for.

    Streamlit adds an entry to the history whenever the address changes: two for a page, one for every choice on it.
    Here a page is one, and where Back can bring back what was open on it, that is one.

    Args:
        pages: the addresses of all pages, without a slash.
        page: the address of this one.
        language: as in `<html lang>`.
    """
    on_uploaders = {
        "Remove": _("Remove"),
        "Add files": _("Add files"),
        "file upload": _("file upload"),
        "Drag and drop a file here": _("Drag and drop a file here"),
        "Upload": _("Upload"),
        "per file": _("per file"),
    }
    data = {"pages": list(pages), "page": page, "language": language, "places": PLACES, "uploaders": on_uploaders}
    _arrival(key="arrival", data=data, height=1, on_theme_change=lambda: None, on_lost_change=lambda: None)
