"""From a network's name to a network that can be looked into."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from models.architecture import Architecture
from models.device import chosen
from models.download import DownloadFailed, DownloadsOff, Progress, cached, checkpoints, fetched, home_of, sha256_of
from models.loaded import Loaded, Made
from models.naming import named, outline_of
from models.own_file import read_file, whose
from models.packaged import packaged, place_of
from models.refusals import Refused
from models.registry import ARCHITECTURES
from models.server import server
from models.skeletons import bare
from models.spellings import SPELLINGS
from models.statefile import printable
from models.trained import AS_USUAL, Trained
from models.weights import Card, Misfit, Weights, card, fit, shipped

_building = threading.Lock()  # random numbers belong to the process, not to a thread
RANDOM_SEED = 0  # so that a link to a network with random weights shows the same picture everywhere

State = Mapping[str, Tensor]
Found = tuple[State | None, Weights]  # no numbers where they are random


def load(
    name: str,
    weights: str | Path = "auto",
    device: str | torch.device | None = None,
    progress: Progress | None = None,
    file_name: str | None = None,
    state: str | None = None,
    trained: Trained = AS_USUAL,
    **options: object,
) -> Loaded:
    """The network `name` of `ARCHITECTURES` with its weights.

    Args:
        weights: "shipped" | "imagenet" (torchvision's, downloaded once) | "random" | the path of a file of one's own |
            "auto", the first of shipped, imagenet and random that there is.
        device: "cuda" | "mps" | "cpu"; the best there is unless given.
        progress: called with the bytes downloaded so far and in all; may raise to cancel.
        file_name: what the user calls the file that `weights` is the path of.
        state: the place in that file, where the network is there more than once, such as plain and averaged.
        trained: how the weights of that file were trained.
        options: the architecture's own, passed to its builder; such a network has no weights but random or one's own.

    Raises:
        SeveralStates: for a file that holds the network more than once, without `state`; it knows the places.
        Refused: for an unknown name or option, for weights that are not to be had, damaged, or another network's.
    """
    architecture, options = _chosen(name, options)
    where, refused = chosen(device), None
    if weights == "auto":
        weights, refused = ("random", None) if options else best_weights(name, progress)
    if source := _SOURCES.get(str(weights)):
        found = source(architecture, options, progress)
        return _opened(architecture, options, *found, where, refused, lambda: source(architecture, options, None)[0])
    path = Path(weights)
    if not path.is_file():
        raise Refused(
            "There are no weights “{weights}”; choose “auto”, “shipped”, “imagenet”, “random” or the path of a file.",
            weights=path,
        )
    given = read_file(architecture, options, path, printable(file_name or path.name), state)
    numbers = given.completed(lambda: _drawn(architecture, options))
    preprocess = trained.prepares(architecture.preprocess_of(options))
    about = replace(given.weights, categories=trained.classes or None)
    try:
        loaded = replace(_opened(architecture, options, numbers, about, where, None), preprocess=preprocess)
    except Misfit as misfit:
        raise whose(architecture, given, misfit) from misfit
    trained.check(loaded.model, len(preprocess.mean), preprocess.crop, where)
    return loaded


def checkpoint(name: str, epoch: int, device: str | torch.device | None = None) -> Loaded:
    """The network `name` with the weights that it had after this epoch of its training.

    Raises:
        Refused: for an epoch that did not ship.
    """
    architecture, _options = _chosen(name, {})
    return _opened(architecture, {}, *_shipped(architecture, {}, None, epoch), chosen(device), None)


def _opened(
    architecture: Architecture,
    options: Mapping[str, object],
    state: State | None,
    weights: Weights,
    device: torch.device,
    refused: Refused | None,
    again: Callable[[], State | None] | None = None,
) -> Loaded:
    """The network that holds `state`; without it, that of the random numbers, which are drawn when they are needed.

    Args:
        again: gives the state once more.
    """

    def made(state: State | None) -> nn.Module:
        model = _drawn(architecture, options) if state is None else fit(bare(architecture.build, options), state)
        for module in model.modules():
            if getattr(module, "inplace", False):
                module.inplace = False  # an in-place ReLU would overwrite the convolution's output that is to be shown
        return model.eval().requires_grad_(False).to(device)

    model = Made(lambda: made(state), again and (lambda: made(again())))
    if state is not None:
        model()  # what does not fit is refused now
    return Loaded(architecture, model, weights, architecture.preprocess_of(options), device, refused, options)


def _chosen(name: str, options: Mapping[str, object]) -> tuple[Architecture, dict[str, object]]:
    """The entry of that name, and its options.

    Raises:
        Refused: for an unknown name or option, or a value that an option cannot have.
    """
    if (architecture := ARCHITECTURES.get(name)) is None:
        raise Refused("There is no network “{name}”; choose one of {names}.", name=name, names=", ".join(ARCHITECTURES))
    if unknown := options.keys() - architecture.options.keys():
        raise Refused(
            "{network} has no option {unknown}; it has {options}.",
            network=architecture.title,
            unknown=", ".join(sorted(unknown)),
            options=", ".join(architecture.options),
        )
    return architecture, {option: architecture.options[option].checked(value) for option, value in options.items()}


def weights_here(name: str) -> str | None:
    """The trained weights of a network that are on this machine: "shipped" or "imagenet"; None where there are none."""
    if about := card(name):
        return None if _refusal_of(about) else "shipped"
    entry = ARCHITECTURES[name].torchvision_weights
    return "imagenet" if entry and cached(*_source(entry().url)) else None


def _refusal_of(about: Card) -> Refused | None:
    """Why weights that ship in a package cannot be had; None where they can, and of the app's own."""
    try:
        for each in about.files if about.package else ():
            packaged(about.package, each.file, each.sha256)
    except Refused as refused:
        return refused.alone()
    return None


def place_of_weights(name: str) -> str:
    """Where a network's trained weights are: "install", "package" if that is not installed, "disk", "internet" or
    "nowhere"; quickly, no file of weights is read.
    """
    entry = ARCHITECTURES[name].torchvision_weights
    if about := card(name):
        is_here = about.package is None or all(place_of(about.package, each.file) for each in about.files)
        return "install" if is_here else "package"
    if not entry:
        return "nowhere"
    # torchvision, which alone knows the file's whole name, takes a second to import.
    is_likely = any(checkpoints().glob(f"{name}[-_]*"))
    if is_likely and home_of(entry().url).is_file():
        return "disk"
    return "internet" if server().fetches_weights else "nowhere"


def best_weights(name: str, progress: Progress | None = None) -> tuple[str, Refused | None]:
    """What "auto" stands for: "shipped", "imagenet" or "random", the first that there is; and why it had to be random.

    torchvision's weights are fetched here if they are not there yet.
    """
    architecture = ARCHITECTURES[name]
    if here := weights_here(name):
        return here, None
    if about := card(name):
        return "random", _refusal_of(about)
    if not architecture.torchvision_weights:
        return "random", None
    try:
        _fetched(architecture, progress)
    except (DownloadFailed, DownloadsOff) as refused:
        return "random", refused.alone()
    return "imagenet", None


def _shipped(architecture: Architecture, options: dict, _: Progress | None, epoch: int | None = None) -> Found:
    found = shipped(architecture.name, epoch)
    if options or not found:
        raise Refused(
            "No weights ship for {network} with these options; choose “imagenet”, “random” or a file.",
            network=architecture.title,
        )
    state, about = found
    file = about.at(epoch)
    weights = Weights("shipped", Path(file.file).name, file.sha256, True, about.categories)
    if about.package:
        state = _by_own_names(architecture, state, weights.source)
    return state, weights


def _imagenet(architecture: Architecture, options: dict, progress: Progress | None) -> Found:
    if options or not architecture.torchvision_weights:
        raise Refused(
            "torchvision has no weights for {network} with these options; choose “random” or a file.",
            network=architecture.title,
        )
    entry, file = architecture.torchvision_weights(), _fetched(architecture, progress)
    weights = Weights("imagenet", str(entry), sha256_of(file), True, tuple(entry.meta["categories"]))
    state = torch.load(file, map_location="cpu", weights_only=True)  # verified, so it needs no child process
    return _by_own_names(architecture, state, weights.source), weights


def _by_own_names(architecture: Architecture, state: State, file: str) -> State:
    """The tensors of a file of others by the names that they have here."""
    outline = outline_of(bare(architecture.build, {}), SPELLINGS.get(architecture.family, ()))
    return named(outline, state, file).state


def _fetched(architecture: Architecture, progress: Progress | None) -> Path:
    source = _source(architecture.torchvision_weights().url)
    if not server().fetches_weights and not cached(*source):
        raise DownloadsOff(
            "This server downloads no weights, and it does not have those of {network}.", network=architecture.title
        )
    return fetched(*source, progress=progress)


def _source(url: str) -> tuple[str, str]:
    """The address of torchvision's file with the beginning of its sha256, in which its name ends."""
    return url, url.rsplit("-", 1)[1].removesuffix(".pth")


def _random(architecture: Architecture, options: dict, _: Progress | None) -> Found:
    source = f"seed {RANDOM_SEED}, torch {torch.__version__}"  # another version may draw other numbers
    return None, Weights("random", source, None, False, None)


def _drawn(architecture: Architecture, options: Mapping[str, object]) -> nn.Module:
    """The network with the random weights of RANDOM_SEED, whatever else is built; the global generator is kept."""
    with _building, torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(RANDOM_SEED)  # of the CPU alone, where networks are built
        return architecture.build(**options)


_SOURCES: dict[str, Callable[..., Found]] = {
    "shipped": _shipped,
    "imagenet": _imagenet,
    "random": _random,
}


def skeleton(name: str, **options: object) -> nn.Module:
    """The network in evaluation mode without its weights: everything has a shape, nothing has numbers or takes memory.

    Raises:
        Refused: for an unknown name or option.
    """
    architecture, options = _chosen(name, options)
    return bare(architecture.build, options)
