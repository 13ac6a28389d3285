"""The outcome of an evaluation step, and the names of a stage's figures."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from torch import Tensor

from datamodules.errors import DivergedError
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
        DivergedError: If position maps hold numbers that are not finite, or too large for a figure.
    """
    landmarks = reports.get(LANDMARKS_2D.name)
    is_finite = landmarks is not None and landmarks.per_face.isfinite().all()
    if landmarks is None or not is_finite or any(report.per_face.isinf().any() for report in reports.values()):
        raise DivergedError("the network's position maps hold numbers that are not finite.")
    counts = landmarks.counts
    figures: dict[str, float] = {f"{stage}/faces/{name}": count for name, count in counts.items()}
    for protocol, report in reports.items():
        figures |= {f"{stage}/{protocol}/{name}": value for name, value in report.figures.items()}
    return {name: value for name, value in figures.items() if value == value}
