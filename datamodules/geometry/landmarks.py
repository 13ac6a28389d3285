"""The numbering of the landmarks, and their mirror pairs.

The 68 landmarks are those of iBUG (Sagonas et al., 300 Faces in-the-Wild, 2013); evaluation uses them. The 81 add
thirteen along the hairline, numbered as in the public 81-point shape predictor; the weight mask uses them. "Left" and
"right" refer to the image of a face that looks at the camera.
"""

import numpy as np
from numpy.typing import NDArray

LANDMARKS_68 = 68
LANDMARKS_81 = 81

JAW = np.arange(0, 17)  # from the left ear over the chin to the right ear
BROWS = np.arange(17, 27)
NOSE = np.arange(27, 36)
EYES = np.arange(36, 48)
MOUTH = np.arange(48, 68)
OUTER_EYE_CORNERS = [36, 45]

# The hairline from the left temple to the right one; the middle number is the top of the forehead.
FOREHEAD_ARC = np.array([77, 75, 76, 68, 69, 70, 71, 80, 72, 73, 79, 74, 78])

_MIRROR_PAIRS_68 = [
    *zip(range(0, 8), range(16, 8, -1), strict=True),  # jaw
    *zip(range(17, 22), range(26, 21, -1), strict=True),  # brows
    (31, 35), (32, 34),  # nostrils
    (36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46),  # eyes
    (48, 54), (49, 53), (50, 52), (59, 55), (58, 56),  # outer lips
    (60, 64), (61, 63), (67, 65),  # inner lips
]  # fmt: skip


def _mirror_order(count: int, pairs: list[tuple[int, int]]) -> NDArray[np.intp]:
    order = np.arange(count)
    for left, right in pairs:
        order[left], order[right] = right, left
    return order


# landmarks[MIRROR_68] are the landmarks of the mirrored face, in iBUG's order again
MIRROR_68 = _mirror_order(LANDMARKS_68, _MIRROR_PAIRS_68)
