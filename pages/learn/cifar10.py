"""Where CIFAR-10 is, for the pages that ask for its pictures."""

import streamlit as st

from pages.common.asking import key_of
from pages.common.routes import TOP9, go
from pages.common.session import set_to
from pages.common.text import _


def say_where_to_get_it(what_for: str) -> None:
    """A sentence that begins with what the pictures are for, and a button that leads to who downloads them."""
    how = _("The page “Top nine pictures” downloads them, if you ask for it (170 MB).")
    st.info(f"{what_for} {how}", icon=":material/image_not_supported:")
    st.button(_("Go there"), icon=":material/view_comfy:", key="to the data set", on_click=_go_there)


def _go_there() -> None:
    set_to(key_of("set", page=TOP9.name), "dataset")
    go(TOP9)
