"""ConvScope: see how convolutional networks work. Start it with `streamlit run app.py`."""

import streamlit as st

from pages.common import address, routes
from pages.common.cache import warm
from pages.common.chooser import choose, offer_link
from pages.common.components.arrival import arrival
from pages.common.learning import say_what_learns
from pages.common.presenting import offer_present
from pages.common.session import select
from pages.common.shown_files import keep_shown_files
from pages.common.text import choose_language, language, speak, spoken
from pages.common.uploads import limit_uploads

st.set_page_config(page_icon="🔬", layout="wide")  # first, or a page's own icon is fetched from the internet

speak()
# Before any widget: on a server that has just been started, what is drawn before it loses its state at the first rerun.
pages = {spoken(title): [route.page() for route in section] for title, section in routes.SECTIONS.items()}
page = st.navigation(pages, expanded=True)
st.set_page_config(page_title=f"{page.title} · ConvScope")
limit_uploads()
keep_shown_files()
with address.part():
    address.begin(page.url_path or routes.HOME.name)
    with st.sidebar:
        choose_language()
        arrival((known.url_path for section in pages.values() for known in section), page.url_path, language())
        with st.container(horizontal=True, gap="small"):
            offer_link()
            offer_present()
        say_what_learns(page.url_path)
    route = routes.named(page.url_path)
    if route.is_shown:
        select(choose(route.asks, route.opens_on))
        routes.follow()
        page.run()
    else:
        routes.say_not_shown(route)
warm()
