"""Points moved onto others, in the least-squares sense."""

import torch
from torch import Tensor


def align(points: Tensor, target: Tensor, has_scale: bool) -> Tensor:
    """Each set of points after the motion that brings it nearest to its target.

    Umeyama, "Least-squares estimation of transformation parameters between two point patterns", 1991: reflections are
    left out.

    Args:
        points: (N, L, 3).
        target: (N, L, 3).
        has_scale: Whether the motion scales, beside rotating and moving.

    Returns:
        (N, L, 3).
    """
    goal = target.mean(dim=1, keepdim=True)
    centred, centred_target = points - points.mean(dim=1, keepdim=True), target - goal
    left, singular, right = torch.linalg.svd(centred_target.mT @ centred)
    sign = torch.ones_like(singular)
    sign[:, 2] = torch.linalg.det(left @ right).sign()  # a rotation, not a reflection
    rotation = (left * sign[:, None]) @ right
    moved: Tensor = centred @ rotation.mT
    if has_scale:
        # points that all coincide stay so: no scale makes a face of them
        spread = centred.square().sum(dim=(1, 2)).clamp_min(torch.finfo(points.dtype).tiny)
        moved = moved * ((singular * sign).sum(dim=1) / spread)[:, None, None]
    return moved + goal
