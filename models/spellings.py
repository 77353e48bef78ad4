"""What others call the tensors of these networks: tables from the names here, which are mostly torchvision's."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

Rule = tuple[str, str | Callable[[re.Match], str]]


@dataclass(frozen=True)
class Spelling:
    """How somebody calls the tensors of a family of networks: the first rule that matches the beginning of a name."""

    whose: str
    rules: tuple[Rule, ...]
    pads_otherwise: bool = False  # some of theirs have the names, but not the padding, of those here

    def of(self, names: Iterable[str]) -> dict[str, str]:
        """Their names by those here."""
        return {name: self._of(name) for name in names}

    def _of(self, name: str) -> str:
        for pattern, theirs in self.rules:
            if match := re.match(pattern, name):
                return (match.expand(theirs) if isinstance(theirs, str) else theirs(match)) + name[match.end() :]
        return name


def _any_of(parts: Mapping[str, str]) -> str:
    return "|".join(map(re.escape, parts))


# Before torch 0.4 a module's name could have a dot, and torchvision's own files still have them: `norm.1`, `conv.2`.
DENSENET_OF_2017 = Spelling(
    "torchvision",
    ((r"(features\.denseblock\d+\.denselayer\d+\.(?:norm|conv))([12])\.", r"\1.\2."),),
)

# timm: https://github.com/huggingface/pytorch-image-models, timm/models/_efficientnet_blocks.py and convnext.py ------

SEPARABLE = {"0.0": "conv_dw", "0.1": "bn1", "1": "conv_pw", "2": "bn2"}
INVERTED = {"0.0": "conv_pw", "0.1": "bn1", "1.0": "conv_dw", "1.1": "bn2", "2": "conv_pwl", "3": "bn3"}
MOBILENET_V2_DEPTHS = (1, 2, 3, 4, 3, 3, 1)
# Of a block that is counted through the network here, its stage and its number there.
PLACES = dict(enumerate(((stage, i) for stage, depth in enumerate(MOBILENET_V2_DEPTHS) for i in range(depth)), 1))


def _block_of_mobilenet_v2(match: re.Match) -> str:
    stage, number = PLACES[int(match[1])]
    return f"blocks.{stage}.{number}.{(INVERTED if stage else SEPARABLE)[match[2]]}."


MOBILENET_V2_OF_TIMM = Spelling(
    "timm",
    (
        (r"features\.0\.0\.", "conv_stem."),
        (r"features\.0\.1\.", "bn1."),
        (r"features\.18\.0\.", "conv_head."),
        (r"features\.18\.1\.", "bn2."),
        (r"classifier\.1\.", "classifier."),
        (rf"features\.(1)\.conv\.({_any_of(SEPARABLE)})\.", _block_of_mobilenet_v2),
        (rf"features\.(\d+)\.conv\.({_any_of(INVERTED)})\.", _block_of_mobilenet_v2),
    ),
)

GATED_SEPARABLE = {
    **{"0.0": "conv_dw", "0.1": "bn1", "1.fc1": "se.conv_reduce", "1.fc2": "se.conv_expand"},
    **{"2.0": "conv_pw", "2.1": "bn2"},
}
GATED_INVERTED = {
    **{"0.0": "conv_pw", "0.1": "bn1", "1.0": "conv_dw", "1.1": "bn2"},
    **{"2.fc1": "se.conv_reduce", "2.fc2": "se.conv_expand", "3.0": "conv_pwl", "3.1": "bn3"},
}

EFFICIENTNET_OF_TIMM = Spelling(
    "timm",
    (
        (r"features\.0\.0\.", "conv_stem."),
        (r"features\.0\.1\.", "bn1."),
        (r"features\.8\.0\.", "conv_head."),
        (r"features\.8\.1\.", "bn2."),
        (r"classifier\.1\.", "classifier."),
        (
            rf"features\.1\.(\d+)\.block\.({_any_of(GATED_SEPARABLE)})\.",
            lambda match: f"blocks.0.{match[1]}.{GATED_SEPARABLE[match[2]]}.",
        ),
        (
            rf"features\.(\d)\.(\d+)\.block\.({_any_of(GATED_INVERTED)})\.",
            lambda match: f"blocks.{int(match[1]) - 1}.{match[2]}.{GATED_INVERTED[match[3]]}.",
        ),
    ),
    pads_otherwise=True,
)


def _convnext(
    stem: str, downsample: str, block: str, parts: Mapping[str, str], norm: str, head: str
) -> tuple[Rule, ...]:
    """Rules for ConvNeXt, whose stages stand at odd places here, and the layers between them at even ones."""
    return (
        (r"features\.0\.([01])\.", f"{stem}.\\1."),
        (r"features\.([246])\.([01])\.", lambda match: f"{downsample.format(int(match[1]) // 2)}.{match[2]}."),
        (
            rf"features\.([1357])\.(\d+)\.(?:block\.({_any_of(parts)})\.|layer_scale)",
            lambda match: (
                f"{block.format(int(match[1]) // 2, match[2])}.{parts[match[3]] + '.' if match[3] else 'gamma'}"
            ),
        ),
        (r"classifier\.0\.", f"{norm}."),
        (r"classifier\.2\.", f"{head}."),
    )


CONVNEXT_OF_TIMM = Spelling(
    "timm",
    _convnext(
        *("stem", "stages.{}.downsample", "stages.{}.blocks.{}"),
        {"0": "conv_dw", "2": "norm", "3": "mlp.fc1", "5": "mlp.fc2"},
        *("head.norm", "head.fc"),
    ),
)
# https://github.com/facebookresearch/ConvNeXt, models/convnext.py
CONVNEXT_OF_ITS_AUTHORS = Spelling(
    "facebookresearch/ConvNeXt",
    _convnext(
        *("downsample_layers.0", "downsample_layers.{}", "stages.{}.{}"),
        {"0": "dwconv", "2": "norm", "3": "pwconv1", "5": "pwconv2"},
        *("norm", "head"),
    ),
)

# https://github.com/lukemelas/EfficientNet-PyTorch: blocks are counted through the network ---------------------------

LITE_DEPTHS = (1, 2, 2, 3, 3, 4, 1)  # of stages 2 to 8
LITE_LAYERS = {"expand": "_expand_conv", "depthwise": "_depthwise_conv", "project": "_project_conv"}


def _block_of_lite(match: re.Match) -> str:
    number = sum(LITE_DEPTHS[: int(match[1]) - 2]) + int(match[2]) - 1
    return f"_blocks.{number}.{LITE_LAYERS.get(match[3], '_' + match[3])}."


EFFICIENTNET_OF_LUKEMELAS = Spelling(
    "lukemelas/EfficientNet-PyTorch",
    (
        (r"features\.stem\.conv\.", "_conv_stem."),
        (r"features\.stem\.bn\.", "_bn0."),
        (r"features\.head\.conv\.", "_conv_head."),
        (r"features\.head\.bn\.", "_bn1."),
        (r"classifier\.fc\.", "_fc."),
        (rf"features\.stage(\d)\.block(\d)\.({_any_of(LITE_LAYERS)}|bn[012])\.", _block_of_lite),
    ),
)

SPELLINGS: Mapping[str, tuple[Spelling, ...]] = MappingProxyType(  # by family
    {
        "densenet": (DENSENET_OF_2017,),
        "mobilenet_v2": (MOBILENET_V2_OF_TIMM,),
        "efficientnet": (EFFICIENTNET_OF_TIMM,),
        "efficientnet_lite": (EFFICIENTNET_OF_LUKEMELAS,),
        "convnext": (CONVNEXT_OF_TIMM, CONVNEXT_OF_ITS_AUTHORS),
    }
)
