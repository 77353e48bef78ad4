"""ConvScope: see how convolutional networks work. Start it with `streamlit run app.py`."""

import streamlit as st

from pages.common.cache import warm
from pages.common.session import select
from pages.common.sidebar import choose
from pages.common.text import _

st.set_page_config(page_title="ConvScope", page_icon="🔬", layout="wide")

# Before any widget: on a server that has just been started, what is drawn before it loses its state at the first rerun.
page = st.navigation(
    {
        _("Look"): [
            st.Page(
                "pages/look/layers.py",
                title=_("What layers 1–5 respond to"),
                icon=":material/visibility:",
                default=True,
            ),
        ],
    }
)
with st.sidebar:
    select(choose())
page.run()
warm()
