"""Light that is hard on a face: low sun, one window, a flash, lamps from below or behind, coloured lamps in the dark."""

from typing import Literal

import numpy as np

from datamodules.synthetic.head import Array
from datamodules.synthetic.lighting import Light

_Kind = Literal["sun", "window", "flash", "lamp", "behind", "coloured", "overcast"]
_KINDS: dict[_Kind, float] = {
    "sun": 0.26,
    "window": 0.2,
    "flash": 0.12,
    "lamp": 0.14,
    "behind": 0.1,
    "coloured": 0.1,
    "overcast": 0.08,
}


def draw_harsh_light(rng: np.random.Generator) -> Light:
    """Draws the light of a scene."""
    kinds = list(_KINDS)
    kind = kinds[rng.choice(len(kinds), p=list(_KINDS.values()))]
    side = float(rng.choice([-1.0, 1.0]))
    white = np.ones(3)
    gloss = rng.uniform(0, 0.6) ** 1.3
    if kind == "sun":
        directions = [_towards(side * rng.uniform(0.1, 1.6), rng.uniform(0.25, 1.35))]
        colours = [_warm(rng.uniform(0, 0.35)) * rng.uniform(1.2, 2.0)]
        ambient, wrap = _warm(-rng.uniform(0, 0.3)) * rng.uniform(0.12, 0.5), 0.02
    elif kind == "window":
        directions = [_towards(side * rng.uniform(0.5, 1.5), rng.uniform(-0.1, 0.6))]
        colours = [_warm(rng.normal(-0.05, 0.12)) * rng.uniform(0.9, 1.4)]
        ambient, wrap = white * rng.uniform(0.02, 0.25), rng.uniform(0.2, 0.6)
    elif kind == "flash":
        directions = [_towards(rng.normal(0, 0.12), rng.normal(0.12, 0.12))]
        colours = [_warm(rng.normal(0, 0.08)) * rng.uniform(1.0, 1.6)]
        ambient, wrap, gloss = white * rng.uniform(0.05, 0.3), 0.02, rng.uniform(0.2, 0.7)
    elif kind == "lamp":
        height = rng.uniform(0.6, 1.4) if rng.random() < 0.5 else -rng.uniform(0.2, 1.0)
        directions = [_towards(side * rng.uniform(0, 1.3), height)]
        colours = [_warm(rng.uniform(0.05, 0.55)) * rng.uniform(1.0, 1.6)]
        ambient, wrap = _warm(rng.normal(0, 0.2)) * rng.uniform(0.01, 0.12), rng.uniform(0.02, 0.3)
    elif kind == "behind":
        directions = [
            _towards(side * rng.uniform(1.9, 2.8), rng.uniform(0, 0.8)),
            _towards(-side * rng.uniform(0, 1.2), rng.uniform(0, 0.6)),
        ]
        colours = [_warm(rng.normal(0.1, 0.2)) * rng.uniform(1.5, 3.0), _warm(rng.normal(0, 0.15)) * 0.3]
        ambient, wrap = white * rng.uniform(0.1, 0.4), 0.05
    elif kind == "coloured":
        lamps = int(rng.integers(2, 4))
        directions = [_towards(*place) for place in rng.uniform((-2.0, -0.5), (2.0, 1.0), (lamps, 2))]
        colours = [_hue(rng.uniform(0, 1), rng.uniform(0.3, 0.95)) * rng.uniform(0.5, 1.6) for _ in range(lamps)]
        ambient, wrap = _hue(rng.uniform(0, 1), 0.5) * rng.uniform(0.01, 0.15), rng.uniform(0.02, 0.3)
    else:
        directions = [_towards(rng.normal(0, 0.6), rng.uniform(0.8, 1.5))]
        colours = [white * rng.uniform(0.1, 0.4)]
        ambient, wrap = _warm(rng.normal(-0.08, 0.1)) * rng.uniform(0.6, 0.9), 0.5
    # surroundings are brighter on one side, mostly above, and reflect their colour
    bright = rng.normal(0, (0.5, 0.4, 0.5)) + np.array([0.0, 0.4, 0.0])
    slope = ambient.mean() * np.outer(bright, _warm(rng.normal(0, 0.15)))
    return Light(
        ambient,
        np.zeros(3),
        np.stack(directions),
        np.stack(colours),
        float(gloss),
        float(rng.uniform(6, 60)),
        float(wrap),
        slope,
    )


def _towards(azimuth: float, elevation: float) -> Array:
    """(3,) unit vector; the azimuth is 0 at the camera and positive to the right of the image."""
    level = np.cos(elevation)
    return np.array([level * np.sin(azimuth), np.sin(elevation), level * np.cos(azimuth)])


def _warm(amount: float) -> Array:
    """(3,) colour from blue (below 0) over white to orange."""
    return np.asarray(np.exp(amount * np.array([0.9, 0.05, -1.3])))


def _hue(hue: float, saturation: float) -> Array:
    """(3,) saturated colour."""
    wheel = 0.5 + 0.5 * np.cos(2 * np.pi * (hue - np.array([0, 1, 2]) / 3))
    return np.asarray(1 - saturation + saturation * wheel * 1.5)
