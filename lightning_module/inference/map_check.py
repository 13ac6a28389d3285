"""Whether predicted position maps can be those of a face, which those of a diverged training are not."""

import numpy as np
from numpy.typing import NDArray

from datamodules.errors import DivergedError
from datamodules.geometry.crop import CROP_SIZE

# Farthest point in sides of the crop. A face fills most of its crop; beyond this, no picture of it can be drawn.
_FARTHEST = 16


def require_plausible_maps(maps: NDArray[np.floating]) -> None:
    """Checks (N, 3, S, S) or (N, S, S, 3) position maps in crop pixels.

    Raises:
        DivergedError: If they are not finite, or points lie absurdly far from the crop.
    """
    if not np.isfinite(maps).all():
        raise DivergedError("the network's position maps hold numbers that are not finite. Has it been trained?")
    farthest = float(np.abs(maps).max(initial=0.0))
    if farthest > _FARTHEST * CROP_SIZE:
        raise DivergedError(
            f"the network's position maps reach {farthest:.3g} px, in a crop of {CROP_SIZE} px. Has its training diverged?"
        )
