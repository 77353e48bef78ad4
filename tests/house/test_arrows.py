"""What may know what: app → pages → vis → models, and never back."""

import ast
import shutil
import subprocess

import pytest

from tests.house.source import HOUSE, ROOT, imports, is_within, modules

FORBIDDEN = {
    "models": ("app", "pages", "vis", "tests", "streamlit"),
    "vis": ("app", "pages", "tests", "streamlit"),
    "pages": ("app", "tests"),
    "app.py": ("tests",),
}
ROOMS = {"app.py", "pages", "vis", "models", "tests", "requirements.txt"}
OUTDOORS = {"README.md", "LICENSE", "pyproject.toml", ".gitignore", ".gitattributes", ".streamlit", ".ci"}
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


def test_the_six_rooms_are_there_and_nothing_else_stands_beside_them(tracked):
    assert {path.partition("/")[0] for path in tracked} >= ROOMS
    assert not [path for path in tracked if stray(path)]


@pytest.mark.parametrize("path", ["utils.py", "streamlit_app.py", "docs/notes.md", "Dockerfile", "configs/a.toml"])
def test_a_stray_file_is_found(path):
    assert stray(path)


def test_only_folders_stand_directly_in_pages():
    assert [p.name for p in (ROOT / "pages").iterdir() if p.is_file()] == [
        "__init__.py"
    ]  # Streamlit runs what is there
