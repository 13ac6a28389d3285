"""Recognises systematic errors of landmarks: a shifted pixel grid, a flipped axis, another scale or order."""

import torch
from torch import Tensor

from lightning_module.evaluation.nme import landmark_nme

_SHIFT_TOLERANCE = 0.25  # pixels, between the faces' mean shift and a whole pixel
_MOST_STANDARD_ERROR = 0.1  # pixels, of that mean
_SCALE_TOLERANCE, _DEPTH_TOLERANCE = 1.25, 1.6  # times as large
_LEAST_FACES = 5


def diagnose(predicted: Tensor, target: Tensor) -> list[str]:
    """Describes systematic faults of a set of predictions, one line each; an empty list for ordinary errors.

    Args:
        predicted: (N, L, 2 or 3) landmarks.
        target: (N, L, 2 or 3) true landmarks.
    """
    if len(predicted) < _LEAST_FACES:
        return []
    predicted_xy, target_xy = predicted[..., :2], target[..., :2]
    if _is_flipped(predicted_xy[..., 1], target_xy[..., 1]):
        return [
            "y of the predictions has the opposite direction to y of the ground truth: does one of them count from the "
            "bottom? Flip it (height - 1 - y)."
        ]
    scale = _median_scale(predicted_xy, target_xy)
    if not 1 / _SCALE_TOLERANCE < scale < _SCALE_TOLERANCE:
        return [
            f"the predicted faces are {scale:.2f} times as large as the true ones: do both count pixels of the same "
            "image, and not of a crop? Scale the predictions back."
        ]
    errors, errors_of_next = (landmark_nme(points, target_xy) for points in (predicted_xy, predicted_xy.roll(1, 0)))
    if errors.median() > errors_of_next.median():
        return ["the predictions are closer to the previous face than to their own: are the rows in another order?"]
    return [*_faults_of_first_pixel(predicted_xy, target_xy), *_faults_of_depth(predicted, target)]


def _faults_of_first_pixel(predicted_xy: Tensor, target_xy: Tensor) -> list[str]:
    shifts = (predicted_xy - target_xy).mean(dim=1)
    mean = shifts.mean(dim=0)
    standard_error = float(shifts.std(dim=0).max()) / len(shifts) ** 0.5
    for sign, counted in ((1, "predictions"), (-1, "true landmarks")):
        if bool(((mean - sign).abs() < _SHIFT_TOLERANCE).all()) and standard_error < _MOST_STANDARD_ERROR:
            return [
                f"the predictions lie {mean[0]:+.2f}, {mean[1]:+.2f} pixels from the truth on average: do the "
                f"{counted} count pixels from 1? Subtract 1 from their x and y."
            ]
    return []


def _faults_of_depth(predicted: Tensor, target: Tensor) -> list[str]:
    if min(predicted.shape[-1], target.shape[-1]) < 3:
        return []
    predicted_z, target_z = predicted[..., 2], target[..., 2]
    if _is_flipped(predicted_z, target_z):
        return ["z of the predictions has the opposite sign to the ground truth, where nearer is larger: change it."]
    scale = _median_scale(predicted_z[..., None], target_z[..., None])
    if not 1 / _DEPTH_TOLERANCE < scale < _DEPTH_TOLERANCE:
        return [
            f"z of the predictions varies {scale:.2f} times as much as that of the ground truth: is it in pixels, "
            "with the scale of x and y?"
        ]
    return []


def _is_flipped(predicted: Tensor, target: Tensor) -> bool:
    """Whether the (N, L) coordinates of most faces have negative covariance."""
    centred, centred_target = (points - points.mean(dim=1, keepdim=True) for points in (predicted, target))
    covariance = (centred * centred_target).sum(dim=1)
    return bool((covariance < 0).double().mean() > 0.5)


def _median_scale(predicted: Tensor, target: Tensor) -> float:
    """Median over faces of the ratio of the spreads of (N, L, D) points about their means."""
    return float((_spread(predicted) / _spread(target)).median())


def _spread(points: Tensor) -> Tensor:
    """(N,) root of the mean squared distance of (N, L, D) points from their mean."""
    centred = points - points.mean(dim=1, keepdim=True)
    return torch.sqrt(centred.square().sum(dim=-1).mean(dim=1))
