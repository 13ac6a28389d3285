"""The JSON file of a reconstructed face."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_module.inference.face import Face

_FRAME = "0-based pixels of the upright photograph, y downwards; z in pixels too, larger is nearer, minimum 0"


def face_record(face: Face, photo: Path, network: str) -> dict[str, Any]:
    """The contents of the file.

    Args:
        face: The face.
        photo: Path of its photograph.
        network: Name of the network's file.
    """
    x, y, side = face.crop
    return {
        "photo": str(photo),
        "image_size_px": [face.image.shape[1], face.image.shape[0]],
        "frame": _FRAME,
        "box_px": _rounded(face.detection.box_px),
        "found_by": face.detection.detector,
        "confidence": None if face.confidence is None else round(face.confidence, 3),
        "crop": {"centre_px": _rounded(np.array([x, y])), "side_px": round(float(side), 3)},
        "head_pose_deg": dict(zip(("pitch", "yaw", "roll"), _rounded(face.pose), strict=True)),
        "head_pose": "R = Rx(pitch) Ry(yaw) Rz(roll) as in Pose_Para: with positive pitch the head looks up, with positive yaw to the left of the image, with positive roll it is tilted clockwise",
        "landmarks_68_px": _rounded(face.landmarks),
        "landmarks_81_px": _rounded(face.landmarks_81),
        "landmarks_81_visible": face.landmarks_81_visible.tolist(),
        "network": network,
    }


def as_json(record: dict[str, Any]) -> str:
    """The text of the file, with one line per point."""
    lines = json.dumps(record, indent=1).replace("[\n   ", "[").replace("\n  ]", "]")
    return lines.replace(",\n   ", ", ") + "\n"


def _rounded(numbers: NDArray[np.floating]) -> list[Any]:
    return list(np.round(numbers, 3).tolist())
