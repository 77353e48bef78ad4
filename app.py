"""ConvScope: see how convolutional networks work. Start it with `streamlit run app.py`."""

import streamlit as st

from pages.common.cache import warm
from pages.common.components.arrival import arrival
from pages.common.session import arrive, select
from pages.common.sidebar import choose
from pages.common.text import _

st.set_page_config(page_title="ConvScope", page_icon="🔬", layout="wide")

# Before any widget: on a server that has just been started, what is drawn before it loses its state at the first rerun.
pages = {
    _("Start"): [
        st.Page("pages/start/home.py", title=_("Home"), icon=":material/home:", default=True),
    ],
    _("Look"): [
        st.Page("pages/look/layers.py", title=_("What layers 1–5 respond to"), icon=":material/visibility:"),
        st.Page("pages/look/filters.py", title=_("Filters"), icon=":material/blur_on:"),
        st.Page("pages/look/activations.py", title=_("Activations"), icon=":material/apps:"),
        st.Page("pages/look/top9.py", title=_("Top nine pictures"), icon=":material/view_comfy:"),
        st.Page("pages/look/architecture.py", title=_("The layer graph"), icon=":material/account_tree:"),
    ],
    _("Count"): [
        st.Page("pages/count/bottleneck.py", title=_("1×1 bottlenecks"), icon=":material/filter_alt:"),
        st.Page("pages/count/residual.py", title=_("Residual bottlenecks"), icon=":material/alt_route:"),
        st.Page("pages/count/separable.py", title=_("Separable convolutions"), icon=":material/layers:"),
        st.Page("pages/count/kernels.py", title=_("Small kernels, groups and gaps"), icon=":material/grid_4x4:"),
        st.Page("pages/count/mobilenet.py", title=_("MobileNet's multipliers"), icon=":material/tune:"),
        st.Page("pages/count/stack.py", title=_("A stack of your own"), icon=":material/stacks:"),
        st.Page("pages/count/milliseconds.py", title=_("MACs are not milliseconds"), icon=":material/timer:"),
    ],
}
page = st.navigation(pages, expanded=True)
arrive(page.url_path)
with st.sidebar:
    select(choose())
    arrival(known.url_path for section in pages.values() for known in section)
page.run()
warm()
