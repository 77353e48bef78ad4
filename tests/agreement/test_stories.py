"""The stories of the networks against the facts of the registry: what they say has to be true of every form."""

import tomllib
from pathlib import Path

import pytest

from models import ARCHITECTURES
from models.architecture import Architecture
from pages.common.text import MARKS
from vis.cost.mobilenet import BY_BOTH, BY_SIDE, BY_WIDTH, MobileNet
from vis.figures.numbers import grouped, rewritten, written_with

PAGES = Path(__file__).parents[2] / "pages"
STORIES = {f.name: f.read_text(encoding="utf-8") for f in PAGES.rglob("*.md") if "." in f.stem}
SWITCHES = {  # by option of an architecture, what stands beside it on the page
    option.name: str(option.label) for entry in ARCHITECTURES.values() for option in entry.options.values()
}


def families() -> dict[str, list[Architecture]]:
    found: dict[str, list[Architecture]] = {}
    for entry in ARCHITECTURES.values():
        found.setdefault(entry.family, []).append(entry)
    return found


def printed_in(story: str, language: str, number: str | None) -> bool:
    """Whether a number stands in a story, written as its language does."""
    with written_with(MARKS[language]):
        return bool(number) and rewritten(number) in story


def told() -> list[tuple[str, str]]:
    return [(family, language) for family in families() for language in ("en", "vi")]


@pytest.mark.parametrize(("family", "language"), told())
def test_an_error_of_a_network_with_an_option_stands_beside_its_error_without(family, language):
    story = STORIES[f"{family}.{language}.md"]
    for entry in ARCHITECTURES.values():
        usual = entry.published.top1_error
        if usual and any(printed_in(story, language, p.top1_error) for p in entry.published_with.values()):
            assert printed_in(story, language, usual), f"{entry.title} has {usual} in its table"


@pytest.mark.parametrize(("family", "language"), told())
def test_a_switch_is_named_with_the_networks_that_have_it_unless_all_do(family, language):
    story, words = STORIES[f"{family}.{language}.md"], tomllib.loads((PAGES / "common/vi.toml").read_text("utf-8"))
    for option, label in SWITCHES.items():
        if f"“{words[label] if language == 'vi' else label}”" in story:
            having = [entry.title for entry in families()[family] if option in entry.options]
            assert having
            assert len(having) == len(families()[family]) or all(f"{title} " in story for title in having)


@pytest.mark.parametrize("language", ["en", "vi"])
def test_of_resnet_34_both_errors_are_told_with_their_shortcuts(language):
    """Table 3 of He et al. 2015: A 25.03 %, B 24.52 %, C 24.19 %."""
    entry = ARCHITECTURES["resnet34"]
    a, c = (entry.published_with[frozenset({("shortcut", kind)})].top1_error for kind in "AC")
    assert (a, entry.published.top1_error, c) == ("25.03 %", "24.52 %", "24.19 %")
    assert a in entry.published.remark
    for name, errors in (("resnet", (a, entry.published.top1_error, c)), ("plain", (a, entry.published.top1_error))):
        assert all(printed_in(STORIES[f"{name}.{language}.md"], language, error) for error in errors)


@pytest.mark.parametrize("language", ["en", "vi"])
def test_googlenets_own_error_stands_beside_that_of_the_ensemble(language):
    story = STORIES[f"googlenet.{language}.md"]
    assert ARCHITECTURES["googlenet"].published.top5_error == "10.07 %"
    assert printed_in(story, language, "10.07 %")
    assert printed_in(story, language, "6.67 %")


@pytest.mark.parametrize("language", ["en", "vi"])
def test_the_story_of_mobilenet_has_every_row_of_the_papers_tables(language):
    story = STORIES[f"mobilenet_v1.{language}.md"]
    printed = {(width, 224): row for width, row in BY_WIDTH.items()}
    printed |= {(1.0, side): row for side, row in BY_SIDE.items()} | BY_BOTH
    for (width, side), row in printed.items():
        numbers = f"| {width:g} | {side} | {row.accuracy} % | {row.macs} M | {row.params} M |"
        assert printed_in(story, language, numbers)
    assert printed_in(story, language, f"{grouped(round(MobileNet(separable=False).macs / 1e6))} M")
