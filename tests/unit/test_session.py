"""What a session keeps."""

import pytest

from pages.common import session
from pages.common.session import keep_among, kept


@pytest.fixture(autouse=True)
def of_one_session(monkeypatch):
    monkeypatch.setattr(session.st, "session_state", {})


@pytest.mark.parametrize(("most", "left"), [(1, "c"), (2, "bc"), (3, "abc"), (9, "abc")])
def test_of_several_the_newest_are_kept(most, left):
    for key in "abc":
        keep_among("letters", key, key.upper(), most)
    assert kept("letters", dict) == {key: key.upper() for key in left}


def test_what_is_kept_anew_is_the_newest_and_drives_nothing_out():
    for key in "abab":
        keep_among("letters", key, key.upper(), 2)
    keep_among("letters", "a", "A", 2)
    keep_among("letters", "c", "C", 2)
    assert list(kept("letters", dict)) == ["a", "c"]


class Upload:
    """What an uploader gives: each run anew, and with the same `file_id`."""

    def __init__(self, file_id: str):
        self.file_id = file_id


def test_a_picture_that_was_given_elsewhere_takes_the_place_of_an_uploaders():
    state, sidebar = session.st.session_state, session.picture_uploader(session.PICTURE_FILE)
    state[sidebar] = Upload("a")
    session.take_picture(state[sidebar], session.PICTURE_FILE)
    assert session.own_picture().file_id == "a"
    assert session.picture_uploader(session.PICTURE_FILE) == sidebar  # it shows the name of what is in use

    page = session.picture_uploader(session.PICTURE_ON_PAGE)
    state[page] = Upload("b")
    session.take_picture(state[page], session.PICTURE_ON_PAGE)
    assert session.own_picture().file_id == "b"
    assert session.picture_uploader(session.PICTURE_FILE) != sidebar  # and never the name of what is not
    assert session.picture_uploader(session.PICTURE_ON_PAGE) == page


def test_without_a_picture_of_ones_own_all_uploaders_are_empty():
    state = session.st.session_state
    for uploader in (session.PICTURE_FILE, session.PICTURE_ON_PAGE):
        state[session.picture_uploader(uploader)] = Upload(uploader)
    session.take_picture(None)
    assert session.own_picture() is None
    assert not any(
        map(session.uploaded, map(session.picture_uploader, (session.PICTURE_FILE, session.PICTURE_ON_PAGE)))
    )
