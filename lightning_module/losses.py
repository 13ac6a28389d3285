"""How far a predicted position map is from the true one, weighted by region."""

from typing import Literal

from torch import Tensor

Norm = Literal["l2", "l1", "squared"]

_SMALLEST = 1e-12  # square pixels


def weighted_distance(predicted: Tensor, target: Tensor, weights: Tensor, norm: Norm = "l2") -> Tensor:
    """Eq. (3) of Shi et al., ||P(u, v) - P~(u, v)|| * W(u, v), as a mean over texels.

    The published sum over texels is in proportion to the mean, to which Adam's steps are indifferent.

    Args:
        predicted: (N, 3, S, S) in crop pixels.
        target: (N, 3, S, S) in crop pixels.
        weights: (S, S), mean 1 over the texels that count.
        norm: Of the difference of two points: Euclidean as published, the sum of absolute values, or its square.

    Returns:
        () in crop pixels ("squared": their square), averaged over the texels that count and over faces.
    """
    difference = predicted - target
    if norm == "l1":
        distance = difference.abs().sum(dim=1)
    else:
        # ten times as fast as vector_norm over three channels on a CPU; the root of 0 has no derivative
        distance = difference.square().sum(dim=1)
        distance = distance if norm == "squared" else distance.clamp_min(_SMALLEST).sqrt()
    total = (distance * weights).sum(dim=(1, 2)).mean()
    return total / (weights > 0).sum()
