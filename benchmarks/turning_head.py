"""A video of a synthetic head that turns from profile to profile and speaks, with its true landmarks."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from datamodules.files.atomic_files import whole_file
from datamodules.synthetic.expression import EXPRESSIONS
from datamodules.synthetic.faces import SyntheticFace, draw_face, draw_person
from datamodules.synthetic.renderer import render

FPS, SECONDS, SIZE_PX = 25.0, 10.0, 480
_FRAMES = int(FPS * SECONDS)
_MOST_YAW_DEG = 80.0
_SHARE = 0.8  # size of the head / that of a head that fills a synthetic photograph
_NOISE = 2.0  # standard deviation of the sensor's noise, in grey levels; it is new in each frame


def write_turning_head(video: Path, truth: Path, seed: int) -> None:
    """Writes a video, and the (F, 68, 3) landmarks of its frames in 0-based pixels, for the person of a seed."""
    noise = np.random.default_rng([seed, 1])
    frames = _frames(seed)
    with whole_file(truth) as partial, partial.open("wb") as file:
        writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"mp4v"), FPS, (SIZE_PX, SIZE_PX))
        for frame in frames:
            image = render(frame, np.random.default_rng([seed, 2]))  # the same light and background in each frame
            noisy = np.clip(image + noise.normal(0, _NOISE, image.shape), 0, 255).astype(np.uint8)
            writer.write(cv2.cvtColor(noisy, cv2.COLOR_RGB2BGR))
        writer.release()
        np.save(file, np.stack([frame.landmarks_image_px() for frame in frames]))


def _frames(seed: int) -> list[SyntheticFace]:
    rng = np.random.default_rng([seed, 0])
    identity, look = draw_person(rng)
    start = draw_face(identity, look, 0.0, (0.0, 0.0), SIZE_PX, rng)
    return [_moved(start, number / FPS) for number in range(_FRAMES)]


def _moved(face: SyntheticFace, time_s: float) -> SyntheticFace:
    """The face at a time: it turns steadily, nods, leans, sways, speaks and blinks."""

    def wave(hertz: float, phase: float = 0.0) -> float:
        return float(np.sin(2 * np.pi * hertz * time_s + phase))

    *_, tx, ty, _, scale = face.pose.tolist()
    yaw_deg = _MOST_YAW_DEG * (2 * time_s * FPS / (_FRAMES - 1) - 1)
    angles = np.deg2rad([6 * wave(0.23), yaw_deg, 5 * wave(0.31, 1.0)])
    middle = SIZE_PX / 2
    x, y = (middle + _SHARE * (place - middle) for place in (tx, ty))
    sway = np.array([0.04 * wave(0.37), 0.03 * wave(0.29, 0.5)]) * SIZE_PX
    pose = np.array([*angles, x + sway[0], y + sway[1], 0, scale * _SHARE * (1 + 0.06 * wave(0.17))], np.float32)
    amounts = {
        "jaw": 0.25 * (1 + wave(3.5)) * (1 + wave(0.6)) / 2,
        "pucker": 0.5 * max(0.0, wave(1.3)),
        "smile": 0.4 * max(0.0, wave(0.4)),
        "brows_up": 0.4 * max(0.0, wave(0.25, 2.0)),
    }
    shut = 1.0 if time_s % 3.1 > 2.9 else 0.0
    amounts |= {"blink_left": shut, "blink_right": shut}
    expression = _coefficients(amounts, len(face.expression))
    return replace(face, pose=pose, expression=expression)


def _coefficients(amounts: dict[str, float], count: int) -> NDArray[np.float32]:
    coefficients = np.zeros(count, np.float32)
    for name, amount in amounts.items():
        coefficients[EXPRESSIONS.index(name)] = amount
    return coefficients
