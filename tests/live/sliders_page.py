"""A page of nothing but live sliders, for test_sliders.py. `?slow=0.5` delays every answer by that many seconds."""

import time

import streamlit as st

from pages.common.components.sliders import Report, Slider, live_sliders

WIDTHS = [round(0.05 * i, 2) for i in range(1, 41)]
SLIDERS = [
    Slider("width", "Width α <b>bold</b>", WIDTHS, (0.25, 0.5, 0.75, 1.0), digits=2),
    Slider("side", "Resolution", range(32, 321), (128, 160, 192, 224)),
]
chosen = st.session_state.setdefault("chosen", {"width": 1.0, "side": 224})


@st.fragment
def calculator() -> None:
    def moved(report: Report) -> None:
        st.session_state.chosen = report.values or st.session_state.chosen
        st.session_state.held = not report.rests
        st.session_state.answers = st.session_state.get("answers", 0) + 1

    live_sliders(SLIDERS, st.session_state.chosen, "calculator", on_change=moved)
    time.sleep(float(st.query_params.get("slow", 0)))
    now = st.session_state.chosen
    st.markdown(f"width `{now['width']}`, side `{now['side']}`, answers `{st.session_state.get('answers', 0)}`")
    st.markdown("held" if st.session_state.get("held") else "at rest")
    if st.button("Preset"):
        st.session_state.chosen = {"width": 0.5, "side": 160}
        st.rerun(scope="fragment")


calculator()
