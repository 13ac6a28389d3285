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
        (N, L, 3) aligned points.
    """
    goal = target.mean(dim=1, keepdim=True)
    centred, centred_target = points - points.mean(dim=1, keepdim=True), target - goal
    left, singular, right = torch.linalg.svd(centred_target.mT @ centred)
    sign = torch.ones_like(singular)
    sign[:, 2] = torch.linalg.det(left @ right).sign()  # a rotation, not a reflection
    rotation = (left * sign[:, None]) @ right
    moved: Tensor = centred @ rotation.mT
    if has_scale:
        # the clamp avoids a division by zero where all points coincide
        spread = centred.square().sum(dim=(1, 2)).clamp_min(torch.finfo(points.dtype).tiny)
        moved = moved * ((singular * sign).sum(dim=1) / spread)[:, None, None]
    return moved + goal
