"""Writes an HTML page with the overlay video of a clip, a slider, and the course of pose and confidence."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datamodules.files.atomic_files import write_whole

_MOST_FRAMES = 20_000  # in the page; of longer videos, every second, third, ... frame


def write_video_page(path: Path, name: str, rows: NDArray[np.void], fps: float, count: int) -> None:
    """Writes the page, which needs the files beside it and no server.

    Args:
        path: The page.
        name: Name of the files of the video.
        rows: (M,) rows of `track_table.ROW`.
        fps: Frames per second of the overlay video.
        count: Number of frames of the video.

    Raises:
        OSError: If it cannot be written.
    """
    step = -(-count // _MOST_FRAMES) if count else 1
    shown = rows[rows["frame"] % step == 0] if len(rows) else rows
    content: dict[str, Any] = {
        "name": name,
        "video": f"{name}.webm",
        "files": [f"{name}{ending}" for ending in (".webm", ".csv", ".npz")],
        "fps": round(fps, 4),
        "count": count,
        "step": step,
        "faces": [_course(shown[shown["face"] == number], int(number)) for number in np.unique(shown["face"])],
    }
    template = (files("lightning_module.inference.video") / "video.html").read_text(encoding="utf-8")
    # a name that holds </script> must not end the script
    write_whole(path, template.replace("@CONTENT@", json.dumps(content).replace("<", "\\u003c")))


def _course(rows: NDArray[np.void], number: int) -> dict[str, Any]:
    """The course of one face."""
    return {
        "face": number,
        "frame": rows["frame"].tolist(),
        "time_s": np.round(rows["time_s"], 3).tolist(),
        "confidence": np.round(rows["confidence"].astype(float), 2).tolist(),
        "pose_deg": np.round(rows["pose_deg"].astype(float), 1).tolist(),
    }
