"""The house as text and as syntax trees."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
HOUSE = ("app.py", "pages", "vis", "models")


@cache
def modules(*tops: str) -> dict[str, ast.Module]:
    """The syntax tree of every Python file below these top-level names, by its path such as "vis/trace.py"."""
    return {f.relative_to(ROOT).as_posix(): parsed(f) for f in files(*tops)}


def files(*tops: str) -> list[Path]:
    """Every Python file below these top-level names."""
    return [f for top in tops for f in ([ROOT / top] if top.endswith(".py") else sorted((ROOT / top).rglob("*.py")))]


@cache
def parsed(file: Path) -> ast.Module:
    """The syntax tree of a file, one for all who read it."""
    return ast.parse(file.read_text(encoding="utf-8"))


@cache
def nodes(tree: ast.AST) -> tuple[ast.AST, ...]:
    """All of a tree, in the order of `ast.walk`: every rule goes through all of the house."""
    return tuple(ast.walk(tree))


def imports(tree: ast.AST) -> Iterator[tuple[int, str, str]]:
    """Line, full name and name here of everything that is imported, at the top or inside a function."""
    for node in nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name, name.asname or "") for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = "." * node.level + (node.module or "")
            yield from ((node.lineno, f"{above}.{name.name}", name.asname or name.name) for name in node.names)


def mentions(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and full name of all that is imported, and of every a.b.c whose `a` was imported, under any name."""
    known = {}
    for line, name, here in imports(tree):
        yield line, name
        known |= {here: name} if here else {name.partition(".")[0]: name.partition(".")[0]}
    for node in nodes(tree):
        if isinstance(node, ast.Attribute) and (name := full_name(node, known)):
            yield node.lineno, name


@cache
def calls(tree: ast.AST) -> tuple[tuple[ast.Call, str], ...]:
    """Every call, and the full name of what is called; its name here where it was not imported."""
    known = {here: name for _, name, here in imports(tree) if here}
    found = (node for node in nodes(tree) if isinstance(node, ast.Call))
    return tuple((node, full_name(node.func, known) or ast.unparse(node.func)) for node in found)


def full_name(node: ast.expr, known: dict[str, str]) -> str | None:
    """`node` if it is an a.b.c whose `a` is known, with the full name of `a`."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.insert(0, node.attr)
        node = node.value
    return ".".join([known[node.id], *names]) if isinstance(node, ast.Name) and node.id in known else None


def is_within(name: str, prefix: str) -> bool:
    """Whether `name` is `prefix` or something in it: torch.cuda.is_available is in torch.cuda, torch.cudnn is not."""
    return f"{name}.".startswith(f"{prefix}.")
