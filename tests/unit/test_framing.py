"""What is forgotten of the parts of a page when another one begins."""

from types import SimpleNamespace

import pytest
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
