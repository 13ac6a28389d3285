"""The region-weighted loss between predicted and true position maps."""

from typing import Literal

from torch import Tensor

Norm = Literal["l2", "l1", "squared"]

_SMALLEST = 1e-12  # square pixels


def weighted_distance(predicted: Tensor, target: Tensor, weights: Tensor, norm: Norm = "l2") -> Tensor:
    """Eq. (3) of Shi et al., ||P(u, v) - P~(u, v)|| * W(u, v), as a mean over texels.

    The published sum over texels is proportional to the mean, and the steps of Adam do not depend on this factor.

    Args:
        predicted: (N, 3, S, S) in crop pixels.
        target: (N, 3, S, S) in crop pixels.
        weights: (S, S), mean 1 over the texels that count.
        norm: Norm of the difference of two points: "l2" as published, "l1", or "squared", the square of "l2".

    Returns:
        () in crop pixels ("squared": square pixels), averaged over the texels with a weight and over faces.
    """
    difference = predicted - target
    if norm == "l1":
        distance = difference.abs().sum(dim=1)
    else:
        # on a CPU ten times as fast as vector_norm over three channels; clamped, since sqrt has no derivative at 0
        distance = difference.square().sum(dim=1)
        distance = distance if norm == "squared" else distance.clamp_min(_SMALLEST).sqrt()
    total = (distance * weights).sum(dim=(1, 2)).mean()
    return total / (weights > 0).sum()
