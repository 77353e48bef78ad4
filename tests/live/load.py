"""A class at a server: `python -m tests.live.load --page layers --visitors 50 --seconds 60`.

So many visitors come within their think time and then use the page as one does: another unit, another sample, another
network, other sliders. Each click is timed until the run that it caused has ended and what it drew is here, with the
pictures behind addresses. What each of them sees is compared with what a single visitor sees who opens a link to the
same on a fresh server.
"""

import argparse
import asyncio
import random
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from typing import Protocol
from urllib.parse import urlencode

from google.protobuf.message import Message

from models import ARCHITECTURES
from models.samples import samples_for
from pages.common.routes import GRAPH, LAYERS, named
from tests.benchmarks.timing import head, machine, of_bar, row
from tests.live.serving import serving
from tests.live.visitor import Failed, Visitor, data_of, digest, key_of

CLASS_SIZES = (1, 10, 50, 100, 200)
MOBILENET = named("mobilenet")
THINKING = 5.0  # seconds between two clicks, on average
SEED = 17
MOST_COMPARED = 30  # different states that are looked up by the single visitor, of each page and class
CHEAP = {1: 0.2, 10: 0.2, 50: 0.4}  # seconds in which 95 of 100 clicks are answered, by the size of a class
BARS = {LAYERS.name: {1: 0.3, 10: 0.5, 50: 1.5}, GRAPH.name: CHEAP, MOBILENET.name: CHEAP}
SMALL = ("zfnet_mini", "alexnet_mini", "lenet5")  # whose weights ship
SAMPLES = 6  # of those offered that are used: a class looks at what the teacher names
# Components that are no pictures: what they are given is about the browser, or how often something was pressed.
SILENT = {f"convscope.{name}" for name in ("arrival", "copy_link", "present", "steps", "reveal", "renewing", "drawer")}

State = dict[str, str]  # what a link to it says


# What is on the screen -----------------------------------------------------------------------------------------------


def seen(visitor: Visitor) -> dict[str, str]:
    """What a visitor sees: pictures, drawings, tables and words, each by its name as a digest."""
    found: dict[str, str] = {}
    for kind, element, _shown in visitor.elements():
        for name, content in _contents(visitor, kind, element):
            found[f"{name} {sum(known.startswith(name) for known in found)}"] = content
    return found


def _contents(visitor: Visitor, kind: str, element: Message) -> Iterable[tuple[str, str]]:
    match kind:
        case "imgs":
            for picture in element.imgs:
                yield f"image {picture.alt}", visitor.file(picture.url)
        case "bidi_component" if element.component_name not in SILENT:
            yield key_of(element.id), digest(_drawn(element))
        case "plotly_chart":
            yield "chart", digest(element.spec)
        case "table" | "dataframe":
            yield "table", digest(element.arrow_data.SerializeToString(deterministic=True))
        case "markdown" | "heading":
            yield "words", digest(element.body)


def _drawn(component: Message) -> str:
    """What a component draws: of sliders not what is sent for the next drag, which depends on the one before."""
    if component.component_name == "convscope.sliders":
        return repr({name: value for name, value in data_of(component).items() if name != "reach"})
    return component.json


# What visitors do ----------------------------------------------------------------------------------------------------


@dataclass
class Guest:
    """What one visitor has chosen on a page, beside what is on the screen.

    Args:
        chance: decides what they do.
    """

    visitor: Visitor
    chance: random.Random
    network: str = ""
    sample: dict[bool, str] = field(default_factory=dict)  # of networks that read digits, and of others
    more: State = field(default_factory=dict)

    async def choose_network(self, networks: Sequence[str]) -> None:
        self.network = self.chance.choice([name for name in networks if name != self.network])
        title = ARCHITECTURES[self.network].title
        offered = self.visitor.widget("network")[1].options
        await self.visitor.choose("network", next(words for words in offered if words.startswith(f"{title} (")))

    async def choose_sample(self) -> None:
        architecture = ARCHITECTURES[self.network]
        names = [sample.name for sample in samples_for(architecture)]
        known = self.sample.get(architecture.reads_digits, names[0])
        chosen = self.chance.choice([name for name in names[:SAMPLES] if name != known])
        self.sample[architecture.reads_digits] = chosen
        await self.visitor.report("samples", "clicked", names.index(chosen))

    async def choose_button(self, key: str, name: str, values: Mapping[str, str]) -> None:
        """Another one of some buttons.

        Args:
            name: in a link.
            values: what it says there, by what is on the button; the first one is as usual, and not said.
        """
        usual = next(iter(values.values()))
        chosen = self.chance.choice([words for words in values if values[words] != self.more.get(name, usual)])
        self.more[name] = values[chosen]
        await self.visitor.choose(key, chosen)

    def state(self, **more: str | None) -> State:
        """Where they are, as a link says it."""
        said = {"network": self.network} if self.network else {}
        if sample := self.network and self.sample.get(ARCHITECTURES[self.network].reads_digits):
            said["sample"] = sample
        return said | self.more | {name: text for name, text in more.items() if text is not None}


@dataclass(frozen=True)
class Page:
    """How a page is used.

    Args:
        steps: what visitors do on it, and how often, in parts of all.
        state: where they are then.
    """

    name: str
    network: str
    steps: Mapping[Callable[[Guest], Awaitable[None]], int]
    state: Callable[[Guest], State]

    async def click(self, guest: Guest) -> None:
        """Does one of the steps."""
        (step,) = guest.chance.choices([*self.steps], [*self.steps.values()])
        await step(guest)


# Layers: a tile is a unit, whose words begin with the number of its map.


async def _tile(guest: Guest) -> None:
    """Another unit: one of the tiles that are shown, or closes what is open."""
    sheets = [key for key in map(key_of, guest.visitor.ids()) if key.endswith(" saw")]
    sheet = guest.chance.choice(sheets)
    labels = guest.visitor.data(sheet)["labels"]
    number = guest.chance.randrange(len(labels))
    guest.more |= {"layer": sheet.removesuffix(" saw"), "map": _map_of(labels[number])}
    await guest.visitor.report(sheet, "clicked", number)


async def _strip(guest: Guest) -> None:
    """The strongest unit of a layer, in the strip."""
    tiles = guest.visitor.data("strip")["tiles"]
    number = guest.chance.randrange(len(tiles))
    guest.more |= {"layer": tiles[number]["title"].split()[-1], "map": _map_of(tiles[number]["note"])}
    await guest.visitor.report("strip", "clicked", number)


def _map_of(words: str) -> str:
    """The number of a feature map, from what a tile is called."""
    return next(word.strip(",") for word in words.split() if word.strip(",").isdigit())


async def _close(guest: Guest) -> None:
    """Closes what is open, or opens a unit."""
    if not guest.visitor.has("close"):
        return await _tile(guest)
    guest.more = {name: text for name, text in guest.more.items() if name not in ("layer", "map")}
    await guest.visitor.press("close")


async def _range(guest: Guest) -> None:
    await guest.choose_button("layers/range", "range", {"one per picture": "own", "one per layer": "shared"})


# The graph: what is open and what is selected is kept for each network.


async def _box(guest: Guest) -> None:
    """Opens or closes a block, or selects a box."""
    key = f"canvas left {guest.network}"
    boxes = guest.visitor.data(key)["boxes"]
    blocks = [id for id, state in zip(boxes["id"], boxes["state"], strict=True) if state]
    if blocks and guest.chance.random() < 0.5:
        block = guest.chance.choice(blocks)
        opened = set(filter(None, guest.more.get(f"open {guest.network}", "").split(","))) ^ {block}
        guest.more[f"open {guest.network}"] = ",".join(sorted(opened))
        await guest.visitor.report(key, "asked", {"kind": "toggle", "id": block})
    else:
        guest.more[f"node {guest.network}"] = box = guest.chance.choice(boxes["id"])
        await guest.visitor.report(key, "asked", {"kind": "select", "id": box})


def _graph_state(guest: Guest) -> State:
    own = {name: guest.more.get(f"{name} {guest.network}") for name in ("open", "node")}
    said = {"network": guest.network, "open_left": own["open"] or None, "node_left": own["node"]}
    sample = guest.sample.get(ARCHITECTURES[guest.network].reads_digits)
    return {name: text for name, text in (said | {"sample": sample}).items() if text is not None}


# MobileNet: sliders, and what is counted.

SLIDERS = {"width": (0, "g"), "resolution": (1, "d"), "classes": (2, "d")}


async def _slider(guest: Guest) -> None:
    """Moves one of the sliders."""
    key = "mobilenet/sliders/multipliers"
    data = guest.visitor.data(key)
    name = guest.chance.choice([*SLIDERS])
    number, written = SLIDERS[name]
    values = data["sliders"][number]["values"]
    places = list(data["places"])
    places[number] = guest.chance.randrange(len(values)) // 8 * 8
    guest.more[name] = format(values[places[number]], written)
    await guest.visitor.report(key, "moved", {"places": places, "rests": True, "moved": True, "near": number})


async def _bars(guest: Guest) -> None:
    await guest.choose_button("mobilenet/bars", "bars", {"MACs": "macs", "parameters": "params"})


async def _network(guest: Guest) -> None:
    await guest.choose_network(SMALL)


async def _graph_network(guest: Guest) -> None:
    await guest.choose_network((*SMALL, "resnet50", "googlenet"))


async def _sample(guest: Guest) -> None:
    await guest.choose_sample()


PAGES = {
    page.name: page
    for page in (
        Page(
            LAYERS.name,
            "zfnet_mini",
            {_tile: 45, _strip: 15, _sample: 15, _range: 10, _network: 10, _close: 5},
            Guest.state,
        ),
        Page(GRAPH.name, "zfnet_mini", {_box: 80, _graph_network: 15, _sample: 5}, _graph_state),
        Page(MOBILENET.name, "", {_slider: 90, _bars: 10}, Guest.state),
    )
}


# A class ----------------------------------------------------------------------------------------------------------


@dataclass
class Visit:
    """What one visitor met: a run each."""

    first: bool
    state: State
    seconds: float  # until the run had ended
    delivered: float  # until its pictures were there, too
    seen: dict[str, str]
    failure: str = ""


@dataclass
class Class:
    """What a class met at a page, and what it cost the server."""

    page: Page
    visitors: int
    visits: list[Visit]
    cpu: float  # seconds of the server's
    seconds: float

    @property
    def failures(self) -> list[Visit]:
        return [visit for visit in self.visits if visit.failure]

    def times(self, of: Callable[[Visit], float], is_first: bool = False) -> tuple[float, float]:
        """The median and the 95th percentile."""
        times = [of(visit) for visit in self.visits if visit.first == is_first and not visit.failure]
        if len(times) < 2:
            return (times[0], times[0]) if times else (float("nan"), float("nan"))
        parts = quantiles(times, n=20, method="inclusive")
        return parts[9], parts[18]


async def _visit(guest: Guest, page: Page, thinking: float, until: float, least: int, met: list[Visit]) -> None:
    """One visitor, from their arrival to the end."""
    began, clicks = time.monotonic(), 0
    try:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(guest.visitor)
            while True:
                ended = time.monotonic()
                await guest.visitor.fetch()
                delivered = time.monotonic()
                state = page.state(guest)
                met.append(Visit(not clicks, state, ended - began, delivered - began, seen(guest.visitor)))
                pause = thinking * guest.chance.uniform(0.5, 1.5)
                if time.monotonic() + pause > until and clicks >= least:
                    return
                await asyncio.sleep(pause)
                began, clicks = time.monotonic(), clicks + 1
                await page.click(guest)
    except Failed as failed:
        waited = time.monotonic() - began
        met.append(Visit(not clicks, page.state(guest), waited, waited, {}, str(failed)))


class Serves(Protocol):
    """A server, or several behind one address."""

    address: str

    def cpu(self) -> float:
        """Seconds of a core that they have worked."""


async def class_of(
    server: Serves,
    page: Page,
    visitors: int,
    seconds: float,
    *,
    thinking: float = THINKING,
    least: int = 0,
    seed: int = SEED,
    kinds: Sequence[type[Visitor]] = (Visitor,),
) -> Class:
    """What so many visitors meet at a page in so many seconds.

    Args:
        thinking: seconds between two clicks of one, on average; all come within that time.
        least: clicks of each, however long they take.
        kinds: of visitors, in turns.
    """
    met: list[Visit] = []
    began, cpu = time.monotonic(), server.cpu()

    async def comes(number: int) -> None:
        visitor = kinds[number % len(kinds)](f"{server.address}/{page.name}")
        guest = Guest(visitor, random.Random(f"{seed} {number}"), page.network)
        await asyncio.sleep(thinking * number / visitors)
        await _visit(guest, page, thinking, began + seconds, least, met)

    await asyncio.gather(*map(comes, range(visitors)))
    return Class(page, visitors, met, server.cpu() - cpu, time.monotonic() - began)


class Single:
    """A single visitor, who looks up what is to be seen: by a link, on a server where nobody else is."""

    def __init__(self, address: str):
        self.address = address
        self.known: dict[tuple[str, frozenset], dict[str, str]] = {}

    async def sees(self, page: Page, state: State) -> dict[str, str]:
        key = page.name, frozenset(state.items())
        if key not in self.known:
            async with Visitor(f"{self.address}/{page.name}?{urlencode(state)}") as visitor:
                await visitor.fetch()
                self.known[key] = seen(visitor)
        return self.known[key]

    async def wrong(self, met: Class, most: int = MOST_COMPARED) -> tuple[int, list[str]]:
        """How many runs of a class were compared, and what was not as the single visitor sees it.

        Args:
            most: different states that are looked up; those that most visitors met first.
        """
        states: dict[frozenset, list[Visit]] = {}
        for visit in met.visits:
            if not visit.failure:
                states.setdefault(frozenset(visit.state.items()), []).append(visit)
        found, compared = [], 0
        for visits in sorted(states.values(), key=len, reverse=True)[:most]:
            right = await self.sees(met.page, visits[0].state)
            compared += len(visits)
            for visit in visits:
                differ = sorted(name for name in right.keys() | visit.seen if right.get(name) != visit.seen.get(name))
                if differ:
                    found.append(f"{urlencode(visit.state)}: {', '.join(differ)}")
        return compared, found


# The command ---------------------------------------------------------------------------------------------------------

COLUMNS = (
    "page",
    "visitors",
    "clicks",
    "p50 s",
    "p95 s",
    "bar s",
    "of the bar",
    "with pictures p95 s",
    "first page p50 s",
    "first page p95 s",
    "server's CPU a rerun s",
    "failures",
    "wrong / compared",
)


async def measure(pages: Sequence[str], sizes: Sequence[int], seconds: float, most: int = MOST_COMPARED) -> bool:
    """Prints a table of how long classes wait at pages; whether nothing failed and nothing was wrong."""
    is_well = True
    head(*COLUMNS)
    with serving() as alone:
        single = Single(alone.address)
        for name in pages:
            page = PAGES[name]
            log = Path(tempfile.gettempdir(), f"convscope-load-{name}.log")
            with serving(keep=log) as server:
                await class_of(server, page, 1, 4 * THINKING)  # the page was visited before
                for size in sizes:
                    met = await class_of(server, page, size, seconds)
                    compared, wrong = await single.wrong(met, most)
                    is_well &= not (wrong or met.failures)
                    said = [visit.failure for visit in met.failures] + wrong
                    _row_of(met, compared, len(wrong))
                    for words in said[:5]:
                        print(f"<!-- {words} -->")
                    for words in server.tracebacks() if met.failures else ():
                        print(f"<!-- {log}:\n{words}\n-->")
    return is_well


def _row_of(met: Class, compared: int, wrong: int) -> None:
    runs, times = met.times(lambda visit: visit.seconds), met.times(lambda visit: visit.delivered)
    first = met.times(lambda visit: visit.delivered, is_first=True)
    clicks = sum(not visit.first for visit in met.visits)
    row(
        met.page.name,
        met.visitors,
        clicks,
        *(f"{seconds:.2f}" for seconds in runs),
        *(of_bar(runs[1], BARS[met.page.name][met.visitors]) if met.visitors in BARS[met.page.name] else ("–", "–")),
        *(f"{seconds:.2f}" for seconds in (times[1], *first)),
        f"{met.cpu / max(1, len(met.visits)):.3f}",
        len(met.failures),
        f"{wrong} / {compared}",
    )


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.live.load", description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--page", nargs="+", choices=PAGES, default=[*PAGES])
    parser.add_argument("--visitors", nargs="+", type=int, default=CLASS_SIZES)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--compared", type=int, default=MOST_COMPARED, help="different states that are looked up")
    given = parser.parse_args(argv)
    print(machine())
    return 0 if asyncio.run(measure(given.page, given.visitors, given.seconds, given.compared)) else 1


if __name__ == "__main__":
    raise SystemExit(main())
