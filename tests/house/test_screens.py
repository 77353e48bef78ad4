"""How numbers are written, pictures described and things called, on every screen."""

import ast
import re
import tomllib
from itertools import pairwise

import pytest

from tests.house.source import ROOT, calls, modules, nodes

NUMBERS = "vis/figures/numbers.py"  # the home of how numbers are written
COORDINATES = "vis/figures/graph_files.py"  # writes SVG, which knows only the point
OF_A_NUMBER = re.compile(r"(?!g$)[+,]?,?(\.\d*)?[efg%]|[+]?,d?|\.\d+|[+,.]?\.?\{.*\}[efg%]")
CHARTS = "pages/common/panels.py"
TOML = ROOT / "pages/common/vi.toml"
TEXTS = sorted((ROOT / "pages").rglob("*.vi.md"))
REJECTED = {  # in Vietnamese, what a thing is not called here, and what it is
    "nút cổ chai": "nút thắt",
    "pixel": "điểm ảnh",
    "max pooling": "gộp cực đại",
    "max-pooling": "gộp cực đại",
    "gộp lớn nhất": "gộp cực đại",
    "average pooling": "gộp trung bình",
    "pooling": "phép gộp",
    "hạt nhân": "bộ lọc",
    "kernel": "bộ lọc",
    "stride": "bước trượt",
    "padding": "đệm",
    "neuron": "nơ-ron",
    "nơron": "nơ-ron",
    "feature map": "bản đồ đặc trưng",
    "trường thụ cảm": "trường tiếp nhận",
    "kết nối tắt": "đường tắt",
    "skip connection": "đường tắt",
    "input": "đầu vào",
    "output": "đầu ra",
    "upload": "tải lên",
    "download": "tải xuống",
    "as in": "như",
}
FORMULA, TITLE, CODE, SLOT = r"\$[^$]+\$", r"(?<!\*)\*[^*]+\*(?!\*)", r"`[^`]*`|\w+\.\w+\(.*?\)", r"\{\w+[^}]*\}"
# Not numbers of a language: papers' numbers and sections, and names.
NAMES = r"arXiv [\d.]+|https?://\S+|\b(?:mục|sections?|Sections?) [\d., vàand]+|SqueezeNet 1\.[01]|MobileNet-\d+"
NAMES += r"|\b1\.0 (?=MobileNet)|(?:[Pp]hiên bản|[Vv]ersion) 1\.[01]"
MARKED = re.compile(r"(?<![\w.,])\d+(?:[.,]\d+)+(?!\w)")


def translations() -> dict[str, str]:
    return tomllib.loads(TOML.read_text(encoding="utf-8"))


# Numbers ---------------------------------------------------------------------------------------------------------


def written_by_hand(tree: ast.AST) -> list[int]:
    """Lines where an f-string writes a number for itself; ":g" is for names, of files and boxes."""
    return [
        node.lineno
        for node in nodes(tree)
        if isinstance(node, ast.FormattedValue)
        and node.format_spec
        and OF_A_NUMBER.fullmatch(ast.unparse(node.format_spec)[2:-1])
    ]


def test_numbers_on_the_screen_are_written_in_one_home():
    known = modules("pages", "vis/figures")
    assert len(known) > 60
    assert not [
        f"{path}:{line}"
        for path, tree in known.items()
        if path not in (NUMBERS, COORDINATES)
        for line in written_by_hand(tree)
    ]
    assert written_by_hand(known[NUMBERS])


@pytest.mark.parametrize("form", [":.3g", ":.1%", ":,", ":.0f", ":+.4g", ":,.2f", ":.{n}f", ":+.{n}f", ":.2", ":,d"])
def test_a_number_that_is_written_by_hand_is_found(form):
    assert written_by_hand(ast.parse(f'f"a {{x{form}}} b"')) == [1]


@pytest.mark.parametrize("form", ["", "!r", ":<5", ":>{n}", ":02", ":064x", ":g"])
def test_a_text_or_a_digit_is_let_be(form):
    assert not written_by_hand(ast.parse(f'f"a {{x{form}}} b"'))


def marked(text: str, swap: bool = False) -> list[str]:
    """The numbers of a text that have a point or a comma in them; with both exchanged, where `swap` is set."""
    found = MARKED.findall(re.sub(f"{FORMULA}|{CODE}|{NAMES}", " ", text))
    return sorted(number.translate(str.maketrans(",.", ".,")) if swap else number for number in found)


def test_a_text_has_the_same_numbers_in_both_languages_each_with_its_own_marks():
    assert sum(len(marked(path.read_text(encoding="utf-8"))) for path in TEXTS) > 150
    for path in TEXTS:
        english = path.with_name(path.name.replace(".vi.", ".en."))
        assert marked(path.read_text("utf-8"), swap=True) == marked(english.read_text("utf-8")), path.name


def test_a_phrase_has_the_same_numbers_in_both_languages_each_with_its_own_marks():
    phrases = translations()
    assert not {english for english, other in phrases.items() if marked(english) != marked(other, swap=True)}
    assert marked("1,024 of 25.03 %, at 1.0 MobileNet-224, $1.5$, v1.5, arXiv 1311.2901.") == ["1,024", "25.03"]


# Pictures --------------------------------------------------------------------------------------------------------


def silent(tree: ast.AST) -> list[int]:
    """Lines that draw a picture without saying to those who do not see it what it shows."""
    drawn = (call for call, _ in calls(tree) if isinstance(call.func, ast.Attribute))
    pictures = (call for call in drawn if call.func.attr in ("image", "plotly_chart"))
    return [call.lineno for call in pictures if "alt" not in {keyword.arg for keyword in call.keywords}]


def test_every_picture_and_chart_has_an_alternative_text():
    assert not [f"{path}:{line}" for path, tree in modules("pages").items() for line in silent(tree)]


def test_charts_are_drawn_in_one_home_where_their_numbers_get_the_marks_of_the_language():
    drawing = {
        path
        for path, tree in modules("pages", "app.py").items()
        for node in nodes(tree)
        if isinstance(node, ast.Attribute) and node.attr == "plotly_chart"
    }
    assert drawing == {CHARTS}


@pytest.mark.parametrize("code", ["st.image(a)", "left.image(a, width=3)", "st.plotly_chart(a, key='b')"])
def test_a_silent_picture_is_found(code):
    assert silent(ast.parse(code)) == [1]
    assert not silent(ast.parse("st.image(a, alt=b); st.plotly_chart(a, alt=b)"))


# Headings --------------------------------------------------------------------------------------------------------


def skipped(levels: list[int]) -> list[int]:
    """The levels of headings below a page's title that are more than one below the heading before."""
    return [level for before, level in pairwise([1, *levels]) if level > before + 1]


def test_the_parts_of_a_long_text_are_sections_of_its_page_and_no_level_is_skipped():
    texts = sorted((ROOT / "pages").rglob("texts/*.md"))
    levels = {path.name: [*map(len, re.findall(r"^(#+) ", path.read_text("utf-8"), re.M))] for path in texts}
    assert sum(map(len, levels.values())) > 150
    assert not {name: found for name, found in levels.items() if skipped(found) or 1 in found}
    assert skipped([2, 3, 4, 2, 3, 2]) == []
    assert skipped([3, 2, 4]) == [3, 4]


# Words -----------------------------------------------------------------------------------------------------------


def rejected(vietnamese: str) -> list[str]:
    """The words in it that are called otherwise here; titles of papers, code and formulas are let be."""
    said = re.sub(f"{FORMULA}|{CODE}|{SLOT}|{TITLE}|\\([^)]*\\)", " ", vietnamese)
    return [word for word in REJECTED if re.search(rf"(?<![\w-]){word}s?(?![\w-])", said, re.IGNORECASE)]


def test_a_thing_has_one_vietnamese_name():
    texts = {path.name: path.read_text(encoding="utf-8") for path in TEXTS} | translations()
    assert not {name: found for name, text in texts.items() if (found := rejected(text))}


def test_every_word_that_is_used_instead_is_used():
    everything = "\n".join([*translations().values(), *(path.read_text(encoding="utf-8") for path in TEXTS)]).lower()
    assert not [word for word in set(REJECTED.values()) if word not in everything]


@pytest.mark.parametrize(
    "words", ["Kích thước kernel", "128 pixels", "sau max pooling", "Nút cổ chai 1×1", "Upload ảnh"]
)
def test_a_rejected_word_is_found(words):
    assert rejected(words)
    assert not rejected("`kernel_size`, *Deep pixel networks*, {kernel}, bộ lọc $kernel$")
