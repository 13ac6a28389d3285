"""Measurements of heads in the tables of anthropometry, of women and men.

The values are approximate: they were written down after the norms of young adults in North America (Farkas, Anthropometry
of the Head and Face, 2nd edition, Raven Press, 1994) and the differences between groups of people in Farkas et al.,
"International anthropometric study of facial morphology in various ethnic groups/races", Journal of Craniofacial Surgery
16, 2005, and have not been compared with the printed tables. Compare them before you cite them. Points have the names of
these tables: n nasion, sn subnasale, gn gnathion, zy zygion, and so on.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

Kind = Literal["distance", "width", "height", "depth", "inclination"]
PRESSED = 3.0  # millimetres that a calliper sinks into the skin over cheekbones and jaw


class Norm(NamedTuple):
    """Mean and standard deviation of a measurement."""

    mean: float
    deviation: float


@dataclass(frozen=True)
class Measurement:
    """A measurement of the head.

    Attributes:
        ends: Names of two points, the upper one first; the same name twice is a point and its mirror image.
        kind: What is measured: the distance, its part across, downwards or forwards, or the inclination to the vertical
            in degrees, positive if the lower point lies in front.
        men: Norm of men.
        women: Norm of women.
        groups: Standard deviation of the means of groups of people.
        pressed: Millimetres that the calliper sinks in at both ends together.
    """

    ends: tuple[str, str]
    kind: Kind
    men: Norm
    women: Norm
    groups: float = 0.0
    pressed: float = 0.0

    @property
    def name(self) -> str:
        """Its name in the tables, such as n-sn."""
        return "-".join(self.ends)

    @property
    def mean(self) -> float:
        """Mean of women and men on the surface of the skin."""
        return (self.men.mean + self.women.mean) / 2 + self.pressed

    @property
    def deviation(self) -> float:
        """Standard deviation of women, and of men, over all groups of people."""
        return float(np.sqrt((self.men.deviation**2 + self.women.deviation**2) / 2 + self.groups**2))


MEASUREMENTS = (
    # the head and the face
    Measurement(("eu", "eu"), "width", Norm(151.0, 5.5), Norm(144.0, 5.0), 4.0),
    Measurement(("zy", "zy"), "width", Norm(139.0, 5.5), Norm(130.0, 4.5), 4.0, 2 * PRESSED),
    Measurement(("go", "go"), "width", Norm(105.5, 6.5), Norm(94.5, 5.0), 4.0, 2 * PRESSED),
    Measurement(("n", "gn"), "height", Norm(124.5, 5.5), Norm(111.5, 5.0), 2.5, PRESSED),
    Measurement(("g", "sn"), "inclination", Norm(1.0, 3.5), Norm(2.0, 3.5), 2.0),
    Measurement(("g", "pg"), "inclination", Norm(-3.5, 3.0), Norm(-3.0, 3.0), 1.5),
    # the eyes
    Measurement(("en", "en"), "width", Norm(33.5, 2.5), Norm(32.0, 2.5), 2.0),
    Measurement(("ex", "ex"), "width", Norm(91.0, 3.0), Norm(88.0, 3.0), 2.5),
    Measurement(("ps", "pi"), "height", Norm(11.0, 1.0), Norm(11.0, 1.0), 0.5),
    Measurement(("n", "en"), "depth", Norm(-18.0, 2.5), Norm(-16.5, 2.0), 1.0),
    # the nose
    Measurement(("n", "sn"), "distance", Norm(55.0, 3.5), Norm(50.5, 3.0), 2.0),
    Measurement(("al", "al"), "width", Norm(35.0, 2.0), Norm(31.5, 2.0), 3.5),
    Measurement(("sn", "prn"), "distance", Norm(19.5, 2.0), Norm(19.5, 1.5), 1.5),
    Measurement(("bridge", "dorsum"), "inclination", Norm(31.0, 4.5), Norm(30.0, 4.5), 3.0),
    # the mouth
    Measurement(("ch", "ch"), "width", Norm(54.5, 3.0), Norm(50.0, 3.5), 2.0),
    Measurement(("sn", "sto"), "height", Norm(22.5, 2.0), Norm(20.0, 2.0), 1.0),
    Measurement(("ls", "upper_sto"), "height", Norm(8.0, 1.5), Norm(8.5, 1.5), 1.5),
    Measurement(("lower_sto", "li"), "height", Norm(9.5, 1.5), Norm(9.5, 1.5), 1.5),
)
