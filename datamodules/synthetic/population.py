"""An unlimited population of synthetic faces, each determined by a seed, a person and a view."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from datamodules.synthetic.faces import SyntheticFace, draw_face, draw_person
from datamodules.synthetic.head_poses import TILT_DEG, VIEWS, draw_yaw_deg
from datamodules.synthetic.looks import Look
from datamodules.synthetic.renderer import render
from datamodules.synthetic.variety import NO_VARIETY, Variety


@dataclass(frozen=True)
class Population:
    """An unlimited number of faces.

    Attributes:
        seed: Seed of all faces.
        image_size: Pixels per side of the photographs.
        tilt_deg: Standard deviations of pitch and roll.
        variety: What the faces vary in beyond the default.
    """

    seed: int
    image_size: int
    tilt_deg: tuple[float, float] = TILT_DEG
    variety: Variety = NO_VARIETY

    def person(self, person: int) -> tuple[NDArray[np.float32], Look]:
        """(K,) identity coefficients and the appearance of a person."""
        return _person(self.seed, person, self.variety)

    def face(self, person: int, view: int) -> tuple[SyntheticFace, np.random.Generator]:
        """A view of a person, and the generator for rendering its photograph."""
        identity, look = self.person(person)
        rng = np.random.default_rng([self.seed, person, 1 + view])
        yaw_deg = draw_yaw_deg((view + person) % VIEWS, rng, self.variety)
        return draw_face(identity, look, yaw_deg, self.tilt_deg, self.image_size, rng, self.variety), rng

    def photograph(self, person: int, view: int) -> tuple[SyntheticFace, NDArray[np.uint8]]:
        """A view of a person, and its (S, S, 3) RGB photograph."""
        face, rng = self.face(person, view)
        return face, render(face, rng)


@lru_cache(maxsize=64)
def _person(seed: int, person: int, variety: Variety) -> tuple[NDArray[np.float32], Look]:
    return draw_person(np.random.default_rng([seed, person]), variety)
