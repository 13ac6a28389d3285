"""What is said of a reconstructed face in numbers: its JSON file."""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.landmarks import LANDMARKS_68
from lightning_module.inference.reconstructed_face import ReconstructedFace

_FRAME = "0-based pixels of the upright photograph, y downwards; z in pixels too, nearer is larger, least 0"


def face_record(face: ReconstructedFace, network: str) -> dict[str, Any]:
    """As JSON has it.

    Args:
        face: The face.
        network: The file it was reconstructed with.
    """
    landmarks = face.landmarks_81_px
    x, y, side = face.crop
    return {
        "photo": str(face.photo),
        "image_size_px": [face.image.shape[1], face.image.shape[0]],
        "frame": _FRAME,
        "box_px": _rounded(face.found.box_px),
        "found_by": face.found.source,
        "crop": {"centre_px": _rounded(np.array([x, y])), "side_px": round(float(side), 3)},
        "head_pose_deg": dict(zip(("pitch", "yaw", "roll"), _rounded(face.angles_deg), strict=True)),
        "head_pose": "R = Rx(pitch) Ry(yaw) Rz(roll) as in Pose_Para: + pitch looks up, + yaw turns the nose to the left of the image, + roll turns the head clockwise in it",
        "landmarks_68_px": _rounded(landmarks[:LANDMARKS_68]),
        "landmarks_81_px": _rounded(landmarks),
        "landmarks_81_visible": face.landmarks_81_visible.tolist(),
        "network": network,
    }


def as_json(record: dict[str, Any]) -> str:
    """One line a point."""
    lines = json.dumps(record, indent=1).replace("[\n   ", "[").replace("\n  ]", "]")
    return lines.replace(",\n   ", ", ") + "\n"


def _rounded(numbers: NDArray[np.floating]) -> list[Any]:
    return list(np.round(numbers, 3).tolist())
