"""Noise for textures and backgrounds: random pieces of arrays that are computed once."""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

_SIZE = 512
_SEED = 20  # part of the synthetic data, not of a run


@cache
def _store(scale: int) -> NDArray[np.float32]:
    """(1024, 1024) noise of unit variance that varies over `scale` pixels."""
    rng = np.random.default_rng([_SEED, scale])
    white = rng.standard_normal((_SIZE, _SIZE), np.float32)
    if scale > 1:
        frequency = np.hypot(np.fft.fftfreq(_SIZE)[:, None], np.fft.rfftfreq(_SIZE)[None])
        white = np.fft.irfft2(np.fft.rfft2(white) * np.exp(-((frequency * scale) ** 2) * 2)).astype(np.float32)
    return _twice(white)


@cache
def _streaks() -> NDArray[np.float32]:
    """(1024, 1024) noise that varies quickly across and slowly downwards, like hair."""
    rng = np.random.default_rng([_SEED, 0])
    white = rng.standard_normal((_SIZE, _SIZE), np.float32)
    frequency = np.abs(np.fft.fftfreq(_SIZE)[:, None]) * 24 + np.abs(np.fft.rfftfreq(_SIZE)[None]) * 1.5
    return _twice(np.fft.irfft2(np.fft.rfft2(white) * np.exp(-(frequency**2) * 2)).astype(np.float32))


@cache
def _fractal() -> NDArray[np.float32]:
    """(1024, 1024) noise whose amplitude falls with the frequency as in photographs: 1 / f.

    After Field, "Relations between the statistics of natural images and the response properties of cortical cells",
    1987.
    """
    rng = np.random.default_rng([_SEED, 1_000])
    white = rng.standard_normal((_SIZE, _SIZE), np.float32)
    frequency = np.hypot(np.fft.fftfreq(_SIZE)[:, None], np.fft.rfftfreq(_SIZE)[None])
    frequency[0, 0] = np.inf  # no mean
    return _twice(np.fft.irfft2(np.fft.rfft2(white) / np.maximum(frequency, 2 / _SIZE)).astype(np.float32))


def _twice(noise: NDArray[np.float32]) -> NDArray[np.float32]:
    """(1024, 1024) tiling of (512, 512) noise, scaled to unit variance, so that pieces across its edges are views."""
    tiled = np.tile(noise / noise.std(), (2, 2))
    tiled.setflags(write=False)  # whoever changed a piece would change all later pictures
    return tiled


def smooth_noise(shape: tuple[int, int], scale: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """A random piece of noise of unit variance that varies over `scale` pixels, a power of two; 1 is white noise."""
    return _cut(_store(scale), shape, rng)


def streak_noise(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    """A random piece of hair-like noise, whose strands run from top to bottom."""
    return _cut(_streaks(), shape, rng)


def fractal_noise(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    """A random piece of noise with the spectrum of photographs."""
    return _cut(_fractal(), shape, rng)


def _cut(store: NDArray[np.float32], shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    top, left = rng.integers(0, _SIZE, 2)
    flip = int(rng.integers(0, 2))
    height, width = shape
    if height > _SIZE or width > _SIZE:
        return np.asarray(cv2.resize(_cut(store, (_SIZE, _SIZE), rng), (width, height)), np.float32)
    piece = store[top : top + height, left : left + width]
    return piece[:, ::-1] if flip else piece
