"""Errors of every face of a data set, gathered over batches and processes."""

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from datamodules.geometry.landmarks import Region
from lightning_module.nme import NMEReport, dense_nme, landmark_nme, landmark_nme_3d

LANDMARKS_2D = "nme"
LANDMARKS_3D = "nme_3d_mean_z"
DENSE = "nme_dense"
MEAN_MAP = "nme_mean_map"
_DENSE_REGIONS = {
    "nme_eyes_nose": [Region.EYES_NOSE],
    "nme_mouth": [Region.MOUTH],
    "nme_face": [Region.FACE],
}
PROTOCOLS = [LANDMARKS_2D, LANDMARKS_3D, DENSE, *_DENSE_REGIONS, MEAN_MAP]


class FaceErrors(Metric):
    """NME of each face under every protocol.

    nme            68 landmarks in x and y
    nme_3d_mean_z  68 landmarks in x, y, z, the mean of z removed
    nme_dense      all texels of the face in x and y; so do nme_eyes_nose, nme_mouth and nme_face (the rest) for areas
    nme_mean_map   as nme, of a predictor that always answers with the mean map: what is to be beaten

    A distributed sampler repeats faces to even out the processes; each is counted once, by its number.
    """

    full_state_update = False
    numbers: list[Tensor]
    yaws: list[Tensor]
    errors: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        for name in ("numbers", "yaws", "errors"):
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
            target_68: (N, 68, 3).
            yaw_deg: (N,).
            number: (N,) int64, one for each face of the data set.
            maps: Predicted and true (N, 3, S, S) maps and the (S, S) regions that they share, or None where the
                network's texels are not the data's.
            mean_68: (68, 3) landmarks of the mean map, or None to leave its error out.
        """
        columns = [landmark_nme(predicted_68, target_68), landmark_nme_3d(predicted_68, target_68)]
        missing = torch.full_like(columns[0], torch.nan)
        if maps is None:
            columns += [missing] * (1 + len(_DENSE_REGIONS))
        else:
            predicted, target, regions = maps
            columns.append(dense_nme(predicted, target, regions != Region.NECK, target_68))
            for labels in _DENSE_REGIONS.values():
                mask = torch.isin(regions, torch.tensor(labels, device=regions.device))
                columns.append(dense_nme(predicted, target, mask, target_68))
        columns.append(missing if mean_68 is None else landmark_nme(mean_68.expand_as(target_68), target_68))
        self.numbers.append(number)
        self.yaws.append(yaw_deg)
        self.errors.append(torch.stack(columns, dim=1))

    def compute(self) -> Tensor:
        """(M, 1 + protocols) yaw in degrees and errors of each face, in the order of their numbers."""
        numbers = dim_zero_cat(self.numbers)
        faces, inverse = torch.unique(numbers, return_inverse=True)
        places = torch.arange(len(numbers), device=numbers.device)
        first = torch.full_like(faces, len(numbers)).scatter_reduce(0, inverse, places, "amin")
        rows = torch.column_stack([dim_zero_cat(self.yaws), dim_zero_cat(self.errors)])
        return rows[first]

    def reports(self) -> dict[str, NMEReport]:
        """A report for each protocol that has figures."""
        yaw_deg, *errors = self.compute().cpu().unbind(dim=1)
        reports = {name: NMEReport(column, yaw_deg) for name, column in zip(PROTOCOLS, errors, strict=True)}
        return {name: report for name, report in reports.items() if not report.per_face.isnan().all()}
