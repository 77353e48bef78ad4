"""Runs benchmarks and writes what they print into RESULTS.md: `python -m tests.benchmarks.results [NAME …]`.

Every benchmark has a section: what it measures, its command, the date, the machine with its versions, and its tables.
Only the sections of the benchmarks that were run are replaced; a benchmark that fails leaves its section as it was.
Run it on a quiet machine: nothing else should be at work there.
"""

import argparse
import ast
import datetime
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

HERE = Path(__file__).parent
FILE = HERE / "RESULTS.md"
SHARED = {"__init__", "browser", "results", "timing"}  # modules that are no benchmarks
ELSEWHERE = {"soak": "tests.live.soak"}  # what is more a trial than a benchmark
BENCHMARKS = tuple(sorted([*ELSEWHERE, *(file.stem for file in HERE.glob("*.py") if file.stem not in SHARED)]))
TITLE = """# What was measured

Written by `python -m tests.benchmarks.results`; each section says when and on which machine. Times are medians, and
rivals are measured in turns in one process. “of the bar” is the part that was taken of what is allowed: at most 1 where
the bar holds.
"""


def module_of(name: str) -> str:
    return ELSEWHERE.get(name, f"tests.benchmarks.{name}")


def source_of(name: str) -> str:
    """The code of a benchmark."""
    return (HERE.parents[1] / f"{module_of(name).replace('.', '/')}.py").read_text("utf-8")


def about(name: str) -> str:
    """The first sentence of a benchmark, and what else its docstring says of what it measures, without the command."""
    said = ast.get_docstring(ast.parse(source_of(name))) or ""
    first, _, rest = said.partition("\n\n")
    return f"**{first.partition(':')[0]}.** {' '.join(rest.split())}".strip()


def section(name: str, printed: str, date: datetime.date, arguments: Sequence[str] = ()) -> str:
    """The section of a benchmark, from what it printed: the machine in the first line, and then tables.

    Raises:
        ValueError: if there is no table.
    """
    machine, _, tables = printed.strip().partition("\n")
    if not re.search(r"^\|(---\|)+$", tables, re.MULTILINE):
        raise ValueError(f"Benchmark {name!r} printed no table but {printed[-200:]!r}.")
    command = " ".join(["python -m", module_of(name), *arguments])
    return f"{about(name)}\n\n`{command}` · {date.isoformat()} · {machine}\n\n{tables.strip()}\n"


def sections_of(text: str) -> dict[str, str]:
    """The sections of RESULTS.md by the names of their benchmarks."""
    _, *parts = re.split(r"^## (\w+)\n+", text, flags=re.MULTILINE)
    return {name: body.strip() + "\n" for name, body in zip(parts[::2], parts[1::2], strict=True)}


def written(sections: Mapping[str, str]) -> str:
    """RESULTS.md with these sections, in the order of their names."""
    return "\n".join([TITLE, *(f"## {name}\n\n{body}" for name, body in sorted(sections.items()))])


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.results", description=__doc__.partition(":")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"by default all: {', '.join(BENCHMARKS)}")
    parser.add_argument("--short", action="store_true", help="the short form, to try the command; nothing is written")
    given = parser.parse_args(argv)
    if unknown := set(given.names) - {*BENCHMARKS}:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    failed = []
    for name in given.names or BENCHMARKS:
        arguments = ["--short"] if given.short else []
        command = [sys.executable, "-m", module_of(name), *arguments]
        print(f"{name} …", file=sys.stderr, flush=True)
        done = subprocess.run(command, cwd=HERE.parents[1], stdout=subprocess.PIPE, text=True, encoding="utf-8")
        if done.returncode:
            failed.append(name)
            continue
        new = section(name, done.stdout, datetime.datetime.now().astimezone().date(), arguments)
        if given.short:
            print(f"## {name}\n\n{new}")
        else:  # at once, so that what was measured is kept whatever comes
            FILE.write_text(written(sections_of(FILE.read_text("utf-8")) | {name: new}), "utf-8")
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
