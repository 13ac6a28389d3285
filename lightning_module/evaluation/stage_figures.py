"""The outcome of an evaluation step, and the names of a stage's figures."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from torch import Tensor

from datamodules.errors import InputError
from lightning_module.evaluation.nme import NMEReport
from lightning_module.evaluation.protocols import LANDMARKS_2D

Stage = Literal["val", "test"]


class StepOutput(NamedTuple):
    """The outcome of a validation or test step, for callbacks.

    Attributes:
        loss: Loss over the whole map; None if the texels of network and data are different points of the face.
        predicted_68_px: (N, 68, 3) landmarks in crop pixels.
        position_map: (N, 3, 256, 256) in crop pixels.
    """

    loss: Tensor | None
    predicted_68_px: Tensor
    position_map: Tensor


def figures_of(stage: Stage, reports: Mapping[str, NMEReport]) -> dict[str, float]:
    """Figures by name: <stage>/<protocol>/<mean, worst or bin> in percent, and <stage>/faces/<bin>.

    Figures of bins without faces are left out.

    Args:
        stage: The stage.
        reports: Errors by protocol; figures of bins without faces are left out.

    Raises:
        InputError: If the position maps of all faces hold numbers that are not finite.
    """
    if LANDMARKS_2D.name not in reports:
        raise InputError(
            "the network's position maps hold numbers that are not finite. Training has diverged: lower --model.lr, or "
            "look for a division by zero in --model.network."
        )
    counts = reports[LANDMARKS_2D.name].counts
    figures: dict[str, float] = {f"{stage}/faces/{name}": count for name, count in counts.items()}
    for protocol, report in reports.items():
        figures |= {f"{stage}/{protocol}/{name}": value for name, value in report.figures.items()}
    return {name: value for name, value in figures.items() if value == value}
