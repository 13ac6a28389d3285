"""Faces of videos against the truth: errors, lost frames, jitter with and without smoothing, and speed.

    python -m benchmarks.video_tracking WORK [CKPT]

Three videos of 10 s of synthetic heads that turn from -80 to 80 degrees and speak are drawn into WORK once. A true crop is
that of the true landmarks of a frame. Jitter is the root mean square, over x and y of the landmarks, of how far an error is
from the mean of the frames before and after, which a constant error and a steady drift leave at zero. Real people move in
other ways.
"""

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.measurements import save
from benchmarks.turning_head import write_turning_head
from datamodules.geometry.crop import crop_boxes
from lightning_module.evaluation.nme import landmark_nme
from lightning_module.inference.detection import DetectedFace
from lightning_module.inference.reconstructor import Reconstructor
from lightning_module.inference.video.face_tracks import FaceTracker
from lightning_module.inference.video.video_faces import write_video_faces
from lightning_module.inference.video.video_frames import Frame, VideoFile

SEEDS = (7, 8, 9)

Array = NDArray[np.float64]


def measure(work: Path, checkpoint: str) -> None:
    """Draws the videos that are missing, follows their faces, and saves the figures."""
    work.mkdir(parents=True, exist_ok=True)
    reconstructor = Reconstructor.load(checkpoint, detector="scikit-image")
    rows = []
    for seed in SEEDS:
        rows.append(_followed(work, seed, reconstructor))
        print(json.dumps(rows[-1]), flush=True)
    figures: dict[str, Any] = {"videos": len(SEEDS), "--min_confidence": reconstructor.min_confidence}
    figures |= {name: round(float(np.mean([row[name] for row in rows])), 3) for name in rows[0]}
    figures |= _stages(work, reconstructor)
    save("video_tracking", "python -m benchmarks.video_tracking WORK", figures)


def _followed(work: Path, seed: int, reconstructor: Reconstructor) -> dict[str, float]:
    """The figures of one video."""
    path, truth_path = work / f"head_{seed}.mp4", work / f"head_{seed}.npy"
    if not truth_path.is_file():
        write_turning_head(path, truth_path, seed)
    truth = np.load(truth_path)
    single = _of_true_crops(list(VideoFile(path)), truth, reconstructor.for_frames())
    results = [_written(path, work, reconstructor, is_smoothed) for is_smoothed in (False, True)]
    (plain, lost, tracks, seconds), (smooth, *_) = results
    is_seen = np.isfinite(plain).all(axis=(1, 2))
    return {
        "NME % with true crops": _nme(single, truth),
        "NME % of the frames with the face": _nme(plain[is_seen], truth[is_seen]),
        "NME % of these with true crops": _nme(single[is_seen], truth[is_seen]),
        "NME % of these, smoothed": _nme(smooth[is_seen], truth[is_seen]),
        "frames without the face": lost,
        "tracks": tracks,
        "jitter %": _jitter(plain, truth),
        "jitter %, smoothed": _jitter(smooth, truth),
        "frames a second": len(truth) / seconds,
        "ms a frame, all": 1000 * seconds / len(truth),
    }


def _stages(work: Path, reconstructor: Reconstructor) -> dict[str, float]:
    """Milliseconds of a frame of the first video, by stage."""
    start = time.perf_counter()
    frames = list(VideoFile(work / f"head_{SEEDS[0]}.mp4"))
    decoded = time.perf_counter()
    reconstructor.detect(frames[0].image)
    searched = time.perf_counter()
    tracker = _tracker(reconstructor)
    for frame in frames:
        tracker.faces(frame)
    tracked = time.perf_counter()
    stages = {
        "ms a frame, decoding": (decoded - start) / len(frames),
        "ms a frame, searching and following": (tracked - searched) / len(frames),
        "ms a search": searched - decoded,
    }
    return {name: round(1000 * seconds, 1) for name, seconds in stages.items()}


def _tracker(reconstructor: Reconstructor) -> FaceTracker:
    return FaceTracker(reconstructor.detect, reconstructor.for_frames().reconstruct, reconstructor.min_confidence)


def _written(path: Path, work: Path, reconstructor: Reconstructor, is_smoothed: bool) -> tuple[Array, int, int, float]:
    """(F, 68, 3) landmarks of the face that is followed longest, frames without it, number of faces, and seconds."""
    video = VideoFile(path)
    count = video.count or 0
    written = write_video_faces(
        video, _tracker(reconstructor), work, f"{path.stem}_{'smooth' if is_smoothed else 'plain'}", is_smoothed
    )
    with np.load(work / f"{path.stem}_{'smooth' if is_smoothed else 'plain'}.npz") as table:
        own = table["face"] == np.bincount(table["face"]).argmax()
        points = np.full((count, *table["landmarks_px"].shape[1:]), np.nan)
        points[table["frame"][own]] = table["landmarks_px"][own]
    return points, int(np.isnan(points[:, 0, 0]).sum()), written.faces, written.seconds


def _of_true_crops(frames: Sequence[Frame], truth: Array, reconstructor: Reconstructor) -> Array:
    crops = crop_boxes(truth)
    boxes = np.concatenate([truth[..., :2].min(axis=1), truth[..., :2].max(axis=1)], axis=1)
    faces = [
        reconstructor.reconstruct(frame.image, [DetectedFace(box, crop, "truth")])[0]
        for frame, box, crop in zip(frames, boxes, crops, strict=True)
    ]
    return np.stack([face.landmarks for face in faces])


def _nme(points: Array, truth: Array) -> float:
    """NME % of the 68 landmarks, mean of frames."""
    return float(landmark_nme(*(torch.from_numpy(each.astype(np.float32)) for each in (points, truth))).mean())


def _jitter(points: Array, truth: Array) -> float:
    """In % of the size of the face."""
    size = np.sqrt(np.ptp(truth[..., :2], axis=1).prod(axis=1))
    errors = 100 * (points - truth)[..., :2] / size[:, None, None]
    return float(np.sqrt(np.nanmean((errors[1:-1] - (errors[:-2] + errors[2:]) / 2) ** 2)))


if __name__ == "__main__":
    measure(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "pretrained")
