"""The turn that heavy work waits for."""

import atexit
import gc
import threading

import streamlit as st

from models.device import available, cores

# One heavy job per core, or one on a GPU: more at once would only make everybody wait longer and fill the memory.
turn = threading.BoundedSemaphore(1 if available()[0] != "cpu" else cores())


@st.cache_resource(show_spinner=False)
def warm() -> None:
    """Once per process: takes what start-up left behind out of the sight of the garbage collector, which Streamlit runs
    after every rerun while everybody waits.
    """
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)
