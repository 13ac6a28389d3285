"""What is probably wrong with landmarks that are far off all alike: another pixel grid, axis or scale."""

from torch import Tensor

_SAME_SHIFT = 0.25  # pixels, between the faces' mean shift and a whole one
_MOST_SCATTER = 0.5  # pixels, of a face's mean shift about that: a systematic shift hardly scatters
_SCALE_APART = 1.25  # sizes of face
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
    # y about its mean, per face: upside down, the two run against each other
    against = (_about_mean(found)[..., 1] * _about_mean(truth)[..., 1]).sum(dim=1)
    if (against < 0).double().mean() > 0.5:
        return ["y of the predictions runs against that of the ground truth: is one of them counted from below? "
                "Flip it (height - 1 - y) before they are compared."]  # fmt: skip
    scale = float((_spread(found) / _spread(truth)).median())
    if not 1 / _SCALE_APART < scale < _SCALE_APART:
        return [f"the predicted faces are {scale:.2f} times as large as the true ones: do both count pixels of the same "
                "image, and not of a crop? Scale the predictions back."]  # fmt: skip
    shifts = (found - truth).mean(dim=1)
    middle, scatter = shifts.median(dim=0).values, float(shifts.std(dim=0).max())
    for sign, which in ((1, "predictions"), (-1, "ground truth")):
        if bool(((middle - sign).abs() < _SAME_SHIFT).all()) and scatter < _MOST_SCATTER:
            return [f"the predictions lie {middle[0]:+.2f}, {middle[1]:+.2f} pixels from the truth, nearly alike for all "
                    f"faces: do the {which} count pixels from 1? Subtract 1 from their x and y."]  # fmt: skip
    return []


def _about_mean(points: Tensor) -> Tensor:
    return points - points.mean(dim=1, keepdim=True)


def _spread(points: Tensor) -> Tensor:
    """(N,) root mean square distance from the mean."""
    return _about_mean(points).square().sum(dim=-1).mean(dim=1).sqrt()
