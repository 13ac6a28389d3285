"""Whether a network follows a known change of its crop, which it does only where it sees a face."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.crop import CropJitter
from datamodules.geometry.landmarks import LANDMARKS_68, MIRROR_68
from lightning_module.inference.crop_maps import about_landmarks, crop_maps, landmarks_image_px, recropped
from lightning_module.inference.crop_network import MapNetwork

# Changes that a network withstands on a face though they are larger than those of its training. Half of them are
# mirrored, for a network that is not symmetric sees another picture then.
PROBES = (
    CropJitter(shift=(0.1, 0.0)),
    CropJitter(shift=(-0.1, 0.0), is_mirrored=True),
    CropJitter(shift=(0.0, 0.1), is_mirrored=True),
    CropJitter(shift=(0.0, -0.1)),
    CropJitter(scale=0.8),
    CropJitter(scale=1.25, is_mirrored=True),
)
_MIRRORED = [CropJitter(is_mirrored=probe.is_mirrored) for probe in PROBES]
_SMALLEST = 1e-6  # sides of a crop; a map that is a point has no spread


class Probed(NamedTuple):
    """Where a network ends that starts from crops which are shifted, scaled and mirrored.

    Attributes:
        disagreement: Mean distance of the landmarks from their median, relative to that of a network whose map never
            changes. A network that recognises a face ends in the same place of the photograph from all crops: 0. One that
            recognises nothing returns much the same map for all of them, so that its landmarks stay as far apart as
            the crops were: 1.
        crop: (3,) x and y of the centre and side of the network's crop about the median.
    """

    disagreement: float
    crop: NDArray[np.float64]


def probed_crop(
    network: MapNetwork, image: NDArray[np.uint8], crop: NDArray[np.float64], position_map: NDArray[np.float32]
) -> Probed:
    """Follows each changed crop to a second pass about its own landmarks.

    Args:
        network: The network.
        image: (H, W, 3) RGB.
        crop: (3,) x and y of the centre and side of the crop.
        position_map: (256, 256, 3) the network's map of this crop.

    Returns:
        How far the ends are apart, and the crop about their median; the crop as it was, where that is no plausible one.
    """
    texels = network.layout.landmark_texels
    crops = np.repeat(crop[None], len(PROBES), axis=0)
    still = landmarks_image_px(np.repeat(position_map[None], len(PROBES), axis=0), crops, texels, PROBES)
    again, _ = recropped(crops, crop_maps(network, image, crops, PROBES), network.layout, PROBES)
    ends = _upright(landmarks_image_px(crop_maps(network, image, again, _MIRRORED), again, texels, _MIRRORED))
    apart = _spread(ends) / max(_spread(_upright(still)), _SMALLEST * float(crop[2]))
    agreed, _ = about_landmarks(crop[None], np.median(ends, axis=0)[None], network.layout)
    return Probed(apart, agreed[0])


def _upright(landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
    """(P, 68, 3) landmarks of the probes in the order of the face, whether a probe is mirrored or not."""
    orders = [MIRROR_68 if probe.is_mirrored else np.arange(LANDMARKS_68) for probe in PROBES]
    return np.stack([points[order] for points, order in zip(landmarks, orders, strict=True)])


def _spread(landmarks: NDArray[np.float64]) -> float:
    """Mean distance of (P, 68, 3) landmarks from their median, in x and y."""
    x_y = landmarks[..., :2]
    return float(np.linalg.norm(x_y - np.median(x_y, axis=0), axis=-1).mean())
