"""What cameras and files do to photographs: wrong white balance, blur, low resolution, grain and JPEG compression."""

import cv2
import numpy as np
from numpy.typing import NDArray

from datamodules.synthetic.noise import smooth_noise
from datamodules.synthetic.scenery import disc

Light = NDArray[np.float32]
Image = NDArray[np.uint8]

_DEFOCUS = 0.014  # largest radius of the disc / size of the picture
_LEAST_BLUR = 0.6  # pixels
_MOTION = 0.05  # largest length of the path / size of the picture
_LEAST_DETAIL = 0.22  # smallest resolution relative to the picture's
_QUALITY = (8, 90)  # of JPEG files
_SHOT, _READ = 10.0, 14.0  # largest standard deviations of grain in bright and in dark parts, of 255
_UPSCALING = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4, cv2.INTER_NEAREST)


def shift_white(light: Light, rng: np.random.Generator) -> Light:
    """(S, S, 3) light as seen by a camera that takes the wrong colour for white."""
    warm, green = rng.normal(0, 0.22), rng.normal(0, 0.07)
    gains = np.exp(np.array([warm - green / 2, green, -warm - green / 2]))
    grey = light.mean(axis=2, keepdims=True)
    saturation = np.float32(np.exp(rng.normal(-0.1, 0.3)))
    return np.asarray(np.clip(grey + saturation * (light - grey), 0, None) * gains.astype(np.float32), np.float32)


def blur(light: Light, rng: np.random.Generator) -> Light:
    """(S, S, 3) light that is out of focus, or moved while the shutter was open."""
    size = len(light)
    if rng.random() < 0.5:
        kernel = disc(max(size * _DEFOCUS * rng.uniform(0.2, 1) ** 1.5, _LEAST_BLUR))
    else:
        kernel = _path(size * _MOTION * rng.uniform(0.15, 1) ** 1.5, rng.uniform(0, np.pi))
    return np.asarray(cv2.filter2D(light, -1, kernel, borderType=cv2.BORDER_REPLICATE), np.float32)


def lower_resolution(image: Image, rng: np.random.Generator) -> Image:
    """(S, S, 3) picture that was once smaller."""
    size = len(image)
    small = max(24, round(size * np.exp(rng.uniform(np.log(_LEAST_DETAIL), 0))))
    if small >= size:
        return image
    shrunk = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
    # nearest neighbours only where the blocks stay small
    kinds = _UPSCALING if 2 * small > size else _UPSCALING[:-1]
    return np.asarray(cv2.resize(shrunk, (size, size), interpolation=kinds[rng.integers(len(kinds))]), np.uint8)


def add_grain(image: Image, rng: np.random.Generator) -> Image:
    """(S, S, 3) picture with the noise of a sensor: of each colour by itself, or of brightness alone; fine or coarse."""
    shape = image.shape[:2]
    scale = int(rng.choice([1, 2], p=[0.7, 0.3]))
    strength = rng.uniform(0.1, 1) ** 1.5
    grey = smooth_noise(shape, scale, rng)
    colour = rng.uniform(0, 1)
    bright = np.sqrt(image.mean(axis=2) * np.float32(1 / 255))
    deviation = np.float32(strength) * (np.float32(_READ) + np.float32(_SHOT - _READ) * bright)
    grainy = np.empty(image.shape, np.float32)
    for channel in range(3):
        own = smooth_noise(shape, scale, rng)
        grainy[..., channel] = image[..., channel] + deviation * (
            np.float32(np.sqrt(1 - colour**2)) * grey + np.float32(colour) * own
        )
    return np.asarray(np.clip(grainy + 0.5, 0, 255), np.uint8)


def compress(image: Image, rng: np.random.Generator) -> Image:
    """(S, S, 3) picture that went through a JPEG file."""
    quality = int(np.interp(rng.random(), [0, 0.3, 1], [_QUALITY[0], 30, _QUALITY[1]]))
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(image[..., ::-1]), options)
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert decoded is not None
    return np.asarray(decoded[..., ::-1], np.uint8)


def end_picture(image: Image, rng: np.random.Generator) -> Image:
    """(S, S, 3) picture that ends before the crop does, as padding shows: black, plain, or the last pixels repeated."""
    size = len(image)
    insets = np.where(rng.random(4) < 0.4, rng.uniform(0.02, 0.27, 4) ** 1.3 * size, 0).astype(int)
    top, bottom, left, right = insets.tolist()
    inner = image[top : size - bottom, left : size - right]
    kind = rng.choice(3, p=[0.6, 0.15, 0.25])
    border = cv2.BORDER_REPLICATE if kind == 2 else cv2.BORDER_CONSTANT
    level = [0.0] * 3 if kind == 0 else [float(rng.choice([255, 128, 230]))] * 3
    return np.asarray(cv2.copyMakeBorder(inner, top, bottom, left, right, border, value=level), np.uint8)


def _path(length: float, angle: float) -> Light:
    """Kernel of a straight movement by so many pixels, whose sum is 1."""
    reach = int(np.ceil(length / 2)) + 1
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    for t in np.linspace(-length / 2, length / 2, 4 * reach + 1):
        x, y = reach + t * np.cos(angle), reach + t * np.sin(angle)
        left, top = int(x), int(y)
        right, down = x - left, y - top
        kernel[top, left] += (1 - right) * (1 - down)
        kernel[top, left + 1] += right * (1 - down)
        kernel[top + 1, left] += (1 - right) * down
        kernel[top + 1, left + 1] += right * down
    return np.asarray(kernel / kernel.sum(), np.float32)
