"""Least-squares alignment of batches of points."""

import torch
from torch import Tensor


def align(points: Tensor, target: Tensor, has_scale: bool) -> Tensor:
    """Aligns each set of points to its target.

    Umeyama, "Least-squares estimation of transformation parameters between two point patterns", 1991, without
    reflections.

    Args:
        points: (N, L, 3).
        target: (N, L, 3).
        has_scale: Whether the points are scaled, in addition to rotation and translation.

    Returns:
        (N, L, 3) aligned points; those of a set with numbers that are not finite are not finite either.
    """
    goal = target.mean(dim=1, keepdim=True)
    centred, centred_target = points - points.mean(dim=1, keepdim=True), target - goal
    covariance = torch.nan_to_num(centred_target.mT @ centred, nan=0.0, posinf=0.0, neginf=0.0)  # torch would raise
    left, singular, right = torch.linalg.svd(covariance)
    sign = torch.ones_like(singular)
    sign[:, 2] = torch.linalg.det(left @ right).sign()  # a rotation, not a reflection
    rotation = (left * sign[:, None]) @ right
    moved: Tensor = centred @ rotation.mT
    if has_scale:
        # the clamp avoids a division by zero where all points coincide
        spread = centred.square().sum(dim=(1, 2)).clamp_min(torch.finfo(points.dtype).tiny)
        moved = moved * ((singular * sign).sum(dim=1) / spread)[:, None, None]
    return moved + goal
