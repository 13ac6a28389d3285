"""Normalised mean error (NME): the mean distance of points as a percentage of the size of the face.

The size of a face is sqrt(w * h) of the box of its 68 true landmarks for all figures; of 81 landmarks, these are the
first. evaluation/protocols.py assigns these functions to named figures, with their sources.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from datamodules.geometry.landmarks import LANDMARKS_68
from lightning_module.evaluation.alignment import align

# Name of each bin, and its largest |yaw| in degrees. As in the benchmark, the last bin includes yaws beyond 90.
YAW_BINS = {"yaw_00_30": 30.0, "yaw_30_60": 60.0, "yaw_60_90": float("inf")}
BIN_TITLES = {"yaw_00_30": "0-30°", "yaw_30_60": "30-60°", "yaw_60_90": "60-90°"}
REDUCTIONS = ("mean", "worst", *YAW_BINS)  # how the means of the bins become one figure


def face_size(landmarks: Tensor) -> Tensor:
    """(N,) sqrt(w * h) of the box of the first 68 of (N, L, 2 or 3) ground-truth landmarks.

    Raises:
        ValueError: If a box has no area.
    """
    corners = torch.aminmax(landmarks[:, :LANDMARKS_68, :2], dim=1)
    size: Tensor = (corners.max - corners.min).prod(dim=1).sqrt()
    if not (size > 0).all():
        raise ValueError(f"the ground-truth landmarks of face {int((size <= 0).nonzero()[0])} span no area")
    return size


def face_aspect(landmarks: Tensor) -> Tensor:
    """(N,) w / h of the box of the first 68 landmarks."""
    corners = torch.aminmax(landmarks[:, :LANDMARKS_68, :2], dim=1)
    width, height = (corners.max - corners.min).unbind(dim=1)
    return width / height


def landmark_nme(predicted: Tensor, target: Tensor) -> Tensor:
    """(N,) percent: mean distance in x and y of (N, L, 2 or 3) landmarks / size of the target's face."""
    distance: Tensor = torch.linalg.vector_norm(predicted[..., :2] - target[..., :2], dim=-1).mean(dim=1)
    return 100 * distance / face_size(target)


def landmark_nme_3d(predicted: Tensor, target: Tensor) -> Tensor:
    """(N,) percent: mean distance in x, y, z of (N, L, 3) landmarks after the mean of z is removed from both.

    Depth is defined up to a shift only, and papers align it differently, so figures of other alignments are not
    comparable. The size of the face is that of `landmark_nme`.
    """
    difference = predicted - target
    depth = difference[..., 2:] - difference[..., 2:].mean(dim=1, keepdim=True)
    distance: Tensor = torch.linalg.vector_norm(torch.cat([difference[..., :2], depth], dim=-1), dim=-1).mean(dim=1)
    return 100 * distance / face_size(target)


def aligned_nme(predicted: Tensor, target: Tensor, has_scale: bool) -> Tensor:
    """(N,) percent: mean distance of (N, L, 3) landmarks after least-squares rigid or similarity alignment.

    It measures shape only: position, rotation and, with scale, size of the head have no influence.
    """
    distance: Tensor = torch.linalg.vector_norm(align(predicted, target, has_scale) - target, dim=-1).mean(dim=1)
    return 100 * distance / face_size(target)


def dense_nme(predicted: Tensor, target: Tensor, mask: Tensor, landmarks_68: Tensor) -> Tensor:
    """(N,) percent: mean distance in x and y over texels / size of the face.

    Args:
        predicted: (N, 3, S, S) in crop pixels.
        target: (N, 3, S, S).
        mask: (S, S) bool, the texels to average over.
        landmarks_68: (N, 68, 2 or 3) ground truth.
    """
    distance = (predicted - target)[:, :2, mask].square().sum(dim=1).sqrt().mean(dim=1)
    return 100 * distance / face_size(landmarks_68)


def dense_nme_3d(predicted: Tensor, target: Tensor, mask: Tensor, landmarks_68: Tensor) -> Tensor:
    """(N,) percent: `dense_nme` in x, y and z, after the mean of z over these texels is removed."""
    difference = (predicted - target)[:, :, mask]
    depth = difference[:, 2] - difference[:, 2].mean(dim=1, keepdim=True)
    distance = (difference[:, :2].square().sum(dim=1) + depth.square()).sqrt().mean(dim=1)
    return 100 * distance / face_size(landmarks_68)


def yaw_bin(yaw_deg: Tensor) -> Tensor:
    """(N,) index in `YAW_BINS` of the bin of each face; 30 and 60 degrees belong to the lower bin."""
    limits = torch.tensor(list(YAW_BINS.values())[:-1], dtype=yaw_deg.dtype, device=yaw_deg.device)
    return torch.bucketize(yaw_deg.abs(), limits)


def reduce_bins(means: NDArray[np.float64], reduction: str) -> NDArray[np.float64]:
    """One figure from the mean error of each yaw bin.

    Args:
        means: (..., 3) in the order of `YAW_BINS`; NaN marks an empty bin, which does not count.
        reduction: "mean" of the bins (the field's "Mean"), "worst" of them, or the name of a bin.

    Returns:
        (...); NaN where no bin counts.
    """
    if reduction in YAW_BINS:
        return np.asarray(means[..., list(YAW_BINS).index(reduction)])
    counts = (~np.isnan(means)).sum(axis=-1)
    if reduction == "worst":
        return np.where(counts > 0, np.where(np.isnan(means), -np.inf, means).max(axis=-1), np.nan)
    if reduction != "mean":
        raise ValueError(f"there is no reduction {reduction}; there are {', '.join(REDUCTIONS)}")
    with np.errstate(invalid="ignore"):  # 0 / 0 where no bin counts
        return np.asarray(np.where(np.isnan(means), 0.0, means).sum(axis=-1) / counts)


@dataclass(frozen=True, eq=False)
class NMEReport:
    """Errors of faces under one protocol.

    Attributes:
        per_face: (N,) percent.
        yaw_deg: (N,) degrees.
        aspect: (N,) width / height of the box of each face's true landmarks, which identifies the ground truth in any
            crop; None if it is not needed.
    """

    per_face: Tensor
    yaw_deg: Tensor
    aspect: Tensor | None = None

    @property
    def counts(self) -> dict[str, int]:
        """Faces in each bin."""
        bins = yaw_bin(self.yaw_deg)
        return {name: int((bins == i).sum()) for i, name in enumerate(YAW_BINS)}

    @property
    def by_bin(self) -> dict[str, float]:
        """Mean error of each bin; NaN for a bin without faces."""
        bins = yaw_bin(self.yaw_deg)
        errors = self.per_face.double()
        return {name: float(errors[bins == i].mean()) for i, name in enumerate(YAW_BINS)}

    def reduced(self, reduction: str) -> float:
        """One figure of all bins, in percent; NaN where a face has no error.

        Args:
            reduction: One of `REDUCTIONS`.
        """
        by_bin = self.by_bin
        if reduction not in YAW_BINS and self.per_face.isnan().any():
            return float("nan")  # its bin is not empty, and must not be left out
        return float(reduce_bins(np.array([by_bin[name] for name in YAW_BINS]), reduction))

    @property
    def figures(self) -> dict[str, float]:
        """All reductions by name, as in metrics."""
        return {reduction: self.reduced(reduction) for reduction in REDUCTIONS}

    @property
    def mean_of_bins(self) -> float:
        """The mean of the bins that have faces, the field's "Mean"."""
        return self.reduced("mean")

    @property
    def mean_of_faces(self) -> float:
        """The mean over all faces."""
        return float(self.per_face.double().mean())
