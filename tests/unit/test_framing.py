"""What is forgotten of the parts of a page when another page begins, and when they begin anew."""

from types import SimpleNamespace

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.fragment import MemoryFragmentStorage
from streamlit.runtime.scriptrunner import RerunData
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequests, ScriptRequestType

from pages.common import framing


@pytest.fixture
def requests(monkeypatch) -> ScriptRequests:
    """Of a page that is drawn."""
    found = ScriptRequests()
    found.request_rerun(RerunData(page_script_hash="new"))
    assert found.on_scriptrunner_ready().type == ScriptRequestType.RERUN
    context = SimpleNamespace(fragment_storage=MemoryFragmentStorage(), script_requests=found)
    monkeypatch.setattr(framing, "get_script_run_ctx", lambda: context)
    return found


def test_a_late_report_of_a_part_of_the_page_before_is_dropped(requests):
    requests.request_rerun(RerunData(page_script_hash="old", fragment_id="part"))
    framing.forget_parts()
    assert requests.on_scriptrunner_yield() is None
    assert requests.on_scriptrunner_ready().type == ScriptRequestType.STOP


def test_whoever_asks_for_a_page_meanwhile_gets_it(requests):
    requests.request_rerun(RerunData(page_script_hash="old", fragment_id="part"))
    requests.request_rerun(RerunData(page_script_hash="third"))
    framing.forget_parts()
    assert requests.on_scriptrunner_yield().rerun_data.page_script_hash == "third"


def test_reports_that_come_later_are_heard(requests):
    framing.forget_parts()
    requests.request_rerun(RerunData(page_script_hash="new", fragment_id="part"))
    assert requests.on_scriptrunner_ready().rerun_data.fragment_id_queue == ["part"]


def drawn(*path: int, part: str = "") -> ForwardMsg:
    """A text at a place, of a part or of the page itself."""
    message = ForwardMsg()
    message.metadata.delta_path[:] = path
    message.delta.fragment_id = part
    message.delta.new_element.text.body = "words"
    return message


def reference(*path: int) -> ForwardMsg:
    """What the browser has already."""
    message = ForwardMsg(ref_hash="known")
    message.metadata.delta_path[:] = path
    return message


def left(*messages: ForwardMsg, anew: str) -> list[tuple[int, ...]]:
    """The places of what is still sent after a part began anew."""
    queue = framing.WholeParts()
    for message in messages:
        queue.enqueue(message)
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=[anew])
    return [tuple(message.metadata.delta_path) for message in queue.flush()]


PAGE = [drawn(0, 0), drawn(0, 1), drawn(0, 1, 0, part="outer"), drawn(0, 1, 1, part="outer")]
INSIDE = [drawn(0, 1, 1, 0, part="inner"), drawn(0, 1, 1, 0, 2, part="innermost")]


def test_what_is_inside_a_part_that_begins_anew_goes_with_it():
    assert left(*PAGE, *INSIDE, drawn(0, 2), anew="outer") == [(0, 0), (0, 1), (0, 2)]


def test_what_is_around_a_part_that_begins_anew_stays():
    assert left(*PAGE, *INSIDE, anew="inner") == [(0, 0), (0, 1), (0, 1, 0), (0, 1, 1)]


def test_what_is_inside_a_part_stays_where_the_browser_has_its_place():
    assert left(*INSIDE, anew="outer") == [(0, 1, 1, 0), (0, 1, 1, 0, 2)]


def test_a_reference_after_what_goes_has_no_place_and_goes_too():
    assert left(*PAGE, reference(0, 1, 2), reference(0, 2), anew="outer") == [(0, 0), (0, 1), (0, 2)]


def test_a_reference_before_it_stays():
    message = drawn(0, 1, 1, part="outer")
    assert left(reference(0, 1, 0), message, reference(0, 1), anew="outer") == [(0, 1, 0), (0, 1)]


def test_all_is_dropped_before_the_whole_page_is_drawn():
    queue = framing.WholeParts()
    for message in [*PAGE, *INSIDE]:
        queue.enqueue(message)
    queue.clear(retain_lifecycle_msgs=True)
    assert queue.is_empty()
