"""How sure it is that a position map is that of a face in the photograph: confidences in [0, 1]."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.crop import CROP_MARGIN, CROP_SIZE, crop_boxes
from datamodules.geometry.landmarks import LANDMARKS_68
from datamodules.geometry.similarity import fit_similarity
from lightning_module.inference.crop_network import MapNetwork
from lightning_module.inference.crop_probes import probed_crop
from lightning_module.inference.face_classifier import face_log_odds
from lightning_module.inference.frontal_view import FrontalView

CONFIRMED = 0.7  # confidence of a face that can be relied on

# Log odds = _BIAS + _CLASSIFIER * log odds of the classifier - _AGREEMENT * log of the disagreement of the probes. The
# weights are those of a logistic regression on 232 candidates in composites of synthetic faces, with faces and others
# of equal weight (python -m benchmarks.confidence_fit pretrained), for the network and the classifier that come with the
# project. They must be fitted again whenever one of these changes.
_BIAS, _CLASSIFIER, _AGREEMENT = -4.75, 0.88, 2.47
_SMALLEST_DISAGREEMENT = 0.05  # below, a network is no surer
_SURE = 0.02, 0.98  # bounds of a detector's probability, which is no surer than that
# Wide bounds, which stop what cannot be a face whatever the odds.
_OUTSIDE = 0.15  # of a crop's side that a landmark may lie outside of it
_DEPTHS = (0.2, 2.0)  # depth of the landmarks in the same sizes as below
_MOST_RESIDUAL = 0.2  # mean distance of the landmarks from the aligned mean face, in sizes of its landmark box


class Judged(NamedTuple):
    """Confidences in faces, and crops that are closer to them.

    Attributes:
        confidences: (N,) confidences in [0, 1] that maps are those of faces.
        crops: (N, 3) x and y of the centre and side of the network's crops about the landmarks that it finds from other
            crops of the same place, which are closer to the face than those of a single crop.
    """

    confidences: NDArray[np.float64]
    crops: NDArray[np.float64]


class FaceCheck:
    """Judges the maps of a network.

    Args:
        network: The network, which should average over no crops: averaged maps agree better, on faces and on others.

    Attributes:
        network: The network.
    """

    def __init__(self, network: MapNetwork) -> None:
        self.network = network
        self._view = FrontalView(network.layout)
        row, col = network.layout.landmark_texels[:LANDMARKS_68].T
        self._texels = row, col
        self._mean = network.layout.mean_map[row, col].astype(np.float64)

    def judged(
        self,
        image: NDArray[np.uint8],
        maps: NDArray[np.float32],
        crops: NDArray[np.float64],
        scores: Sequence[float | None] | None = None,
    ) -> Judged:
        """How sure it is that maps are those of faces, and where these are.

        Args:
            image: (H, W, 3) RGB.
            maps: (N, 256, 256, 3) the network's maps of the crops, in crop pixels.
            crops: (N, 3) x and y of the centre and side of each crop.
            scores: Each detector's own probability of a face, or None if it gives none.
        """
        probed = [probed_crop(self.network, image, crop, each) for each, crop in zip(maps, crops, strict=True)]
        agreement = -np.log(np.maximum([each.disagreement for each in probed], _SMALLEST_DISAGREEMENT))
        odds = _BIAS + _CLASSIFIER * self.classified(image, maps, crops) + _AGREEMENT * agreement
        odds += [0.0 if score is None else _log_odds(score) for score in scores or [None] * len(maps)]
        plausible = [self.is_plausible(each) for each in maps]
        return Judged(
            np.asarray(1 / (1 + np.exp(-np.clip(odds, -50, 50))) * plausible), np.stack([each.crop for each in probed])
        )

    def classified(
        self, image: NDArray[np.uint8], maps: NDArray[np.float32], crops: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """(N,) log odds of a face from the classifier alone, which needs no further pass of the network."""
        views = [self._view.view(image, each, crop) for each, crop in zip(maps, crops, strict=True)]
        return face_log_odds(np.stack(views))

    def is_plausible(self, position_map: NDArray[np.float32]) -> bool:
        """Whether a (256, 256, 3) map in crop pixels has the place, the size and the shape of a face."""
        landmarks = position_map[self._texels].astype(np.float64)
        outside = max(-landmarks[:, :2].min(), landmarks[:, :2].max() - (CROP_SIZE - 1)) / CROP_SIZE
        size = float(crop_boxes(self._mean[None])[0, 2]) / CROP_MARGIN
        turned = fit_similarity(self._mean, landmarks)
        if not turned.scale > 0:
            return False
        aligned = turned.scale * self._mean @ turned.rotation.T + turned.shift
        residual = np.linalg.norm(aligned - landmarks, axis=1).mean() / (turned.scale * size)
        depth = np.ptp(landmarks[:, 2]) / (turned.scale * size)
        return bool(outside <= _OUTSIDE and _DEPTHS[0] <= depth <= _DEPTHS[1] and residual <= _MOST_RESIDUAL)


def _log_odds(score: float) -> float:
    bounded = min(max(score, _SURE[0]), _SURE[1])
    return float(np.log(bounded / (1 - bounded)))
