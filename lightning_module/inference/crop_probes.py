"""Whether a network follows a known change of its crop, which it does only where it sees a face."""

import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.crop import CropJitter
from datamodules.geometry.landmarks import LANDMARKS_68, MIRROR_68
from lightning_module.inference.crop_maps import crop_maps, landmarks_image_px, recropped
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


def crop_disagreement(
    network: MapNetwork, image: NDArray[np.uint8], crop: NDArray[np.float64], position_map: NDArray[np.float32]
) -> float:
    """How far a network's landmarks are apart in the photograph if it starts from crops that are shifted, scaled and mirrored.

    Each changed crop is followed by a second pass about its own landmarks. A network that recognises a face ends in the
    same place of the photograph from all of them: 0. One that recognises nothing returns much the same map for all crops,
    so that its landmarks stay as far apart as the crops were: 1.

    Args:
        network: The network.
        image: (H, W, 3) RGB.
        crop: (3,) x and y of the centre and side of the crop.
        position_map: (256, 256, 3) the network's map of this crop.

    Returns:
        Mean distance of the landmarks from their median, relative to that of a network whose map never changes.
    """
    texels = network.layout.landmark_texels
    crops = np.repeat(crop[None], len(PROBES), axis=0)
    still = landmarks_image_px(np.repeat(position_map[None], len(PROBES), axis=0), crops, texels, PROBES)
    again, _ = recropped(crops, crop_maps(network, image, crops, PROBES), network.layout, PROBES)
    ends = landmarks_image_px(crop_maps(network, image, again, _MIRRORED), again, texels, _MIRRORED)
    return _spread(ends) / max(_spread(still), _SMALLEST * float(crop[2]))


def _spread(landmarks: NDArray[np.float64]) -> float:
    """Mean distance of (P, 68, 3) landmarks of the probes from their median, in x and y."""
    orders = [MIRROR_68 if probe.is_mirrored else np.arange(LANDMARKS_68) for probe in PROBES]
    upright = np.stack([points[order, :2] for points, order in zip(landmarks, orders, strict=True)])
    return float(np.linalg.norm(upright - np.median(upright, axis=0), axis=-1).mean())
