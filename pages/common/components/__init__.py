"""Our own Streamlit components: plain JavaScript beside the Python that mounts it."""
