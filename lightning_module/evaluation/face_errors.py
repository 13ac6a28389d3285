"""The errors of all faces of a data set, gathered over batches and processes."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from lightning_module.evaluation.nme import NMEReport, face_aspect
from lightning_module.evaluation.protocols import LANDMARKS_2D, MEAN_MAP, DenseProtocol, LandmarkProtocol, Protocol


class FaceErrors(Metric):
    """NME of each face under several protocols.

    A distributed sampler repeats faces to give all processes the same number; each face is counted once.

    Args:
        protocols: The protocols to evaluate.
    """

    full_state_update = False
    numbers: list[Tensor]
    yaws: list[Tensor]
    aspects: list[Tensor]
    errors: list[Tensor]

    def __init__(self, protocols: Sequence[Protocol]) -> None:
        super().__init__()
        self._protocols = tuple(protocols)
        self._names = [protocol.name for protocol in protocols]
        for name in ("numbers", "yaws", "aspects", "errors"):
            self.add_state(name, default=[], dist_reduce_fx="cat")

    def update(
        self,
        predicted_68: Tensor,
        target_68: Tensor,
        yaw_deg: Tensor,
        number: Tensor,
        maps: tuple[Tensor, Tensor, Tensor] | None = None,
        mean_68: Tensor | None = None,
    ) -> None:
        """Adds a batch.

        Args:
            predicted_68: (N, 68, 3) in crop pixels.
            target_68: (N, 68, 3); z is NaN where it is unknown, and then 3-D protocols have no figures.
            yaw_deg: (N,).
            number: (N,) int64, one for each face of the data set.
            maps: Predicted and true (N, 3, S, S) maps and their (S, S) region labels, or None if the texels of network
                and data are different points of the face.
            mean_68: (68, 3) landmarks of the mean map, or None to leave its error out.
        """
        has_depth = not target_68[..., 2].isnan().any()
        measured = {
            protocol.name: protocol.error(predicted_68, target_68)
            for protocol in self._protocols
            if isinstance(protocol, LandmarkProtocol) and (protocol.dimensions == 2 or has_depth)
        }
        if maps is not None:
            for protocol in self._protocols:
                if isinstance(protocol, DenseProtocol):
                    measured[protocol.name] = protocol.measure(*maps, target_68)
        if mean_68 is not None:
            measured[MEAN_MAP.name] = LANDMARKS_2D.error(mean_68.expand_as(target_68), target_68)
        missing = torch.full_like(yaw_deg, torch.nan)
        self.numbers.append(number)
        self.yaws.append(yaw_deg)
        self.aspects.append(face_aspect(target_68))
        self.errors.append(torch.stack([measured.get(name, missing) for name in self._names], dim=1))

    def compute(self) -> Tensor:
        """(M, 2 + protocols) yaw in degrees, aspect and errors of each face, in the order of their numbers."""
        numbers = dim_zero_cat(self.numbers)
        faces, inverse = torch.unique(numbers, return_inverse=True)
        places = torch.arange(len(numbers), device=numbers.device)
        first = torch.full_like(faces, len(numbers)).scatter_reduce(0, inverse, places, "amin")
        rows = torch.column_stack([dim_zero_cat(self.yaws), dim_zero_cat(self.aspects), dim_zero_cat(self.errors)])
        return rows[first]

    def reports(self) -> dict[str, NMEReport]:
        """A report for each protocol that has figures."""
        yaw_deg, aspect, *errors = self.compute().cpu().unbind(dim=1)
        reports = {name: NMEReport(column, yaw_deg, aspect) for name, column in zip(self._names, errors, strict=True)}
        return {name: report for name, report in reports.items() if not report.per_face.isnan().all()}
