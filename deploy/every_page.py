"""Every page, once, without a browser: no image is made when one breaks, and what they import lies in it compiled."""

import sys
from pathlib import Path

from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

APP = Path(__file__).parents[1] / "app.py"
sys.path.insert(0, str(APP.parent))

from pages.common.routes import HOME, SECTIONS  # noqa: E402

for route in (route for section in SECTIONS.values() for route in section):
    app = AppTest.from_file(str(APP), default_timeout=600)
    app._page_hash = calc_hash("" if route == HOME else route.name)
    app.run()
    if app.exception or not app.title:
        sys.exit(f"{route.script} breaks: {[each.message for each in app.exception]}")
    print(route.script, flush=True)
