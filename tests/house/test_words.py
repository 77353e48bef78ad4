"""Every word on the screen is there in both languages, and says the same."""

import ast
import re
import tomllib
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Formatter

import pytest

from models import ARCHITECTURES
from tests.house.source import ROOT, calls, modules, nodes

PAGES, BELOW = ("app.py", "pages"), ("vis", "models")
TRANSLATIONS = ROOT / "pages/common/vi.toml"
PROSE = sorted((ROOT / "pages").rglob("*.en.md")) + sorted((ROOT / "pages").rglob("*.vi.md"))


# What is said ----------------------------------------------------------------------------------------------------


def phrases(tree: ast.AST) -> Iterator[tuple[ast.Call, str | None]]:
    """Every call of `_()` or `Phrase()` with its phrase, or None where that is not written there."""
    for call, name in calls(tree):
        if name in ("pages.common.text._", "models.options.Phrase") and call.args:
            yield call, literal(call.args[0], {})


def templates(tree: ast.AST, kinds: set[str]) -> Iterator[tuple[ast.Call, str | None]]:
    """Every refusal with its template, or None where that is neither written there nor a constant of the file."""
    constants = {name: value.value for name, value in assignments(tree) if isinstance(value, ast.Constant)}
    for call, name in calls(tree):
        if name.rpartition(".")[2] in kinds and call.args:
            yield call, literal(call.args[0], constants)


def literal(node: ast.expr, constants: dict[str, object]) -> str | None:
    value = constants.get(node.id) if isinstance(node, ast.Name) else getattr(node, "value", None)
    return value if isinstance(value, str) else None


def assignments(tree: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Names and values of what is assigned, everywhere in the tree."""
    for node in nodes(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                yield ast.unparse(target), node.value


@cache
def refusals() -> set[str]:
    """The classes of refusals and remarks: Sentence and all that derive from it."""
    trees = modules(*PAGES, *BELOW)
    parents = {
        node.name: {ast.unparse(base).rpartition(".")[2] for base in node.bases}
        for tree in trees.values()
        for node in nodes(tree)
        if isinstance(node, ast.ClassDef)
    }
    found = {"Sentence"}
    while more := {name for name, bases in parents.items() if bases & found} - found:
        found |= more
    return found


# What is said by way of a table: the expression that says it, and the words it may stand for ------------------------


def strings_of(path: str, name: str) -> set[str]:
    """The text in what the file at `path` assigns to `name`; of a dict only the values are said."""
    (tree,) = modules(path).values()
    values = [value for target, value in assignments(tree) if target == name]
    said = [part for value in values for part in (value.values if isinstance(value, ast.Dict) else [value])]
    return {
        n.value for part in said for n in ast.walk(part) if isinstance(n, ast.Constant) and isinstance(n.value, str)
    }


def rule_texts() -> tuple[set[str], set[str]]:
    """The words for the steps of the way down, and what is assumed where the paper defines nothing."""
    (rules,) = modules("vis/rules.py").values()
    made = [call.args for call, name in calls(rules) if name == "Rule"]
    steps = {args[0].value for args in made}
    named = {args[2].values[1].value for args in made if len(args) > 2 and isinstance(args[2], ast.JoinedStr)}
    activations = [call.args[0].value for call, name in calls(rules) if name == "_like_relu"]
    assumed = {args[2].value for args in made if len(args) > 2 and isinstance(args[2], ast.Constant)}
    return steps | {"seed"}, assumed | {f"{name}{ending}" for name in activations for ending in named}


def differences() -> set[str]:
    """How the networks of the registry differ from their papers."""
    return {entry.differs for entry in ARCHITECTURES.values()} - {""}


def fidelities() -> list[tuple[str, str]]:
    """Every fidelity that is written in vis/deconvnet.py, as its word and its reason."""
    texts = {text.partition(": ") for text in strings_of("vis/deconvnet.py", "fidelity") if text[0].isalpha()}
    return [(kind, why) for kind, _, why in texts]


def said_by_way_of() -> dict[tuple[str, str], set[str]]:
    """By file and expression."""
    steps, assumed = rule_texts()
    return {
        ("pages/look/architecture/facts.py", "architecture.differs"): differences(),
        ("pages/look/architecture/facts.py", "printed.remark"): {
            printed.remark
            for entry in ARCHITECTURES.values()
            for printed in (entry.published, *entry.published_with.values())
            if printed.remark
        },
        ("pages/look/layers/page.py", "loaded.architecture.differs"): differences(),
        ("pages/learn/arena/closely.py", "architecture.differs"): differences(),
        ("pages/look/layers/unit.py", "step.step"): steps,
        ("pages/common/words.py", "kind"): {kind for kind, _ in fidelities()},
        ("pages/common/words.py", "part"): {why for _, why in fidelities() if why} | assumed,
        ("models/decoding.py", "sentence"): strings_of("models/decoding.py", "OTHER_KINDS"),
        ("models/decoding_apart.py", "template"): set(),  # passes on what a child process refused
        ("models/statefile.py", "template"): set(),  # likewise
        ("vis/trace/agreement.py", "template"): set(),  # says again what was refused before
        ("vis/trace/tracing.py", "template"): set(),  # likewise
        ("vis/top9/files.py", "template"): set(),  # gives back what was refused when a result was made
    }


def said_in_passing() -> Iterator[tuple[str, int, str]]:
    """Path, line and expression of what is said without being written there."""
    for path, call, phrase in everything_said():
        if phrase is None:
            yield path, call.lineno, ast.unparse(call.args[0])


@cache
def everything_said() -> list[tuple[str, ast.Call, str | None]]:
    """Path, call and phrase of all that is said on pages and by refusals."""
    return [
        (path, call, phrase)
        for path, tree in modules(*PAGES, *BELOW).items()
        for call, phrase in [*phrases(tree), *templates(tree, refusals())]
    ]


def needed() -> set[str]:
    """All that needs a translation."""
    written = {phrase for _, _, phrase in everything_said() if phrase is not None}
    return written.union(*said_by_way_of().values())


def translations() -> dict[str, str]:
    return tomllib.loads(TRANSLATIONS.read_text(encoding="utf-8"))


def placeholders(phrase: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(phrase) if name is not None}


# Phrases ---------------------------------------------------------------------------------------------------------


def test_every_phrase_is_written_where_it_is_said_or_stands_in_a_known_table():
    unknown = [
        f"{path}:{line} {said}" for path, line, said in said_in_passing() if (path, said) not in said_by_way_of()
    ]
    assert not unknown, "write the phrase inside _(…), or add its table to said_by_way_of()"


def test_every_known_table_is_said_and_has_words():
    assert not said_by_way_of().keys() - {(path, said) for path, _, said in said_in_passing()}
    assert {said for (_, said), words in said_by_way_of().items() if not words} == {"template"}


def test_every_phrase_has_its_vietnamese():
    assert not sorted(needed() - translations().keys())


def test_every_vietnamese_phrase_is_still_said():
    assert not sorted(translations().keys() - needed())


def test_a_translation_has_the_placeholders_of_the_english():
    assert not {
        english: placeholders(english) ^ placeholders(vietnamese)
        for english, vietnamese in translations().items()
        if placeholders(english) != placeholders(vietnamese)
    }


def test_every_placeholder_is_given_its_value_and_every_value_has_a_place():
    assert not [
        f"{path}:{call.lineno} {odd}"
        for path, call, phrase in everything_said()
        if phrase is not None and (odd := unmatched(call, phrase))
    ]


def unmatched(call: ast.Call, phrase: str) -> set[str]:
    """Placeholders without a value, and values without a placeholder; a phrase without any values is left as it is."""
    given = {keyword.arg for keyword in call.keywords}
    return placeholders(phrase) ^ given if given or ast.unparse(call.func) not in ("_", "Phrase") else set()


# Long texts ------------------------------------------------------------------------------------------------------


def other_language(path: Path) -> Path:
    other = {"en": "vi", "vi": "en"}
    name, language, _ = path.name.rsplit(".", 2)
    return path.with_name(f"{name}.{other[language]}.md")


def outline(text: str) -> list[str]:
    """What kind of paragraph follows which: the level of a heading, a list and its length, a table and its rows."""
    kinds = []
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        lines = paragraph.splitlines()
        if heading := re.match(r"#+(?= )", paragraph):
            kinds.append(heading[0])
        elif paragraph.startswith(("|", "* ", "- ", "1. ")):
            kinds.append(
                f"{paragraph[0]} {sum(line.startswith(('|', '* ', '- ')) or line[0].isdigit() for line in lines)}"
            )
        else:
            kinds.append("text")
    return kinds


def exact_parts(text: str) -> list[str]:
    """What is the same in every language: formulas, links, numbers of papers."""
    return sorted(re.findall(r"\$[^$]+\$|https?://[^\s)>]+|\b\d{4}\.\d{4,5}\b", text))


@pytest.mark.parametrize("path", PROSE, ids=lambda path: path.name)
def test_a_long_text_is_there_in_both_languages_and_has_the_same_parts(path):
    text, other = path.read_text(encoding="utf-8"), other_language(path).read_text(encoding="utf-8")
    assert outline(text) == outline(other)
    assert exact_parts(text) == exact_parts(other)
    assert text.count("**") == other.count("**")


@pytest.mark.parametrize("path", PROSE, ids=lambda path: path.name)
def test_a_long_text_says_something_and_holds_no_html(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.split()) > 20
    assert not re.findall(r"</?[a-zA-Z][^>]*>|&[a-z]+;", text)


@pytest.mark.parametrize("path", [TRANSLATIONS, *PROSE], ids=lambda path: path.name)
def test_vietnamese_letters_are_composed(path):
    """A letter and its marks are one character: fonts and searches break on loose marks."""
    assert unicodedata.is_normalized("NFC", path.read_text(encoding="utf-8"))


# The rules themselves --------------------------------------------------------------------------------------------


def test_phrases_and_templates_are_found():
    page = ast.parse("from pages.common.text import _\n_('a {b}', b=1), _(TABLE[c]), other('d')")
    assert [phrase for _, phrase in phrases(page)] == ["a {b}", None]
    refused = ast.parse("SAID = 'a'\nraise WeightsRefused(SAID)\nraise Refused('b' 'c', d=1)\nraise NoRule(sentence)")
    assert {phrase for _, phrase in templates(refused, refusals())} == {"a", "bc", None}
    assert {"WeightsRefused", "DownloadFailed", "NoRule", "Remark"} <= refusals()


def test_a_missing_part_of_a_text_is_found():
    assert outline("# A\n\nb\n\n* c\n* d") == ["#", "text", "* 2"]
    assert outline("# A\n\nb\n\n* c") != outline("# A\n\nb\n\n* c\n* d") != outline("## A\n\nb\n\n* c\n* d")
    assert exact_parts("as $x^2$ in arXiv 1311.2901") == ["$x^2$", "1311.2901"]


def test_a_missing_placeholder_is_found():
    assert placeholders("{a} of {b:.1f}") == {"a", "b"} != placeholders("{a}")
    call = ast.parse("_('{a} {b}', a=1, c=2)", mode="eval").body
    assert unmatched(call, "{a} {b}") == {"b", "c"}
