"""Contact sheets of synthetic faces."""

import numpy as np
from numpy.typing import NDArray

from datamodules.synthetic.faces import draw_face
from datamodules.synthetic.population import Population
from datamodules.synthetic.renderer import render

_COLUMNS, _ROWS = 8, 5
_PEOPLE = 5
_YAWS_DEG = (-60.0, -30.0, 0.0, 30.0, 60.0, 90.0)


def samples_sheet(population: Population) -> NDArray[np.uint8]:
    """A sheet of 40 faces of a data set, each of another person."""
    photographs = [population.photograph(person, 0)[1] for person in range(_COLUMNS * _ROWS)]
    return _tiled(photographs, _COLUMNS)


def people_sheet(population: Population) -> NDArray[np.uint8]:
    """A sheet of five people at six yaws each."""
    photographs = []
    for person in range(_PEOPLE):
        identity, look = population.person(person)
        for yaw_deg in _YAWS_DEG:
            rng = np.random.default_rng([population.seed, person])  # the same expression, light and background
            face = draw_face(
                identity, look, yaw_deg, population.tilt_deg, population.image_size, rng, population.variety
            )
            photographs.append(render(face, rng))
    return _tiled(photographs, len(_YAWS_DEG))


def _tiled(photographs: list[NDArray[np.uint8]], columns: int) -> NDArray[np.uint8]:
    rows = [np.concatenate(photographs[i : i + columns], axis=1) for i in range(0, len(photographs), columns)]
    return np.concatenate(rows)
