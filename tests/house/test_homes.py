"""What has one home, and what has none."""

import ast
import re
from pathlib import PurePosixPath

import pytest

from tests.house.source import HOUSE, ROOT, calls, files, is_within, mentions, modules, nodes

HOMES = {
    "streamlit.cache_data": (),  # what is remembered has one budget: pages/common/cache/memory.py
    "streamlit.cache_resource": (),
    "streamlit.session_state": ("pages/common/session.py", "pages/common/text.py"),
    "streamlit.query_params": ("pages/common/address.py", "pages/common/text.py"),
    "streamlit.switch_page": ("pages/common/routes.py",),
    "os.environ": (
        *("models/server.py", "models/device.py", "pages/common/__init__.py"),  # asked; set before anything computes
        *("models/decoding_apart.py", "models/statefile.py"),  # they hand it on to child processes
        "vis/top9/cluster.py",  # what Ray is told
        "vis/top9/engines.py",  # what torchrun says
    ),
    "os.getenv": (),
    "tempfile": ("models/temporary.py",),  # what goes another way stays when the process is killed
    "torch.cuda": ("models/device.py",),
    "torch.mps": ("models/device.py",),
    "torch.backends.cuda": ("models/device.py",),
    "torch.backends.cudnn": ("models/device.py",),
    "torch.backends.mps": ("models/device.py",),
    "torch.accelerator": ("models/device.py",),
    "matplotlib.pyplot": (),  # it keeps figures for the whole process; Figure objects do not
    "matplotlib.pylab": (),
}
HOLDS_LAYERS = re.compile(r"record|shapes|known")  # what a recording is called where it is made or passed on
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "misc", "manager", "managers", "handler", "handlers"}
OF_ONE_MACHINE = re.compile(r"(?<![\w./])(?:/(?:home|root|Users|work|mnt|media)/|[A-Z]:\\\\?Users\b)")
TEXTS = {".py", ".md", ".toml", ".json", ".js", ".css", ".html", ".txt", ".yml", ".yaml", ""}


ONLY_IN_COMMON = (  # what pages leave to pages/common: inputs, the address, files, watchers, what outlives a page
    *("segmented_control", "query_params", "download_button", "persist_state", "run_every"),
    *("switch_page", "csv"),
)
MOST_LINES_OF_THE_SESSION = 150


def away_from_home(path: str, tree: ast.AST) -> set[str]:
    """What the file at `path` uses though it lives elsewhere."""
    return {
        f"{path}:{line} uses {thing}, whose home is {' and '.join(homes) or 'nowhere'}"
        for line, name in mentions(tree)
        for thing, homes in HOMES.items()
        if is_within(name, thing) and path not in homes
    }


def catches_everything(tree: ast.AST) -> list[int]:
    """Lines of bare `except`, `except Exception` and `except BaseException`."""
    handlers = [node for node in nodes(tree) if isinstance(node, ast.ExceptHandler)]
    return [h.lineno for h in handlers if h.type is None or {"Exception", "BaseException"} & names_in(h.type)]


def names_in(tree: ast.AST) -> set[str]:
    return {node.id for node in nodes(tree) if isinstance(node, ast.Name)}


def kept_whole(tree: ast.AST) -> list[int]:
    """Lines that keep or hand on a caught error with its traceback, which holds all that its frames held."""
    caught = [(node, node.name) for node in nodes(tree) if isinstance(node, ast.ExceptHandler) and node.name]
    return [
        use.lineno
        for handler, name in caught
        for node in ast.walk(handler)
        for use in given_on(node)
        if isinstance(use, ast.Name) and use.id == name
    ]


def given_on(node: ast.AST) -> list[ast.expr]:
    """What an assignment, a `return`, a `yield`, or the addition to a collection gives on, tuples and lists opened."""
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.Return | ast.Yield):
        given = [node.value]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in {"append", "add"}:
        given = node.args
    else:
        return []
    return [part for value in given for part in (value.elts if isinstance(value, ast.Tuple | ast.List) else [value])]


def trusting_loads(tree: ast.AST) -> list[int]:
    """Lines of `torch.load` that would run the code of a file."""
    return [call.lineno for call, name in calls(tree) if name == "torch.load" and not says(call, "weights_only", True)]


def raw_html(tree: ast.AST) -> list[int]:
    """Lines on which Streamlit is allowed to show HTML as it comes."""
    flagged = (call for call, _ in calls(tree) if any(k.arg == "unsafe_allow_html" for k in call.keywords))
    return [call.lineno for call in flagged if not says(call, "unsafe_allow_html", False)]


def says(call: ast.Call, keyword: str, value: bool) -> bool:
    """Whether the call has this keyword with this literal value."""
    return any(k.arg == keyword and isinstance(k.value, ast.Constant) and k.value.value is value for k in call.keywords)


def values_of_layers(tree: ast.AST) -> list[int]:
    """Lines that take a layer's value as it stands, `recording.of(layer)`, in which rows may come before maps."""
    named = (call for call, name in calls(tree) if name.rpartition(".")[2] == "of" and len(call.args) == 1)
    return [call.lineno for call in named if HOLDS_LAYERS.search(ast.unparse(call.func.value))]


def says_nothing(path: str) -> bool:
    """Whether a file or one of its folders is named for nothing in particular: utils, data_helpers …"""
    names = (*PurePosixPath(path).parts[:-1], PurePosixPath(path).stem)
    return any(EMPTY_NAMES.intersection(name.lower().split("_")) for name in names)


def everywhere(rule) -> list[str]:
    """Where in the house a rule that gives lines finds some."""
    return [f"{path}:{line}" for path, tree in modules(*HOUSE).items() for line in rule(tree)]


def test_what_has_one_home_is_used_nowhere_else():
    assert not [use for path, tree in modules(*HOUSE).items() for use in away_from_home(path, tree)]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("pages/look/layers/page.py", "import streamlit as st\n@st.cache_data(max_entries=3)\ndef f(): ..."),
        ("pages/look/layers/page.py", "from streamlit import session_state as s"),
        ("pages/look/layers/page.py", "import streamlit as st\nst.query_params.get('layer')"),
        ("pages/common/session.py", "from streamlit import query_params"),
        ("pages/common/widgets.py", "import streamlit as st\nst.switch_page('a.py')"),
        ("models/statefile.py", "import tempfile\ntempfile.mkdtemp()"),
        ("pages/common/cache/top9.py", "from tempfile import TemporaryDirectory"),
        ("vis/trace.py", "import torch\nx = torch.cuda.OutOfMemoryError"),
        ("models/train.py", "from torch import cuda"),
        ("models/train.py", "import torch.backends.mps"),
        ("vis/figures/pictures.py", "import matplotlib.pyplot as plt"),
        ("vis/figures/pictures.py", "from matplotlib import pyplot"),
        ("vis/figures/pictures.py", "import matplotlib\nmatplotlib.pyplot.figure()"),
    ],
)
def test_a_use_away_from_home_is_found(path, code):
    assert away_from_home(path, ast.parse(code))


def test_a_use_at_home_is_let_be():
    assert not away_from_home("models/device.py", ast.parse("import torch\ntorch.cuda.is_available()"))
    assert not away_from_home("vis/rules.py", ast.parse("import torch\ntorch.nn.Linear"))


def test_nothing_catches_everything():
    assert not everywhere(catches_everything)


@pytest.mark.parametrize("caught", ["", "Exception", "(OSError, Exception)", "BaseException as error"])
def test_an_except_that_catches_everything_is_found(caught):
    assert catches_everything(ast.parse(f"try: ...\nexcept {caught}: ...")) == [2]
    assert not catches_everything(ast.parse("try: ...\nexcept (OSError, ValueError): ..."))


def done_by_hand(path: str, tree: ast.AST) -> list[str]:
    """What the file at `path`, of a page, does itself instead of leaving it to pages/common."""
    words = [(node.lineno, word) for node in nodes(tree) for word in words_of(node) if word in ONLY_IN_COMMON]
    return [f"{path}:{line} {word}" for line, word in words]


def words_of(node: ast.AST) -> list[str]:
    """The name of an attribute, of a function's keyword, or of what is imported."""
    if isinstance(node, ast.Attribute):
        return [node.attr]
    if isinstance(node, ast.Call):
        return [k.arg for k in node.keywords if k.arg in ("persist_state", "run_every")]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [name.name.partition(".")[0] for name in node.names]
    return []


def test_no_page_draws_keeps_links_or_hands_out_by_hand():
    pages = {path: tree for path, tree in modules("pages").items() if not path.startswith("pages/common/")}
    assert len(pages) > 40
    assert not [found for path, tree in pages.items() for found in done_by_hand(path, tree)]


@pytest.mark.parametrize(
    "code",
    [
        "import csv",
        "import streamlit as st\nst.segmented_control('a', [1])",
        "import streamlit as st\nst.query_params['a'] = 1",
        "import streamlit as st\nst.selectbox('a', [1], persist_state='session')",
        "import streamlit as st\n@st.fragment(run_every=1)\ndef f(): ...",
        "import streamlit as st\nst.switch_page('a.py', query_params={'a': '1'})",
        "from streamlit import query_params",
    ],
)
def test_what_a_page_does_by_hand_is_found(code):
    assert done_by_hand("pages/look/filters/page.py", ast.parse(code))


def test_what_pages_leave_to_common_is_used_there():
    """A word that nobody writes any more forbids nothing."""
    common = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "pages/common").rglob("*.py"))
    assert not [word for word in ONLY_IN_COMMON if not re.search(rf"\b{word}\b", common)]


def test_the_session_is_short_and_names_no_page():
    text = (ROOT / "pages/common/session.py").read_text(encoding="utf-8")
    names = [page.parent.name for page in (ROOT / "pages").glob("*/*/page.py")]
    assert len(text.splitlines()) <= MOST_LINES_OF_THE_SESSION
    assert names
    assert not [name for name in names if re.search(rf"\b{name}\b", text)]


def test_no_error_is_kept_with_its_traceback():
    kept = everywhere(kept_whole)
    at_home = [place for place in kept if place.startswith("models/picture_sets/")]  # Skipped.add keeps it alone
    assert kept == at_home


@pytest.mark.parametrize(
    "kept",
    [
        "self.a = e",
        "return e",
        "return None, e",
        "b[0] = 1, e",
        "l.append(e)",
        "l.append((1, e))",
        "a: E = e",
        "yield e",
    ],
)
def test_an_error_that_is_kept_is_found(kept):
    assert kept_whole(ast.parse(f"try: ...\nexcept E as e:\n    {kept}")) == [3]
    assert not kept_whole(ast.parse("try: ...\nexcept E as e:\n    a = e.alone(), str(e)\n    raise F() from e"))


def test_torch_loads_nothing_but_tensors():
    assert not everywhere(trusting_loads)


@pytest.mark.parametrize(
    "code",
    [
        "import torch\ntorch.load(f)",
        "import torch as t\nt.load(f, weights_only=False)",
        "from torch import load\nload(f)",
        "import torch\ntorch.load(f, weights_only=trust)",
    ],
)
def test_a_trusting_load_is_found(code):
    assert trusting_loads(ast.parse(code)) == [2]
    assert not trusting_loads(ast.parse("import torch\ntorch.load(f, weights_only=True)"))


def test_a_layers_value_is_taken_as_maps_and_not_as_it_stands():
    assert {line.partition(":")[0] for line in everywhere(values_of_layers)} == {"vis/maps.py"}


@pytest.mark.parametrize(
    "code",
    [
        "recording.of(layer).shape[1]",
        "record(model, image, [layer]).of(layer)[0]",
        "cache.shapes(built).of(name).shape",
    ],
)
def test_a_layers_value_as_it_stands_is_found(code):
    assert values_of_layers(ast.parse(code)) == [1]
    assert not values_of_layers(ast.parse("layer_maps(recording, layer); span.rows.of(row, height); nines.of(channel)"))


def test_no_page_shows_html_as_it_comes():
    assert not everywhere(raw_html)


@pytest.mark.parametrize("value", ["True", "1", "trusted"])
def test_raw_html_is_found(value):
    assert raw_html(ast.parse(f"st.markdown(text, unsafe_allow_html={value})")) == [1]
    assert not raw_html(ast.parse("st.markdown(text, unsafe_allow_html=False)"))


def test_every_file_is_named_for_what_is_in_it():
    assert not [f for f in files(*HOUSE, "tests") if says_nothing(f.relative_to(ROOT).as_posix())]


@pytest.mark.parametrize("path", ["vis/utils.py", "pages/common/data_helpers.py", "models/misc/a.py", "Manager.py"])
def test_a_name_that_says_nothing_is_found(path):
    assert says_nothing(path)
    assert not says_nothing("vis/futile.py")


def test_no_file_knows_a_path_of_one_machine():
    files = [f for top in (*HOUSE, "tests", "README.md", "requirements.txt", "pyproject.toml") for f in below(top)]
    assert not [f.relative_to(ROOT) for f in files if OF_ONE_MACHINE.search(f.read_text(encoding="utf-8"))]


def below(top: str) -> list:
    """The text files of the house at or below a top-level name."""
    files = [ROOT / top, *(ROOT / top).rglob("*")]
    return [f for f in files if f.is_file() and f.suffix in TEXTS and "__pycache__" not in f.parts]


@pytest.mark.parametrize("path", ["/" + "home/ann/data", "'/" + "work/main'", "C:" + "\\\\Users", "open(/" + "root/x)"])
def test_a_path_of_one_machine_is_found(path):
    assert OF_ONE_MACHINE.search(path)
    assert not OF_ONE_MACHINE.search("https://example.org/home/page")
