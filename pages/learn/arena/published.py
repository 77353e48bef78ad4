"""What others report for CIFAR-10, beside what is reached here."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import streamlit as st

from models.options import Phrase
from pages.common.export import download, table
from pages.common.panels import numbers
from pages.common.text import _, spoken
from vis.cost.training import Entrant
from vis.figures.numbers import percent, rewritten, significant

SEEN, RECODED = 91.73, 80.0  # percent: akamaster's ResNet-20 on the original test pictures and on recoded ones


@dataclass(frozen=True)
class Report:
    """A number of somebody else's.

    Args:
        ours: the same network here.
        parameters, macs: in millions, as it is reported there.
    """

    network: str
    accuracy: float  # percent of the original test pictures
    source: str
    recipe: str
    parameters: float | None = None
    macs: float | None = None
    ours: str | None = None


PAPER, AKAMASTER, CHENYAOFO, KUANGLIU = "He et al. 2015", "akamaster", "chenyaofo", "kuangliu"
SOURCES = {
    PAPER: "arXiv 1512.03385",
    AKAMASTER: "github.com/akamaster/pytorch_resnet_cifar10",
    CHENYAOFO: "github.com/chenyaofo/pytorch-cifar-models",
    KUANGLIU: "github.com/kuangliu/pytorch-cifar",
}
STEPS = Phrase("64,000 batches of 128 (164 epochs)")
EPOCHS_200, EPOCHS_350 = Phrase("200 epochs"), Phrase("350 epochs")
WIDTHS = 152, 66, 66, 86, 82, 240, 128  # pixels, of the columns
REPORTS = (
    Report("ResNet-20", 91.25, PAPER, STEPS, 0.27, None, "cifar_resnet20"),
    Report("ResNet-20", 91.73, AKAMASTER, EPOCHS_200, 0.27, None, "cifar_resnet20"),
    Report("ResNet-20", 92.60, CHENYAOFO, EPOCHS_200, 0.27, 40.81, "cifar_resnet20"),
    Report("ResNet-32", 92.49, PAPER, STEPS, 0.46, None, "cifar_resnet32"),
    Report("ResNet-32", 92.63, AKAMASTER, EPOCHS_200, 0.46, None, "cifar_resnet32"),
    Report("ResNet-32", 93.53, CHENYAOFO, EPOCHS_200, None, 69.12, "cifar_resnet32"),
    Report("ResNet-56", 93.03, PAPER, STEPS, 0.85),
    Report("ResNet-56", 94.37, CHENYAOFO, EPOCHS_200, None, 125.75),
    Report("ResNet-110", 93.57, PAPER, STEPS, 1.7),
    Report("VGG-16 + batch norm", 94.16, CHENYAOFO, EPOCHS_200, 15.25, 313.73),
    Report("VGG-16", 92.64, KUANGLIU, EPOCHS_350),
    Report("DenseNet-121", 95.04, KUANGLIU, EPOCHS_350),
    Report("MobileNet V2 × 0.5", 92.88, CHENYAOFO, EPOCHS_200, None, 27.97),
    Report("ShuffleNet V2 × 0.5", 90.13, CHENYAOFO, EPOCHS_200, None, 10.90),
)


def published(entrants: Sequence[Entrant]) -> None:
    """Their numbers, ours beside them where the network is the same, and why the two differ."""
    st.header(_("Published accuracies"), anchor="published")
    here = {entrant.name: entrant.training for entrant in entrants}
    longest = max((len(training.log) for training in here.values()), default=0)
    st.markdown(
        _(
            "**Theirs, not ours**: other recipes, {least} epochs and more, on the original pictures. Ours "
            "have {epochs} epochs, on pictures that were coded as JPEG once more.",
            least=164,
            epochs=longest,
        )
    )
    reached = [percent(here[report.ours].top1 / 100, 2) if report.ours in here else "–" for report in REPORTS]
    columns = [_("network"), _("theirs"), _("ours"), _("parameters"), _("MACs"), _("their recipe"), _("source")]
    look = {name: st.column_config.Column(width=width) for name, width in zip(columns, WIDTHS, strict=True)}
    cells = [
        [
            report.network,
            percent(report.accuracy / 100, 2),
            ours,
            _millions(report.parameters),
            _millions(report.macs),
            spoken(report.recipe),
            report.source,
        ]
        for report, ours in zip(REPORTS, reached, strict=True)
    ]
    numbers(columns, cells, height="content", width="content", column_config=look)
    st.caption(" · ".join(f"{name}: {place}" for name, place in SOURCES.items()))
    st.caption(
        _(
            "How much recoding costs: akamaster's ResNet-20 is right on {seen} of the original test pictures, and on "
            "{recoded} of the recoded ones used here (every fifth one, measured here), for it saw none of these while "
            "it learnt.",
            seen=percent(SEEN / 100),
            recoded=percent(RECODED / 100),
        )
        + "  \n"
        + _(
            "Others report 58 to 73 % for LeNet-like and {low} to {high} for AlexNet-like networks, each by a recipe "
            "of its own. Records of speed: airbench94 reaches {first} with {little} and airbench96 {second} with "
            "{compute} on an A100.",
            low=percent(0.747),
            high=percent(0.772),
            first=percent(0.9401, 2),
            second=percent(0.96, 2),
            little=f"{significant(0.29)} PFLOP",
            compute=f"{significant(3.1)} PFLOP",
        )
    )
    rows = [
        asdict(report) | {"source": SOURCES[report.source], "ours": getattr(here.get(report.ours), "top1", None)}
        for report in REPORTS
    ]
    download(
        st, _("Published accuracies (CSV)"), lambda: table(rows), "convscope-cifar10-published.csv", "published csv"
    )


def _millions(number: float | None) -> str:
    return "–" if number is None else f"{rewritten(str(number))} M"
