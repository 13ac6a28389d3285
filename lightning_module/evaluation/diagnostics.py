"""What is probably wrong with landmarks that are far off all alike: another pixel grid, axis, scale or order."""

import torch
from torch import Tensor

from lightning_module.evaluation.nme import landmark_nme

_SAME_SHIFT = 0.25  # pixels, between the faces' mean shift and a whole one
_MOST_DOUBT = 0.1  # pixels, standard error of that mean
_SCALE_APART, _DEPTH_APART = 1.25, 1.6  # times as large
_LEAST_FACES = 5


def suspicions(predicted: Tensor, target: Tensor) -> list[str]:
    """A line for each thing that is worth a look; none where nothing is.

    Args:
        predicted: (N, L, 2 or 3) landmarks.
        target: (N, L, 2 or 3).
    """
    if len(predicted) < _LEAST_FACES:
        return []
    found, truth = predicted[..., :2], target[..., :2]
    if _runs_against(found[..., 1], truth[..., 1]):
        return [
            "y of the predictions runs against that of the ground truth: is one of them counted from below? "
            "Flip it (height - 1 - y) before they are compared."
        ]
    scale = _ratio(found, truth)
    if not 1 / _SCALE_APART < scale < _SCALE_APART:
        return [
            f"the predicted faces are {scale:.2f} times as large as the true ones: do both count pixels of the same "
            "image, and not of a crop? Scale the predictions back."
        ]
    if landmark_nme(found, truth).median() > landmark_nme(found.roll(1, dims=0), truth).median():
        return ["the predictions fit the face before theirs better than their own: are the rows in another order?"]
    return [*_of_first_pixel(found, truth), *_of_depth(predicted, target)]


def _of_first_pixel(found: Tensor, truth: Tensor) -> list[str]:
    shifts = (found - truth).mean(dim=1)
    middle, doubt = shifts.mean(dim=0), float(shifts.std(dim=0).max()) / len(shifts) ** 0.5
    for sign, which in ((1, "predictions"), (-1, "true landmarks")):
        if bool(((middle - sign).abs() < _SAME_SHIFT).all()) and doubt < _MOST_DOUBT:
            return [
                f"the predictions lie {middle[0]:+.2f}, {middle[1]:+.2f} pixels from the truth on average: do the "
                f"{which} count pixels from 1? Subtract 1 from their x and y."
            ]
    return []


def _of_depth(predicted: Tensor, target: Tensor) -> list[str]:
    if min(predicted.shape[-1], target.shape[-1]) < 3:
        return []
    found, truth = predicted[..., 2], target[..., 2]
    if _runs_against(found, truth):
        return ["z of the predictions runs against that of the ground truth, where nearer is larger: change its sign."]
    scale = _ratio(found[..., None], truth[..., None])
    if not 1 / _DEPTH_APART < scale < _DEPTH_APART:
        return [
            f"z of the predictions varies {scale:.2f} times as much as that of the ground truth: is it in pixels, "
            "with the scale of x and y?"
        ]
    return []


def _runs_against(found: Tensor, truth: Tensor) -> bool:
    """Whether most faces' (N, L) coordinates, about their means, run the other way."""
    along = ((found - found.mean(dim=1, keepdim=True)) * (truth - truth.mean(dim=1, keepdim=True))).sum(dim=1)
    return bool((along < 0).double().mean() > 0.5)


def _ratio(found: Tensor, truth: Tensor) -> float:
    """How many times as far (N, L, D) points spread about their mean, at the median face."""
    return float((_spread(found) / _spread(truth)).median())


def _spread(points: Tensor) -> Tensor:
    about = points - points.mean(dim=1, keepdim=True)
    return torch.sqrt(about.square().sum(dim=-1).mean(dim=1))
