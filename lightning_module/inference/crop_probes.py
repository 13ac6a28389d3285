"""Whether a network follows a known change of its crop, which it does only where it sees a face."""

import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.crop import CropJitter, crop_boxes
from datamodules.geometry.landmarks import MIRROR_68
from lightning_module.inference.crop_maps import crop_maps, landmarks_image_px
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


def crop_disagreement(
    network: MapNetwork, image: NDArray[np.uint8], crop: NDArray[np.float64], position_map: NDArray[np.float32]
) -> float:
    """How far a network's landmarks move in the photograph if its crop is shifted, scaled and mirrored.

    A network that recognises a face finds it in the same place of the photograph, whatever the crop: 0. One that
    recognises nothing returns much the same map for all crops, so that its landmarks move with them: 1.

    Args:
        network: The network.
        image: (H, W, 3) RGB.
        crop: (3,) x and y of the centre and side of the crop.
        position_map: (256, 256, 3) the network's map of this crop.

    Returns:
        Mean distance of the landmarks from those of the unchanged crop, relative to that of a network whose map never
        changes.
    """
    texels = network.layout.landmark_texels
    crops = np.repeat(crop[None], len(PROBES), axis=0)
    maps = crop_maps(network, image, crops, PROBES)
    still = np.repeat(position_map[None], len(PROBES), axis=0)
    (expected,) = landmarks_image_px(position_map[None], crop[None], texels)
    moved, unmoved = (_upright(landmarks_image_px(some, crops, texels, PROBES)) for some in (maps, still))
    distance, farthest = (float(np.linalg.norm((p - expected)[..., :2], axis=-1).mean()) for p in (moved, unmoved))
    return distance / max(farthest, 1e-6 * float(crop_boxes(expected[None])[0, 2]) + 1e-12)


def _upright(landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
    """(P, 68, 3) landmarks of the probes, in iBUG's order also where they were mirrored."""
    orders = [MIRROR_68 if probe.is_mirrored else slice(None) for probe in PROBES]
    return np.stack([points[order] for points, order in zip(landmarks, orders, strict=True)])
