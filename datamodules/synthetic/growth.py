"""How heads differ with age: displacements from the mean adult to children of three ages, and to old people.

The values are approximate, like those of `anthropometry`: they have not been compared with the publications that are named.
"""

import numpy as np

from datamodules.synthetic.anthropometry import MEASUREMENTS
from datamodules.synthetic.head import Array, HeadSheet, bump
from datamodules.synthetic.head_measurements import HeadMeasurements
from datamodules.synthetic.identity import named_features
from datamodules.synthetic.measured_head import deform

CHILD_AGES = (1.0, 6.0, 12.0)  # years
GROWN_UP = 18.0

# What children of these ages have reached of the adult's size, after the growth curves of Farkas, Posnick and Hreczko
# (Cleft Palate-Craniofacial Journal 29, 1992: "Growth patterns of the face: a morphometric study", and its companions on
# orbits, nose and lips, and head), rounded.
_GROWN: dict[str, tuple[float, float, float]] = {
    "eu-eu": (0.85, 0.94, 0.98),
    "zy-zy": (0.76, 0.87, 0.95),
    "go-go": (0.76, 0.87, 0.94),
    "n-gn": (0.66, 0.79, 0.91),
    "en-en": (0.84, 0.91, 0.97),
    "ex-ex": (0.82, 0.89, 0.95),
    "ps-pi": (0.88, 0.95, 0.98),
    "n-en": (0.55, 0.75, 0.92),
    "n-sn": (0.60, 0.77, 0.92),
    "al-al": (0.79, 0.86, 0.94),
    "sn-prn": (0.56, 0.72, 0.88),
    "ch-ch": (0.64, 0.81, 0.92),
    "sn-sto": (0.76, 0.89, 0.96),
    "ls-upper_sto": (0.75, 0.88, 0.96),
    "lower_sto-li": (0.75, 0.88, 0.96),
}
# Named features of children, in standard deviations of adults: no brow ridge, a steep forehead, a snub nose, full cheeks,
# a thin neck.
_CHILDLIKE = {
    "brow_ridge": (-1.6, -1.1, -0.6),
    "forehead_slope": (-1.6, -1.0, -0.4),
    "tip_up": (1.5, 1.1, 0.5),
    "cheeks": (1.8, 0.9, 0.3),
    "neck": (-2.2, -1.7, -0.9),
    "ear_size": (-1.2, -0.5, 0.0),
}

# What grows and shrinks from youth to the eighth decade, in millimetres, after Farkas et al., "Anthropometric
# measurements of the facial framework in adulthood", Journal of Craniofacial Surgery 15, 2004, rounded: noses and mouths
# get longer and wider, lips long and thin, and lids sink.
_OLD_AGE = {
    "n-sn": 2.0,
    "al-al": 2.5,
    "ch-ch": 2.0,
    "sn-sto": 2.0,
    "ls-upper_sto": -2.5,
    "lower_sto-li": -2.5,
    "ps-pi": -2.0,
}
_OLD = {"tip_up": -1.2, "cheeks": -1.3, "ear_size": 1.6, "brow_height": -0.8, "muzzle": -0.8}
_JOWLS = (2.5, -4.0, 1.5)  # millimetres outwards, upwards and forwards


def age_modes(sheet: HeadSheet) -> tuple[list[Array], Array]:
    """Displacements from the adult head to children of `CHILD_AGES`, and to an old person.

    All have the adult's width of the head, since the size in a photograph is that of the crop.

    Args:
        sheet: The mean head.

    Returns:
        Three (GRID, GRID, 3) displacements, and one.
    """
    values = HeadMeasurements(sheet).values(sheet.points.reshape(-1, 3))
    per_unit = deform(sheet, values).per_unit
    features = named_features(sheet)
    names = [measurement.name for measurement in MEASUREMENTS]

    def moved(changes: Array, named: dict[str, float]) -> Array:
        field = np.einsum("m,m...->...", changes, per_unit)
        return np.asarray(field + sum(amount * features[name] for name, amount in named.items()))

    children = []
    for age in range(len(CHILD_AGES)):
        shares = np.array([_GROWN[name][age] if name in _GROWN else _GROWN["eu-eu"][age] for name in names])
        changes = values * (shares / _GROWN["eu-eu"][age] - 1)
        children.append(moved(changes, {name: amounts[age] for name, amounts in _CHILDLIKE.items()}))
    old = moved(np.array([_OLD_AGE.get(name, 0.0) for name in names]), _OLD)
    jowls = bump(np.abs(sheet.across), sheet.height, (42.0, -96.0), (14.0, 13.0))[..., None]
    side = np.sign(sheet.across)[..., None]
    return children, old + jowls * np.array(_JOWLS) * np.concatenate([side, np.ones_like(side), np.ones_like(side)], -1)
