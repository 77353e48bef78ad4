"""What a visitor sees: the only package that knows Streamlit."""
