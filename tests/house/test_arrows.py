"""What may know what: app → pages → vis → models, and never back."""

import ast
import shutil
import subprocess

import pytest

from tests.house.source import HOUSE, ROOT, calls, imports, is_within, modules

FORBIDDEN = {
    "models": ("app", "pages", "vis", "tests", "streamlit"),
    "vis": ("app", "pages", "tests", "streamlit"),
    "pages": ("app", "tests"),
    "app.py": ("tests",),
}
ROOMS = {"app.py", "pages", "vis", "models", "tests", "requirements.txt"}
OUTDOORS = {"README.md", "LICENSE", "pyproject.toml", ".gitignore", ".gitattributes", ".streamlit", ".ci", "deploy"}
PICTURES = (".png", ".jpg", ".webp", ".gif", ".svg")


def arrows_back(path: str, tree: ast.AST) -> list[str]:
    """Imports in the file at `path` that the house forbids there."""
    top = path.partition("/")[0]
    return [
        f"{path}:{line} imports {name}"
        for line, name, _ in imports(tree)
        for forbidden in FORBIDDEN[top]
        if is_within(name, forbidden)
    ]


def strangers(path: str, tree: ast.AST) -> list[str]:
    """Imports in the file of a page that are of another section, or of another page of its own."""
    section, page = (*path.split("/"), "")[1:3]
    found = []
    for line, name, _ in imports(tree):
        top, *inside = name.split(".")
        if top != "pages" or not inside or inside[0] == "common":
            continue
        of_page = len(inside) > 1 and (ROOT / "pages" / inside[0] / inside[1]).is_dir()
        if inside[0] != section or (of_page and inside[1] != page):
            found.append(f"{path}:{line} imports {name}")
    return found


def stray(path: str) -> bool:
    """Whether this file has no place at the top of the house; in docs/ there may be the README's pictures."""
    top = path.partition("/")[0]
    return top not in ROOMS | OUTDOORS and not (top == "docs" and path.endswith(PICTURES))


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    """The files that belong to the house, as git knows them."""
    if not (shutil.which("git") and (ROOT / ".git").exists()):
        pytest.skip("only a git checkout knows which files belong to the house")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return listed.stdout.splitlines()


def test_imports_go_from_app_to_pages_to_vis_to_models_and_never_back():
    found = [arrow for path, tree in modules(*HOUSE).items() for arrow in arrows_back(path, tree)]
    assert not found


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("models/zfnet.py", "import vis"),
        ("models/zfnet.py", "def f():\n    from pages.common import text"),
        ("models/zfnet.py", "import streamlit as st"),
        ("vis/trace.py", "from pages.common.text import _"),
        ("vis/trace.py", "from streamlit.components import v2"),
        ("pages/look/layers/unit.py", "from app import page"),
        ("app.py", "from tests.unit import pictures"),
    ],
)
def test_an_arrow_back_is_found(path, line):
    assert arrows_back(path, ast.parse(line))


@pytest.mark.parametrize(("path", "line"), [("vis/trace.py", "import models"), ("app.py", "import vistas, pages")])
def test_an_arrow_down_is_let_be(path, line):
    assert not arrows_back(path, ast.parse(line))


def test_a_page_knows_its_own_folder_its_section_and_what_is_common():
    assert not [found for path, tree in modules("pages").items() for found in strangers(path, tree)]


@pytest.mark.parametrize(
    ("path", "line", "is_found"),
    [
        ("pages/look/filters/page.py", "from pages.count.style import Style", True),
        ("pages/look/filters/page.py", "from pages.look.layers import takeaway", True),
        ("pages/common/words.py", "from pages.look.opened import Opened", True),
        ("pages/look/opened.py", "from pages.look.layers.unit import PLACE", True),
        ("pages/look/filters/page.py", "from pages.look.filters.matrix import matrix", False),
        ("pages/look/filters/page.py", "from pages.look.opened import Opened", False),
        ("pages/look/filters/page.py", "from pages.common import address", False),
    ],
)
def test_a_page_that_knows_another_one_is_found(path, line, is_found):
    assert bool(strangers(path, ast.parse(line))) is is_found


def test_every_page_has_a_route_and_every_route_a_page():
    (routes,) = modules("pages/common/routes.py").values()
    made = [call for call, name in calls(routes) if name == "Route"]
    names = {f"pages/{call.args[0].value}/{call.args[1].value}/page.py" for call in made}
    assert names == {p.relative_to(ROOT).as_posix() for p in (ROOT / "pages").glob("*/*/page.py")}


def test_the_six_rooms_are_there_and_nothing_else_stands_beside_them(tracked):
    assert {path.partition("/")[0] for path in tracked} >= ROOMS
    assert not [path for path in tracked if stray(path)]


@pytest.mark.parametrize("path", ["utils.py", "streamlit_app.py", "docs/notes.md", "Dockerfile", "configs/a.toml"])
def test_a_stray_file_is_found(path):
    assert stray(path)


def test_the_licence_stands_at_the_top_whole():
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License\n" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
    assert "](LICENSE)" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_only_folders_stand_directly_in_pages():
    assert [p.name for p in (ROOT / "pages").iterdir() if p.is_file()] == [
        "__init__.py"
    ]  # Streamlit runs what is there
